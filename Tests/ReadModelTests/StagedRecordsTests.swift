import GRDB
import Testing

@testable import EventLog
@testable import Events
@testable import Projections
@testable import ReadModel

/// New records that are laid out as pages and moved are in the read model what they would be one by one, each
/// in every index; SQLite finds nothing wrong with its file. `LiveAndRebuiltTests` tries the same with
/// traffic.
struct StagedRecordsTests {
    /// Several moves in each of several transactions, of one record and of more than a part, with values that
    /// overflow over many pages. Every move begins a part, and the indexes are as full as they can be.
    @Test func movedRecordsAreThere() throws {
        let place = try TestPlace()
        let database = try ReadModelDatabase(path: place.readModel, logID: place.log.id, use: .live)
        try database.write { db in
            let staged = try StagedRecords(db)
            var expected: [Int64: Int] = [:]
            var (number, part) = (0, Int64(0))
            for transaction in 0..<3 {
                try db.execute(sql: "BEGIN")
                for count in [1, 4_000, transaction == 1 ? 70_000 : 300, 7] {
                    var batch = RowBatch()
                    for made in number..<number + count {
                        let numbers = Self.numbers(made)
                        batch.record(
                            "c\(made % 71)-\(made)", "a", startedAt: numbers[0], isHung: numbers[1] == 1,
                            extraBytes: Int(numbers[2]))
                    }
                    part += 1
                    for (index, row) in batch.rows.enumerated() {
                        let place = try staged.insert(row, of: batch, call: UInt64(number))
                        #expect(place == part << ReadModelSchema.partBits + Int64(index))
                        expected[place ?? -1] = number
                        number += 1
                    }
                    part += Int64(count >> Int(ReadModelSchema.partBits))
                    let moved = try staged.move()
                    #expect(moved == count && staged.isEmpty)
                }
                // There is room for no more.
                var batch = RowBatch()
                batch.record("declined", "a")
                let declined = try staged.insert(batch.rows[0], of: batch, call: 0)
                #expect(declined == nil && staged.isEmpty)
                try db.execute(sql: "COMMIT")
                try staged.endTransaction()
            }
            try check(db, expected)
            staged.detach(db)
        }
        try database.close()
    }

    /// Start, whether it hung, and how long it is.
    private static func numbers(_ made: Int) -> [Int64] {
        let start = Int64(made) * 7_919 % 100_003
        let length = made % 997 == 3 ? Int64(made % 90) * 500 : 2
        return [start, made % 50 == 0 ? 1 : 0, length]
    }

    private func check(_ db: Database, _ expected: [Int64: Int]) throws {
        var left = expected
        let rows = try Row.fetchCursor(
            db, sql: "SELECT id, callid, started_at, hung, length(extra) AS length FROM cdrs")
        while let row = try rows.next() {
            guard let made = left.removeValue(forKey: row["id"]) else {
                Issue.record("nobody's row \(row)")
                return
            }
            let found: [Int64] = [row["started_at"], row["hung"], row["length"]]
            let isAsMade = found == Self.numbers(made) && row["callid"] == "c\(made % 71)-\(made)"
            if !isAsMade { Issue.record("\(made) is \(row)") }
        }
        #expect(left.isEmpty)
        let check = try String.fetchAll(db, sql: "PRAGMA main.integrity_check")
        #expect(check == ["ok"])
        for index in ["cdrs_by_call", "cdrs_by_start"] {
            let unused = try Double.fetchOne(
                db,
                sql: "SELECT sum(unused) * 1.0 / sum(pgsize) FROM dbstat WHERE schema = 'main' AND name = ?",
                arguments: [index])
            #expect((unused ?? 1) < 0.05, "\(index)")
        }
    }

    /// An image of so many pages, the first of which is the template.
    private static func finished(_ image: PageImage, pages: Int) throws -> PageImage.Finished {
        let page = [UInt8](repeating: 7, count: PageBuilder.bytes)
        try image.begin()
        for _ in 1..<pages {
            // Safety: a page, copied during the call.
            _ = try unsafe page.withUnsafeBytes { try unsafe image.append($0.baseAddress.unsafelyUnwrapped) }
        }
        return image.take()
    }

    /// The memory of an image that was moved is that of the next, unless it is too large to be kept.
    @Test func memoryIsUsedAgain() throws {
        let image = PageImage(template: [UInt8](repeating: 0, count: PageBuilder.bytes))
        let keptMax = ReadModelLimits.imageBytesKeptMax / PageBuilder.bytes
        let large = try Self.finished(image, pages: keptMax + 1)
        #expect(large.capacity > ReadModelLimits.imageBytesKeptMax)
        image.giveBack(large)
        let first = try Self.finished(image, pages: 1)
        #expect(first.capacity == ReadModelLimits.imageBytesMin)
        image.giveBack(first)
        try keepsMemory(image, pages: keptMax)
    }

    private func keepsMemory(_ image: PageImage, pages: Int) throws {
        let first = try Self.finished(image, pages: pages)
        #expect(first.bytes == pages * PageBuilder.bytes && first.capacity >= first.bytes)
        image.giveBack(first)
        try image.begin()
        let second = image.take()
        #expect(unsafe second.memory == first.memory)
        #expect(second.capacity == first.capacity && second.bytes == PageBuilder.bytes)
        // One more than is needed is freed; what it keeps goes with it.
        try image.begin()
        image.giveBack(second)
    }

    /// SQLite moves rows and entries as they lie: it makes none of them anew.
    @Test func nothingIsMadeAnew() throws {
        let place = try TestPlace()
        let database = try ReadModelDatabase(path: place.readModel, logID: place.log.id, use: .live)
        try database.write { db in
            let staged = try StagedRecords(db)
            let steps = try Row.fetchAll(
                db, sql: "EXPLAIN INSERT OR ROLLBACK INTO main.cdrs SELECT * FROM staged0.cdrs"
            ).map { $0["opcode"] as String }
            #expect(steps.contains("RowData") && !steps.contains("MakeRecord") && !steps.contains("Column"))
            #expect(steps.count { $0 == "IdxInsert" } == 3)
            staged.detach(db)
            // It leaves nothing behind, and can be made again.
            try StagedRecords(db).detach(db)
            let names = try Row.fetchAll(db, sql: "PRAGMA database_list").map { $0["name"] as String }
            #expect(names == ["main"])
        }
        try database.close()
    }

    /// Whatever indexes somebody has made or dropped, each has every record afterwards.
    @Test(
        arguments: [
            "CREATE INDEX mine ON cdrs (from_tag)", "DROP INDEX cdrs_by_start",
            "CREATE UNIQUE INDEX mine ON cdrs (callid)",
            "CREATE TRIGGER mine AFTER INSERT ON cdrs BEGIN SELECT 1; END",
        ])
    func otherIndexesAreFilledToo(change: String) throws {
        let place = try TestPlace()
        let database = try ReadModelDatabase(path: place.readModel, logID: place.log.id, use: .live)
        try database.write { db in
            try db.execute(sql: change)
            let staged = try StagedRecords(db)
            try db.execute(sql: "BEGIN")
            var batch = RowBatch()
            for number in 0..<500 { batch.record("c\(number)", "a") }
            for row in batch.rows { _ = try staged.insert(row, of: batch, call: 0) }
            try staged.move()
            try db.execute(sql: "COMMIT")
            staged.detach(db)
            let check = try String.fetchAll(db, sql: "PRAGMA integrity_check")
            #expect(check == ["ok"])
            let count = try Int.fetchOne(db, sql: "SELECT count(*) FROM cdrs")
            #expect(count == 500)
        }
        try database.close()
    }

    /// From a transaction's first row on nobody else writes, also where nothing but laying out was done yet:
    /// what has been read would be of another moment, and the move be refused.
    @Test func nobodyElseWritesMeanwhile() throws {
        let place = try TestPlace()
        let database = try ReadModelDatabase(path: place.readModel, logID: place.log.id, use: .live)
        let writing = WritingThread(next: .first, stagedRecordsMin: 0)
        writing.start(database)
        var batch = RowBatch()
        batch.record("a", "x")
        try writing.write(&batch)
        try writing.settle()
        let other = try DatabaseQueue(path: place.readModel)
        let error = #expect(throws: DatabaseError.self) {
            try other.write { db in try db.execute(sql: "UPDATE meta SET value = 5 WHERE name = 'as_of'") }
        }
        #expect(error?.resultCode == .SQLITE_BUSY)
        writing.commit(.first)
        try writing.settle()
        writing.stop()
        let found = try other.read { db in try String.fetchAll(db, sql: "SELECT callid FROM cdrs") }
        #expect(found == ["a"])
        try other.close()
        try database.close()
    }

    /// A file that may not grow stands for a full disk: nothing of the transaction stays, and the next begins
    /// where the last one ended.
    @Test func aFullDiskLeavesNothing() throws {
        let place = try TestPlace()
        try place.fill(seed: 5, calls: 300)
        let database = try ReadModelDatabase(path: place.readModel, logID: place.log.id, use: .live)
        do {
            let projector = try Projector(database, log: place.log, stagedRecordsMin: 1)
            try projector.advance(round: 400)
            try projector.advance(round: 400)
            try projector.settle()
            try database.write { db in
                let pages = try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0
                try db.execute(sql: "PRAGMA max_page_count = \(pages + 1)")
            }
            let error = #expect(throws: ReadModelError.self) { while try projector.advance(round: 400) {} }
            #expect(error?.description.contains("full") == true, "\(String(describing: error))")
        }
        try database.write { db in try db.execute(sql: "PRAGMA max_page_count = 4294967294") }
        do {
            let projector = try Projector(database, log: place.log, stagedRecordsMin: 1)
            while try projector.advance(round: 400) {}
        }
        try database.close()
        let report = try Comparison.run(readModel: place.readModel, log: place.log)
        #expect(report.isEqual, "\(report.examples.prefix(5))")
    }

    /// Of a call that has records here it must never be said that it has none; of another seldom that it has.
    @Test func whatIsHereIsKnown() throws {
        let place = try TestPlace()
        let database = try ReadModelDatabase(path: place.readModel, logID: place.log.id, use: .live)
        try database.write { db in
            let staged = try StagedRecords(db)
            try db.execute(sql: "BEGIN")
            func hash(_ call: Int) -> UInt64 {
                RowBatch.hash(of: [Array("c\(call)".utf8), Array("from".utf8)])
            }
            var batch = RowBatch()
            for number in 0..<2_000 { batch.record("c\(number)", "a") }
            for row in batch.rows {
                _ = try staged.insert(row, of: batch, call: batch.hash(of: row, count: 2))
            }
            #expect((0..<2_000).allSatisfy { staged.mayHold(hash($0)) })
            #expect((2_000..<12_000).count { staged.mayHold(hash($0)) } < 3)
            try staged.move()
            #expect(!(0..<2_000).contains { staged.mayHold(hash($0)) })
            try db.execute(sql: "ROLLBACK")
            staged.detach(db)
        }
        try database.close()
    }
}
