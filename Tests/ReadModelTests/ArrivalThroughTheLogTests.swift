import Testing

@testable import EventLog
@testable import Events
@testable import Ingest
@testable import Projections
@testable import ReadModel
@testable import Simulation

/// The law of arrival orders with the real parts: 1,000 random sets of events are imported in 20 orders, each
/// with a fifth of the lines a second time and with rounds cut at random, through the importer, the log and
/// SQLite. What the read model answers is the same to the letter; `revision` and `positions` alone may tell
/// how it came. The policies that the sets are billed by come in any order too, with their calls, long before
/// and long after them, some of them stated for the same time.
@Suite(.serialized)
struct ArrivalThroughTheLogTests {
    private static let sets = 1_000
    private static let orders = 20

    @Test func anyOrderGivesTheSameAnswers() throws {
        var random = RandomStream(seed: 4_028)
        let events = Self.events(&random)
        let expected = try Self.answers(events, cutting: false, &random)
        #expect(expected.count > Self.sets)
        // Every policy that is in force for a time has billed something.
        #expect(Set(expected.compactMap { $0.firstMatch(of: /"(p\d+):/)?.output.1 }).count == 4)
        for order in 1...Self.orders {
            var lines = events + events.filter { _ in random.next() % 5 == 0 }
            lines.shuffle(using: &random)
            let answers = try Self.answers(lines, cutting: true, &random)
            let difference = zip(expected, answers).first { $0 != $1 }
            guard expected.count == answers.count, difference == nil else {
                Issue.record(
                    "order \(order): \(answers.count) rows of \(expected.count), first \(String(describing: difference))"
                )
                return
            }
        }
    }

    /// All sets, their numbers counted on per source over all of them.
    private static func events(_ random: inout RandomStream) -> [StatedEvent] {
        var seqs: [String: Int64] = [:]
        var all: [StatedEvent] = []
        func add(_ event: StatedEvent) {
            var event = event
            let number = (seqs["\(event.source)/\(event.epoch)"] ?? 0) + 1
            seqs["\(event.source)/\(event.epoch)"] = number
            event.seq = number
            all.append(event)
        }
        for set in 0..<sets {
            var calls = CollidingCalls(seed: UInt64(set), prefix: "s\(set)-")
            for event in calls.events(count: 4 + Int(random.next() % 20)) { add(event) }
            if set % 100 == 7 { add(policy(set, epoch: 1 + Int64(set / 100 % 2))) }
        }
        return all
    }

    /// Of those that are stated for the same time, epoch and number decide.
    private static func policy(_ set: Int, epoch: Int64) -> StatedEvent {
        let option = BillingPolicy.HungCall.allCases[set / 100 % 4]
        let text = #"{\"id\":\"p\#(set)\",\"hung_call\":\"\#(option.rawValue)\",\"minimum_ms\":\#(set)}"#
        let time = 1_000_000_000_000_000 + Int64(set / 100 % 4) * 100_000_000
        return StatedEvent(
            position: 0, source: "ledger", epoch: epoch, seq: 0,
            json: #"{"type":"ledger.policy","time":\#(time),"policy":"\#(text)"}"#)
    }

    /// What a read model made of these lines answers, one text a row.
    private static func answers(
        _ lines: [StatedEvent], cutting: Bool, _ random: inout RandomStream
    ) throws -> [String] {
        let place = try TestPlace()
        var importer = try Importer(log: place.log)
        importer.begin("lines", bare: Importer.bareSource(sha256: [1, 2, 3, 4, 5, 6, 7, 8]))
        for line in lines {
            let text =
                #"{"source":"\#(line.source)","epoch":\#(line.epoch),"seq":\#(line.seq),"event":\#(line.json)}"#
            try importer.take(Array((text + "\n").utf8).span)
        }
        try importer.endFile()
        let report = try importer.finish()
        #expect(report.rejected == 0 && report.conflicts == 0 && report.unreadable == 0)
        let database = try ReadModelDatabase(path: place.readModel, logID: place.log.id, use: .live)
        try project(database, place.log, cutting, &random)
        try database.close()
        return try rows(place.readModel)
    }

    private static func project(
        _ database: ReadModelDatabase, _ log: LogDirectory, _ cutting: Bool, _ random: inout RandomStream
    ) throws {
        let projector = try Projector(database, log: log, settledMax: cutting ? 500 : 100_000)
        while try projector.advance(round: cutting ? Int(random.next() % 3_000) + 1 : 100_000) {}
    }

    private static func rows(_ readModel: String) throws -> [String] {
        try ReadModelReader(path: readModel).read { snapshot in
            var rows: [String] = []
            try snapshot.callRecords(CallRecordFilter()) { row in
                rows.append("cdr \(row.prefix(CallRecord.revisedColumnCount))")
            }
            try snapshot.timers { rows.append("timer \($0)") }
            for bucket in ReadModelSnapshot.TimerBucket.allCases {
                for row in try snapshot.statistics(by: bucket) { rows.append("\(bucket) \(row)") }
            }
            var findings: [String] = []
            try snapshot.findings(FindingFilter()) { finding in
                findings.append(
                    "\(finding.code) \(finding.callID) \(finding.fromTag) \(finding.toTag) \(finding.at) \(finding.detail)"
                )
            }
            // Their order may hang on positions, which tell how it came.
            return rows + findings.sorted()
        }
    }
}
