import Foundation
import GRDB
import Testing

@testable import EventLog
@testable import Projections
@testable import ReadModel

/// Tables and indexes that are written page by page are what SQLite would have made of the same rows: its own
/// check finds nothing wrong, it reads every row, finds each by its keys, and goes on writing. Tried with no
/// row, one row, as many as fill a page, and enough for inner pages on two levels; with values that fit into
/// a page, that just fit, and that overflow over several.
struct PagesTests {
    ///
    /// The keys of an index are sorted a few at a time, so that there are many runs to be merged.
    @Test(arguments: [(0, 7), (1, 7), (2, 1), (30, 7), (60, 3), (500, 7), (20_000, 99), (70_000, 1 << 16)])
    func sqliteAgrees(rows: Int, runEntriesMax: Int) throws {
        let place = try FreshReadModel(runEntriesMax: runEntriesMax)
        var random = SplitMix(state: UInt64(rows) + 1)
        var expected: [(code: String, callID: String, at: Int64, detail: Int)] = []
        try place.fill { tables in
            var batch = RowBatch()
            for number in 0..<rows {
                let callID = "\(random.next() % 1_000_000)-\(number)@example"
                // Around each boundary, at least once.
                let length =
                    number % 50 == 7
                    ? PageBuilder.bytes - 200 + Int(random.next() % 300) : Int(random.next() % 60)
                let detail = number % 1000 == 11 ? 20_000 : length
                let at = Int64(bitPattern: random.next() % 1_000) - 500
                batch.finding("late\(number % 3)", callID, at: at, detailBytes: detail)
                expected.append(("late\(number % 3)", callID, at, detail))
                if number % 97 == 0 {
                    try tables.take(batch)
                    batch.removeAll()
                }
            }
            try tables.take(batch)
        }
        let database = try DatabaseQueue(path: place.path)
        try database.write { db in
            let check = try String.fetchAll(db, sql: "PRAGMA integrity_check")
            #expect(check == ["ok"])
            let found = try Row.fetchAll(
                db, sql: "SELECT code, callid, at, length(detail) AS detail FROM findings ORDER BY rowid")
            #expect(found.count == rows)
            for (row, wanted) in zip(found, expected) {
                #expect(row["code"] == wanted.code && row["callid"] == wanted.callID)
                #expect(row["at"] == wanted.at && row["detail"] == wanted.detail)
            }
            // Each by its index, and in the index's order.
            for wanted in expected.prefix(300) {
                let count = try Int.fetchOne(
                    db, sql: "SELECT count(*) FROM findings INDEXED BY findings_by_call WHERE callid = ?",
                    arguments: [wanted.callID])
                #expect(count == 1)
            }
            let times = try Int64.fetchAll(
                db, sql: "SELECT at FROM findings INDEXED BY findings_by_time ORDER BY at")
            #expect(times == expected.map(\.at).sorted())
            // It goes on writing.
            try db.execute(sql: "DELETE FROM findings WHERE rowid % 2 = 0")
            try db.execute(
                sql: """
                    INSERT INTO findings SELECT code, severity, callid, from_tag, to_tag, at, positions, detail,
                        user_agent, NULL FROM findings
                    """)
            let again = try String.fetchAll(db, sql: "PRAGMA integrity_check")
            #expect(again == ["ok"])
        }
    }

    /// What stays of a record in its page changes at these lengths; each must be read back whole.
    @Test func everyLengthAroundABoundaryIsReadBack() throws {
        let place = try FreshReadModel()
        let page = PageBuilder.bytes
        let lengths =
            Array(page - 120...page - 20) + Array(2 * page - 100...2 * page) + [489, 490, 12_300, 65_536]
        try place.fill { tables in
            var batch = RowBatch()
            for length in lengths { batch.finding("x", "c\(length)", at: 1, detailBytes: length) }
            try tables.take(batch)
        }
        let database = try DatabaseQueue(path: place.path)
        try database.read { db in
            let check = try String.fetchAll(db, sql: "PRAGMA integrity_check")
            #expect(check == ["ok"])
            let found = try Row.fetchAll(db, sql: "SELECT callid, detail FROM findings ORDER BY rowid")
            #expect(found.map { $0["callid"] } == lengths.map { "c\($0)" })
            for (row, length) in zip(found, lengths) {
                #expect(row["detail"] == FreshReadModel.text(length))
            }
        }
    }

    /// SQLite keeps the page that holds the byte at 1 GiB for locks: it never has content. Tried on a file
    /// that has grown to just before it, with holes for what comes before.
    @Test func thePageOfLocksIsLeftOut() throws {
        let place = try FreshReadModel()
        let lockPage = (1 << 30) / PageBuilder.bytes + 1
        // Safety: the path is lent for the length of the call.
        let isTruncated = unsafe truncate(place.path, off_t(lockPage - 10) * off_t(PageBuilder.bytes)) == 0
        #expect(isTruncated)
        try place.fill { tables in
            var batch = RowBatch()
            for number in 0..<40 {
                batch.finding("x", "c\(number)", at: 1, detailBytes: number % 8 == 3 ? 18_000 : 6_000)
            }
            try tables.take(batch)
        }
        let database = try DatabaseQueue(path: place.path)
        try database.read { db in
            let lengths = try Int.fetchAll(db, sql: "SELECT length(detail) FROM findings ORDER BY rowid")
            #expect(lengths == (0..<40).map { $0 % 8 == 3 ? 18_000 : 6_000 })
            let pages = try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0
            #expect(pages > lockPage + 20)
        }
        let handle = try #require(FileHandle(forReadingAtPath: place.path))
        try handle.seek(toOffset: 1 << 30)
        let page = try handle.read(upToCount: PageBuilder.bytes)
        #expect(page == Data(count: PageBuilder.bytes))
    }

    /// Numbers of every size are kept in as many bytes as SQLite keeps them in.
    @Test func numbersOfEverySize() throws {
        var numbers: [Int64] = [0, 1, -1, 2, .min, .max]
        for bits in [7, 8, 15, 16, 23, 24, 31, 32, 47, 48, 62] {
            let edge = Int64(1) << Int64(bits)
            numbers += [edge - 1, edge, edge + 1, -edge - 1, -edge, -edge + 1]
        }
        let place = try FreshReadModel()
        try place.fill { tables in
            var batch = RowBatch()
            for number in numbers { batch.finding("x", "c", at: number, detailBytes: 3) }
            try tables.take(batch)
        }
        let database = try DatabaseQueue(path: place.path)
        try database.read { db in
            let rows = try Int64.fetchAll(db, sql: "SELECT at FROM findings ORDER BY rowid")
            let ordered = try Int64.fetchAll(db, sql: "SELECT at FROM findings ORDER BY at")
            #expect(rows == numbers && ordered == numbers.sorted())
            let check = try String.fetchAll(db, sql: "PRAGMA integrity_check")
            #expect(check == ["ok"])
        }
    }
}

/// A read model's file as SQLite makes it, to be filled.
private final class FreshReadModel {
    private let place: TestPlace
    let path: String
    private let roots: BulkTables.Roots
    private let runEntriesMax: Int

    init(runEntriesMax: Int = ReadModelLimits.keyRunEntriesMax) throws {
        self.runEntriesMax = runEntriesMax
        place = try TestPlace()
        path = place.readModel
        let database = try ReadModelDatabase(path: path, logID: place.log.id, use: .rebuild)
        roots = try database.write { db in try BulkTables.Roots(db) }
        try database.close()
    }

    func fill(_ body: (BulkTables) throws -> Void) throws {
        let tables = try BulkTables(path: path, roots: roots, runEntriesMax: runEntriesMax)
        try body(tables)
        try tables.finish()
    }

    static func text(_ length: Int) -> String {
        String(decoding: (0..<length).map { UInt8(0x61 + $0 % 23) }, as: UTF8.self)
    }
}

extension RowBatch {
    fileprivate mutating func finding(_ code: String, _ callID: String, at: Int64, detailBytes: Int) {
        for text in [code, "error", callID, "from", "to"] { append(Array(text.utf8)) }
        integer(at)
        append(Array("[1]".utf8))
        append(Array(FreshReadModel.text(detailBytes).utf8))
        append(Array("agent".utf8))
        end(.insertFinding)
    }
}

private struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
