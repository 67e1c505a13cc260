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
        let place = try TestPlace()
        try place.fill(seed: 9, calls: 1_500)
        let database = try ReadModelDatabase(path: place.readModel, logID: place.log.id, use: .live)
        let projector = try Projector(database, log: place.log)
        var (rounds, most, open) = (0, 0, 0)
        while try projector.advance(round: 40) {
            try projector.settle()
            rounds += 1
            let now = try Self.sizes(database)
            (most, open) = (max(most, now.rows), max(open, now.open))
            // While all is said again once, the rounds say twice as much; the same holds of the time before.
            #expect(now.rows < 6 * now.open + (256 << 10), "round \(rounds)")
        }
        #expect(rounds > 200)
        #expect(open > 20_000 && most > open)
    }

    private static func sizes(_ database: ReadModelDatabase) throws -> (rows: Int, open: Int) {
        try database.write { db in
            let rows = try Int.fetchOne(
                db, sql: "SELECT sum(length(calls) + length(states)) FROM open_calls")
            let places = try OpenCallIndex(db).places
            let count = try ReadModelDatabase.meta(db, "open_calls")
            #expect(places.count == Int(count))
            return (rows ?? 0, places.reduce(0) { $0 + $1.bytes.count })
        }
    }

    /// A call that was recorded before a restart is known by its mark, and any other is not looked for.
    @Test(arguments: [ReadModelDatabase.Use.live, .rebuild])
    func everyRecordedCallIsMarked(use: ReadModelDatabase.Use) throws {
        let place = try TestPlace()
        try place.fill(seed: 10, calls: 1_200)
        if use == .live {
            let database = try ReadModelDatabase(path: place.readModel, logID: place.log.id, use: .live)
            let projector = try Projector(database, log: place.log)
            while try projector.advance(round: 500) {}
            try projector.settle()
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
