import GRDB
import Synchronization
import Testing

@testable import EventLog
@testable import ReadModel

/// SQLite's write-ahead log is moved into the file beside commits, which go on meanwhile.
@Suite(.timeLimit(.minutes(1))) struct CheckpointingTests {
    /// It begins anew again and again, although commits never pause, and nothing of them is lost.
    @Test func theLogBeginsAnewWhileCommitsGoOn() throws {
        let place = try TestPlace()
        let database = try ReadModelDatabase(path: place.readModel, logID: place.log.id, use: .live)
        let checkpointing = try database.write { db in
            try Checkpointing(db, path: place.readModel, pagesMax: 64)
        }
        var (commits, anew, before) = (0, 0, 0)
        // Without end where it never does; the suite's time is up then.
        while anew < 3, !Task.isCancelled {
            try database.write { db in
                try db.execute(sql: "INSERT INTO open_calls VALUES (NULL, zeroblob(32), zeroblob(20000))")
                try checkpointing.committed(db)
            }
            commits += 1
            let pages = checkpointing.pages.load(ordering: .relaxed)
            if pages < before { anew += 1 }
            before = pages
        }
        #expect(anew == 3)
        try database.write { db in checkpointing.stop(db) }
        try database.close()
        let again = try ReadModelDatabase(path: place.readModel, logID: place.log.id, use: .live)
        try again.write { db in
            let count = try Int.fetchOne(db, sql: "SELECT count(*) FROM open_calls")
            #expect(count == commits)
            let check = try String.fetchAll(db, sql: "PRAGMA integrity_check")
            #expect(check == ["ok"])
        }
    }
}
