import Foundation
import GRDB
import Testing

@testable import EventLog
@testable import Events
@testable import Projections
@testable import ReadModel
@testable import Simulation

/// What rounds leave of the calls that are open, and what is known of all others after a restart.
struct OpenCallsTests {
    /// However many rounds there are, the rows stay within a few times what is open.
    @Test func rowsDoNotPileUp() throws {
        var (rounds, most, open) = (0, 0, 0)
        try Self.follow(seed: 9, round: 40) { database in
            rounds += 1
            let now = try Self.sizes(database)
            (most, open) = (max(most, now.rows), max(open, now.open))
            // While all is said again once, the rounds say twice as much; the same holds of the time before.
            #expect(now.rows < 6 * now.open + (256 << 10), "round \(rounds)")
        }
        #expect(rounds > 200)
        #expect(open > 20_000 && most > open)
    }

    /// What is overdue is what the newest row of each call says, however many older ones say something else.
    @Test func olderRowsPresumeNothing() throws {
        var (rounds, old, found) = (0, 0, 0)
        try Self.follow(seed: 11, round: 200) { database in
            rounds += 1
            guard rounds.isMultiple(of: 4) else { return }
            try database.write { db in
                let snapshot = try ReadModelSnapshot(db)
                let time = snapshot.asOf.advanced(by: 1_000_000_000)
                let overdue = Set(try snapshot.overdue(at: time, max: .max))
                var expected: Set<OverdueDialog> = []
                var calls = 0
                try snapshot.forEachOpenCall { fold in
                    let due = Self.overdue(fold, at: time)
                    calls += due.isEmpty ? 0 : 1
                    expected.formUnion(due)
                }
                #expect(overdue == expected, "round \(rounds)")
                found += expected.count
                old += try OpenCallIndex.keys(db, dueBy: time).count - calls
            }
        }
        // Else it would hold where there is nothing to be told apart.
        #expect(found > 100 && old > 100, "\(found) overdue, \(old) that older rows speak of")
    }

    /// What rows say of a call piece by piece is the whole call, after every round and every restart.
    @Test func piecesMakeTheWholeCall() throws {
        let place = try TestPlace()
        try place.fill(seed: 12, calls: 600)
        let events = try Self.positions(place.log)
        var (rounds, pieces) = (0, 0)
        while try Self.follow(place, rounds: 7) {
            rounds += 7
            let database = try ReadModelDatabase(path: place.readModel, logID: place.log.id, use: .live)
            let next = try database.write { db in
                pieces += try OpenCallIndex(db).places.reduce(0) { $0 + $1.earlier.count }
                return try ReadModelSnapshot(db).next
            }
            var fold = CallFold(settings: Settings())
            try database.forEachOpenCall { key, call in
                fold.fold(call.state, sources: SourceRegistry([]))
                let known = fold.facts.map(\.position).sorted()
                #expect(known == events[key]?.filter { $0 < next }, "round \(rounds)")
            }
            try database.close()
        }
        #expect(rounds > 20 && pieces > 100, "\(pieces) pieces in \(rounds) rounds")
    }

    /// A call of which only what was added is left is no call: that is said, and nothing is made of it.
    @Test func additionsAloneAreDamage() throws {
        var damaged = 0
        try Self.follow(seed: 9, round: 40) { database in
            guard damaged == 0 else { return }
            let rows = try database.write { db in
                try OpenCallIndex(db).places.compactMap { $0.earlier.last?.row }
            }
            guard let row = rows.max() else { return }
            damaged += 1
            #expect(throws: ReadModelError.self) {
                try database.write { db in
                    try db.execute(sql: "DELETE FROM open_calls WHERE round <= ?", arguments: [row])
                    _ = try OpenCallIndex(db)
                }
            }
        }
        #expect(damaged == 1)
    }

    /// The positions of the events of each call.
    private static func positions(_ log: LogDirectory) throws -> [CallKey: [Position]] {
        var reader = try log.reader(from: Position(rawValue: 1))
        var decoder = EventDecoder()
        let frames = DecodedFrames()
        var found: [CallKey: [Position]] = [:]
        while frames.fill(&reader, &decoder, seed: log.id.keySeed) {
            for part in frames.parts {
                for (number, index) in part.events.enumerated() where frames.views[index].type.belongsToCall {
                    found[frames.keys[index], default: []].append(
                        part.frame.header.position.advanced(by: number))
                }
            }
        }
        return found
    }

    /// Follows a log of 1,500 calls, and looks at the read model after each round of so many events.
    private static func follow(
        seed: UInt64, round: Int, _ look: (ReadModelDatabase) throws -> Void
    ) throws {
        let place = try TestPlace()
        try place.fill(seed: seed, calls: 1_500)
        let database = try ReadModelDatabase(path: place.readModel, logID: place.log.id, use: .live)
        let projector = try Projector(database, log: place.log)
        while try projector.advance(round: round) {
            try projector.settle()
            try look(database)
        }
    }

    private static func overdue(_ fold: borrowing CallFold, at time: Timestamp) -> [OverdueDialog] {
        let (callID, fromTag) = (Array(fold.bytes[fold.callID.range]), Array(fold.bytes[fold.fromTag.range]))
        return fold.deadlines.filter { deadline in
            deadline.at <= time
                && !fold.facts.contains {
                    $0.type == .ledgerExpired && $0.tag == deadline.tag && $0.deadline == deadline.at.rawValue
                }
        }.map { deadline in
            let toTag = deadline.tag < 0 ? nil : Array(fold.bytes[fold.tags[Int(deadline.tag)].range])
            return OverdueDialog(callID: callID, fromTag: fromTag, toTag: toTag, deadline: deadline.at)
        }
    }

    private static func sizes(_ database: ReadModelDatabase) throws -> (rows: Int, open: Int) {
        try database.write { db in
            let rows = try Int.fetchOne(
                db, sql: "SELECT sum(length(calls) + length(states)) FROM open_calls")
            let places = try OpenCallIndex(db).places
            let count = try ReadModelDatabase.meta(db, "open_calls")
            #expect(places.count == Int(count))
            let open = places.reduce(0) { open, place in
                open + place.last.bytes.count + place.earlier.reduce(0) { $0 + $1.bytes.count }
            }
            return (rows ?? 0, open)
        }
    }

    /// A call that was recorded before a restart is known by its mark, and any other is not looked for.
    @Test(arguments: [ReadModelDatabase.Use.live, .rebuild])
    func everyRecordedCallIsMarked(use: ReadModelDatabase.Use) throws {
        let place = try TestPlace()
        // Without gaps, so that a rebuild puts all records off.
        var faults = Faults.some
        (faults.lost, faults.invalid) = (0, 0)
        try place.fill(seed: 10, calls: 1_200, faults: faults)
        if use == .live {
            while try Self.follow(place, rounds: 3) {}
        } else {
            let rebuild = try Rebuild(place.log, at: place.readModel, recipe: Rebuild.Recipe())
            try rebuild.advance()
            try rebuild.finish()
        }
        let database = try ReadModelDatabase(path: place.readModel, logID: place.log.id, use: .live)
        var marks: Set<UInt64> = []
        try database.forEachMarks { marks.formUnion($0) }
        let calls = try database.write { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT callid, from_tag FROM cdrs UNION SELECT callid, from_tag FROM cdr_revisions
                    """
            ).map { row in
                CallKey(
                    callID: [UInt8](row[0] as Data), fromTag: [UInt8](row[1] as Data),
                    seed: place.log.id.keySeed)
            }
        }
        #expect(calls.count > 1_000)
        #expect(calls.allSatisfy { marks.contains(ForgottenCalls.mark($0)) })
        // Strangers are few: a mark is made with the first record, which may be withdrawn.
        #expect(marks.count <= calls.count)
    }

    /// A call that has an end of an attempt and no record when the service stops, and gets its record
    /// afterwards, is still known after the next stop.
    @Test func aFirstRecordBehindARestartIsMarked() throws {
        let place = try TestPlace()
        let start: Int64 = 1_700_000_000_000_000
        func event(_ type: String, _ second: Int64, _ more: String) -> String {
            #"{"type":"\#(type)","time":\#(start + second * 1_000_000),"callid":"c","from_tag":"f",\#(more)}"#
        }
        for events in [
            [
                event("dialog.trying", 0, #""cseq":1"#), event("dialog.trying", 2, #""cseq":2"#),
                event("dialog.failed", 1, #""cseq":1,"sip_code":401,"by":"callee""#),
            ],
            [
                event("dialog.confirmed", 3, #""to_tag":"t","cseq":2,"sip_code":200"#),
                event("timeout.no_ack", 10, #""to_tag":"t""#),
            ],
            [event("timeout.no_ack", 9, #""to_tag":"t""#)],
        ] {
            place.writing.begin(at: try #require(place.log.files.end))
            place.isWriting = true
            try place.state(events)
            try place.finish()
            while try Self.follow(place, rounds: 10) {}
        }
        let database = try ReadModelDatabase(path: place.readModel, logID: place.log.id, use: .live)
        let records = try database.write { db in try Int.fetchOne(db, sql: "SELECT count(*) FROM cdrs") }
        #expect(records == 1)
        try database.close()
        let report = try Comparison.run(readModel: place.readModel, log: place.log)
        #expect(report.isEqual, "\(report.examples)")
    }

    /// Some rounds of a service that is started and stopped; says whether there is more.
    private static func follow(_ place: TestPlace, rounds: Int) throws -> Bool {
        let database = try ReadModelDatabase(path: place.readModel, logID: place.log.id, use: .live)
        var hasMore = true
        do {
            let projector = try Projector(database, log: place.log)
            for _ in 0..<rounds where hasMore { hasMore = try projector.advance(round: 150) }
            try projector.settle()
        }
        try database.close()
        return hasMore
    }

    /// A question for a Call-ID looks into each part of the table, and reads no more of it.
    @Test func aCallIsFoundInEveryPart() throws {
        let place = try TestPlace()
        let database = try ReadModelDatabase(path: place.readModel, logID: place.log.id, use: .live)
        try database.close()
        // Opened anew, as any reader does.
        let again = try ReadModelDatabase(path: place.readModel, logID: place.log.id, use: .live)
        for (table, sql) in [
            ("cdrs", "SELECT * FROM cdrs WHERE callid = 'a'"),
            ("cdrs", "SELECT * FROM cdrs WHERE callid = 'a' AND from_tag = 'b' AND to_tag = 'c'"),
            ("cdr_revisions", "SELECT * FROM cdr_revisions WHERE callid = 'a' AND from_tag = 'b'"),
            ("findings", "DELETE FROM findings WHERE callid = 'a' AND from_tag = 'b'"),
        ] {
            let plan = try again.write { db in
                try Row.fetchAll(db, sql: "EXPLAIN QUERY PLAN " + sql).map { $0["detail"] as String }
            }
            #expect(
                plan.contains {
                    $0.contains("SEARCH \(table) USING") && $0.contains("_by_call (ANY(<expr>)")
                },
                "\(sql): \(plan)")
        }
    }
}
