import Testing

@testable import Events
@testable import Projections
@testable import Simulation

/// A record is a function of the set of its call's events: whatever the order in which they arrive, however
/// they are cut into rounds, and wherever a settled call leaves memory and comes back from the log.
///
/// 1,000 random sets of events, each in 20 orders; `revision` alone may tell how it came.
struct ArrivalOrderTests {
    @Test(arguments: 0..<10)
    func anyOrderGivesTheSameRecords(hundred: Int) throws {
        for seed in UInt64(hundred) * 100..<UInt64(hundred) * 100 + 100 {
            var calls = CollidingCalls(seed: seed)
            let events = calls.events(count: Int.random(in: 4...24, using: &calls.random))
            let expected = try outcome(events, order: events, cutting: 0, settledMax: 100, &calls.random)
            for order in 0..<20 {
                let shuffled = events.shuffled(using: &calls.random)
                let outcome = try outcome(
                    events, order: shuffled, cutting: order % 5 * 20, settledMax: order % 3, &calls.random)
                guard outcome == expected else {
                    Issue.record("seed \(seed), order \(order): \(outcome) is not \(expected)")
                    return
                }
            }
        }
    }

    @Test func callsThatHaveLeftMemoryComeBackFromTheLog() throws {
        var recalls = 0
        for seed in UInt64(0)..<50 {
            var calls = CollidingCalls(seed: seed)
            let events = calls.events(count: 30)
            var feed = Feed(events, settledMax: 0)
            for event in events {
                try feed.take(event)
                try feed.cut()
            }
            recalls += feed.rows.recalls
        }
        #expect(recalls > 100, "the sets are meant to make calls leave and come back")
    }

    struct Outcome: Equatable {
        var records: [[MemoryRows.Value]: [MemoryRows.Value]] = [:]
        var findings: Set<[MemoryRows.Value]> = []
        var statistics: [String] = []
        var open: [CallKey: String] = [:]
    }

    private func outcome(
        _ events: [StatedEvent], order: [StatedEvent], cutting percent: Int, settledMax: Int,
        _ random: inout RandomStream
    ) throws -> Outcome {
        var feed = Feed(events, settledMax: settledMax)
        // Numbers of sources are given in the order of arrival, which may not matter either.
        for event in order {
            try feed.take(event)
            if Int.random(in: 0..<100, using: &random) < percent { try feed.cut() }
        }
        try feed.cut()
        var outcome = Outcome()
        for (key, var row) in feed.rows.standing {
            row.remove(at: CallRecord.revisedColumnCount)
            outcome.records[key] = row
        }
        outcome.findings = feed.rows.findings
        outcome.statistics = feed.statistics.lines(feed.sources)
        outcome.open = feed.open
        return outcome
    }
}

extension StatisticsChanges {
    func lines(_ sources: SourceRegistry) -> [String] {
        var lines: [String] = []
        func add(_ bucket: String, _ statistics: TimerStatistics) {
            let counters = TimerStatistics.Counter.allCases.map { statistics[$0] }
            if counters.contains(where: { $0 != 0 }) { lines.append("\(bucket) \(counters)") }
        }
        for (hour, statistics) in byHour { add("\(hour)", statistics) }
        for (source, statistics) in bySource(sources) { add("\(source)", statistics) }
        for (userAgent, statistics) in byUserAgent {
            add(String(decoding: userAgent, as: UTF8.self), statistics)
        }
        return lines.sorted()
    }
}
