import EventLog
import Events
import Ingest
import ReadModel
import Simulation

/// A rate kept up for a while, with the whole service at work: how far the read model falls behind, and
/// whether memory grows.
struct SustainedBench {
    let rate: Int
    let seconds: Int
    /// Calls that are in the log, and as records in the read model, before the first run begins.
    let callsBefore: Int
    let runs: Int
    let directory: BenchDirectory

    static let figures = [
        "events_per_second", "projected_per_second", "behind_max_ns", "behind_median_ns",
        "memory_early_bytes", "memory_late_bytes", "seconds",
    ]
    private static let lookNanoseconds: Int64 = 50_000_000
    /// How many calls begin in a second of the traffic's own time, which passes faster than ours.
    private static let callsPerSecond = 1_000.0

    /// What was seen while it ran.
    private struct Seen {
        /// Nanoseconds that the read model was behind, one number a look.
        var behind: [Int64] = []
        var memory: [Int64] = []
        /// When so many events had been acknowledged; those that the read model has are dropped.
        var acknowledged: [(at: Int64, events: Int64)] = []
        var head = 0

        /// Notes how long ago the newest event that the read model has was acknowledged.
        mutating func note(acknowledged events: Int64, projected: Int64, at now: Int64) {
            acknowledged.append((now, events))
            while head < acknowledged.count, acknowledged[head].events <= projected { head += 1 }
            behind.append(head < acknowledged.count ? now - acknowledged[head].at : 0)
        }
    }

    /// Without calls before it each run has a new data directory. With them all have the same one, which is
    /// made once: each begins with what those before it have left as well.
    func run(into report: BenchReport) throws {
        var data = directory.fresh("sustained")
        var events: Int64 = 0
        for run in 0..<runs {
            if callsBefore > 0 {
                if run == 0 { events = Int64(try LogMaker.makePlain(calls: callsBefore, in: data).events) }
                // As it is with a service that has run for long; at the least level, which is the fastest.
                try LogMaker.compress(data, level: CompressionOptions.levels.lowerBound)
            } else if run > 0 {
                directory.remove(data)
                data = directory.fresh("sustained")
                events = 0
            }
            events += try sustain(run, in: data, after: events, into: report)
        }
    }

    /// - Parameter events: how many the log has already.
    /// - Returns: how many came.
    private func sustain(
        _ run: Int, in data: String, after events: Int64, into report: BenchReport
    ) throws -> Int64 {
        let ledger = try LedgerUnderTest(data: data)
        // Its first start has made the read model.
        try ledger.waitUntilProjected(events: events)
        // With what the ledger itself has said.
        let projectedBefore = try ledger.read { Int64($0.next.rawValue) - 1 }
        let player = try TrafficPlayer(ledger.service.endpoint)
        let acknowledgedBefore = player.acknowledged
        var traffic = LoopedTraffic(settings(run))
        var seen = Seen()
        let progress = ProgressReport("sustaining", unit: "events")
        let begun = Stopwatch.now
        let end = begun + Int64(seconds) * 1_000_000_000
        var lookDue = begun
        while true {
            let now = Stopwatch.now
            guard now < end else { break }
            if now >= lookDue {
                lookDue = now + Self.lookNanoseconds
                let projected = try ledger.read { Int64($0.next.rawValue) - 1 }
                seen.note(
                    acknowledged: player.acknowledged - acknowledgedBefore,
                    projected: projected - projectedBefore,
                    at: now)
                seen.memory.append(try ledger.memory)
                progress.update(
                    UInt64(player.acknowledged - acknowledgedBefore), of: UInt64(rate * seconds))
            }
            let due = Double(now - begun) / 1e9 * Double(rate)
            if Double(player.sent - acknowledgedBefore) > due {
                try player.rest()
            } else {
                try player.sendNext(of: &traffic)
            }
        }
        let taken = Stopwatch.now - begun
        let acknowledged = player.acknowledged - acknowledgedBefore
        let projected = try ledger.read { Int64($0.next.rawValue) - 1 } - projectedBefore
        try player.finish()
        progress.finish()
        let came = player.acknowledged - acknowledgedBefore
        // How far behind it was has been seen; a read model that can't keep up would take long now.
        try ledger.stop()
        let third = seen.memory.count / 3
        let behind = Spread(seen.behind)
        try report.add([
            Stopwatch.rate(Int(acknowledged), in: taken), Stopwatch.rate(Int(projected), in: taken),
            behind.greatest, behind.median,
            Spread(Array(seen.memory[third..<(2 * third)])).greatest,
            Spread(Array(seen.memory[(2 * third)...])).greatest, Int64(seconds),
        ])
        return came
    }

    private func settings(_ run: Int) -> TrafficSettings {
        var settings = BenchTraffic.settings(calls: BenchLimits.loopedCalls, sources: 1)
        // Other calls than those that are there before.
        settings.seed = UInt64(2 + run)
        settings.callsPerSecond = Self.callsPerSecond
        // All of it lies in the past, whatever the rate.
        let span = Double(rate) / 4 / Self.callsPerSecond * Double(seconds)
        settings.start = IngestOptions.wallClock().advanced(by: -Int64((span + 600) * 1_000_000))
        settings.batchEvents = 64
        return settings
    }
}
