import Foundation
import GRDB
import Testing

@testable import EventLog
@testable import Events
@testable import Projections
@testable import ReadModel
@testable import Simulation

/// A call is billed by the policy in force at its end, whatever comes first: the call or the policy. A policy
/// that turns up behind what it bills makes revisions of just those records, and memory holds a page of them.
struct PolicyOverTimeTests {
    private static let start: Int64 = 1_700_000_000_000_000
    private static let second: Int64 = 1_000_000

    /// In one part of the table, and in as many as there are rounds.
    @Test(arguments: [nil, 0])
    func aPolicyThatComesLateRevisesWhatEndedUnderIt(stagedRecordsMin: Int?) throws {
        let place = try TestPlace()
        // Call n ends by a guess n seconds after the start; more calls than are judged again at a time.
        let calls = 2_600
        for call in 0..<calls { try place.state(Self.call(call)) }
        let hold = try place.state(Self.policy("hold", "hold", at: 500), of: .ledger)
        let timeout = try place.state(Self.policy("late", "timeout", at: 2_000), of: .ledger)
        // What is in force already, and what another entry of the same time goes over, bill nothing anew.
        try place.state(Self.policy("hold", "hold", at: 1_000), of: .ledger)
        let over = try place.state(Self.policy("over", "timeout", at: 500), of: .ledger)
        try place.state(Self.policy("under", "timeout", at: 500), of: .ledger, epoch: 1)
        try place.finish()
        try place.project(settledMax: 3, round: 700, stagedRecordsMin: stagedRecordsMin)
        let parts = try place.rows("SELECT DISTINCT id >> 16 FROM cdrs")
        #expect(stagedRecordsMin == nil ? parts.count == 1 : parts.count > 5)

        let rows = try place.rows(
            "SELECT callid, policy, billing_basis, billable_ms, revision FROM cdrs ORDER BY ended_at")
        #expect(rows.count == calls)
        for (call, row) in rows.enumerated() {
            let policy = call < 500 ? "default" : call < 1_000 ? "over" : call < 2_000 ? "hold" : "late"
            let basis = call < 500 ? "last_proof" : call >= 1_000 && call < 2_000 ? "held" : "timeout"
            #expect((row["policy"] as String).hasPrefix(policy + ":"), "call \(call)")
            #expect(row["billing_basis"] == basis, "call \(call)")
            let billed: Int64? = basis == "held" ? nil : basis == "timeout" ? 5_000 : 0
            #expect(row["billable_ms"] == billed, "call \(call)")
            // Held from 500 to 999 first, then billed by the other policy of that time.
            #expect(row["revision"] == (call < 500 ? 1 : call < 1_000 ? 3 : call < 2_000 ? 2 : 3))
        }
        let causes = try place.rows(
            "SELECT superseded_by AS cause, count(*) AS count FROM cdr_revisions GROUP BY 1 ORDER BY 1")
        // The first bills all that ended from 500 s on, the next one what ended from 2,000 s on.
        #expect(causes.map { $0["cause"] as UInt64 } == [hold, timeout, over].map(\.rawValue))
        #expect(causes.map { $0["count"] as Int } == [2_100, 600, 500])
        let report = try Comparison.run(readModel: place.readModel, log: place.log)
        #expect(report.isEqual, "\(report.examples.prefix(5))")
    }

    @Test(arguments: [ReadModelDatabase.Use.live, .rebuild])
    func memoryHoldsAPageOfWhatIsBilledAgain(use: ReadModelDatabase.Use) throws {
        let place = try TestPlace()
        for call in 0..<5_000 { try place.state(Self.call(call)) }
        try place.state(Self.policy("hold", "hold", at: 0), of: .ledger)
        try place.finish()
        let database = try ReadModelDatabase(path: place.readModel, logID: place.log.id, use: use)
        let projector = try Projector(database, log: place.log, settledMax: 10)
        let policy = Position(rawValue: place.log.durable.next.rawValue - 1)
        while try projector.advance(to: policy, round: 90) {}
        #expect(projector.callsInMemory.now == 10)
        #expect(projector.callsInMemory.most <= 100)
        try projector.advance()
        #expect(projector.callsInMemory.now == 10)
        #expect(projector.callsInMemory.most <= 10 + CallPage.recordsMax)
        let held = try database.write { db in
            try Int.fetchOne(db, sql: "SELECT count(*) FROM cdrs WHERE billing_basis = 'held'")
        }
        #expect(held == 5_000)
    }

    /// Live in rounds of any size, over restarts, with policies in between: the same as a rebuild.
    @Test(arguments: [11, 12, 13])
    func liveEqualsRebuiltWithPolicies(seed: UInt64) throws {
        let place = try TestPlace()
        var random = RandomStream(seed: seed)
        for call in 0..<600 {
            try place.state(Self.call(call))
            guard random.next() % 40 == 0 else { continue }
            let option = BillingPolicy.HungCall.allCases[Int(random.next() % 4)]
            try place.state(
                Self.policy("p\(call)", option.rawValue, at: Int(random.next() % 700)), of: .ledger)
        }
        try place.finish()
        while try place.project(
            settledMax: Int(random.next() % 20), round: Int(random.next() % 90) + 1, rounds: 5,
            stagedRecordsMin: Int(random.next() % 3))
        {}
        let report = try Comparison.run(readModel: place.readModel, log: place.log)
        #expect(report.isEqual, "seed \(seed): \(report.examples.prefix(5))")
        #expect(report.tables.contains { $0.name == "cdr_revisions" && $0.rows > 100 })
    }

    /// A call that is answered and times out 5 s later, nobody having been heard of in between.
    static func call(_ number: Int) -> [String] {
        let end = start + Int64(number) * second
        func event(_ type: String, _ time: Int64, _ more: String = "") -> String {
            #"{"type":"\#(type)","time":\#(time),"callid":"c\#(number)","from_tag":"f"\#(more)}"#
        }
        return [
            event("dialog.trying", end - 6 * second, #","cseq":1"#),
            event("dialog.confirmed", end - 5 * second, #","to_tag":"t","cseq":1,"sip_code":200"#),
            event("timeout.no_ack", end, #","to_tag":"t""#),
        ]
    }

    private static func policy(_ id: String, _ option: String, at seconds: Int) -> [String] {
        let time = start + Int64(seconds) * second
        return [
            #"{"type":"ledger.policy","time":\#(time),"policy":"{\"id\":\"\#(id)\",\"hung_call\":\"\#(option)\"}"}"#
        ]
    }
}

extension TestPlace {
    /// Lays events of one source, which are numbered on; returns the position of the first.
    @discardableResult
    func state(
        _ events: [String], of source: SourceName = SourceName("proxy")!, epoch: Int64 = 2
    ) throws -> Position {
        if !isWriting { writing.begin(at: log.tail) }
        isWriting = true
        let origin = SourceEpoch(source: source, epoch: Epoch(rawValue: epoch))
        let first = (stated[origin] ?? 0) + 1
        stated[origin] = first + Int64(events.count) - 1
        try lay(.events, origin, first, events.count, Array(events.map { $0 + "\n" }.joined().utf8))
        defer { position = position.advanced(by: events.count) }
        return position
    }

    func finish() throws {
        if !writing.isEmpty { try log.writer.commit(writing) }
    }

    /// Follows the log with a projector of its own; returns whether there is more.
    @discardableResult
    func project(
        settledMax: Int, round: Int, rounds: Int = .max, stagedRecordsMin: Int? = nil
    ) throws -> Bool {
        let database = try ReadModelDatabase(path: readModel, logID: log.id, use: .live)
        let next = try project(database, settledMax, round, rounds, stagedRecordsMin)
        try database.close()
        return next < log.durable.next
    }

    /// In a function of its own, so that the projector's statements are gone before the read model is closed.
    private func project(
        _ database: ReadModelDatabase, _ settledMax: Int, _ round: Int, _ rounds: Int,
        _ stagedRecordsMin: Int?
    ) throws -> Position {
        let projector = try Projector(
            database, log: log, settledMax: settledMax, stagedRecordsMin: stagedRecordsMin)
        var done = 0
        while done < rounds, try projector.advance(round: round) { done += 1 }
        return projector.next
    }

    func rows(_ sql: String) throws -> [Row] {
        try DatabaseQueue(path: readModel).read { try Row.fetchAll($0, sql: sql) }
    }
}
