import Foundation
import GRDB
import Testing

@testable import EventLog
@testable import Projections
@testable import ReadModel

/// A call that is looked for is looked for in few parts of the table, and never in too few: wherever its
/// records are, whether they came one by one or page by page, before or after a restart, and after numbers
/// were used again.
struct CallPartsTests {
    private static let rows = 140_000
    private static let partRows = 1 << Int(ReadModelSchema.partBits)

    private func hash(_ call: String) -> UInt64 {
        RowBatch.hash(of: [Array(call.utf8), Array("from".utf8)])
    }

    /// 140,000 records, which fill two parts, and a second leg of an early call in the last.
    private func records(_ take: (RowBatch) throws -> Void) rethrows {
        var batch = RowBatch()
        for number in 1..<Self.rows {
            batch.record("c\(number)", "a")
            if number % 1_000 == 0 {
                try take(batch)
                batch.removeAll()
            }
        }
        batch.record("c5", "b")
        try take(batch)
    }

    private final class CountingShelf: Shelf {
        private let shelf: FileShelf
        /// How many were put.
        private(set) var count = 0

        init(beside path: String) throws { shelf = try #require(FileShelf(beside: path)) }

        func put(_ bytes: UnsafeRawBufferPointer) -> ShelvedBytes? {
            let put = unsafe shelf.put(bytes)
            if put != nil { count += 1 }
            return put
        }
    }

    private func check(_ parts: CallParts) throws {
        var strange = 0
        for number in stride(from: 1, to: Self.rows, by: 97) {
            let found = try parts.candidates(hash("c\(number)"))
            let part = Int64(number / Self.partRows)
            #expect(found.contains(part) && found == found.sorted(), "c\(number)")
            strange += found.count - 1
        }
        // One of forty in each of the two other parts.
        #expect(strange < Self.rows / 97 * 2 / 10, "\(strange)")
        let both = try parts.candidates(hash("c5"))
        #expect(both.contains(0) && both.contains(2))
    }

    @Test func recordsThatCameOneByOne() throws {
        let place = try TestPlace()
        let database = try ReadModelDatabase(path: place.readModel, logID: place.log.id, use: .live)
        try database.write { db in
            let shelf = try CountingShelf(beside: place.readModel)
            let parts = try CallParts(db, shelf: shelf)
            // Who has asked has the filters of the parts that fill from then on, too.
            #expect(try parts.candidates(hash("c1")).isEmpty)
            let writer = try RowWriter(db, parts)
            try db.execute(sql: "BEGIN")
            try records { try writer.write($0) }
            try check(parts)
            #expect(shelf.count == 2)
            // As after a restart.
            let again = try CallParts(db, shelf: shelf)
            try check(again)
            #expect(shelf.count == 4)
            let call = try RecordFinder(db, again).call(
                CallName(callID: Array("c5".utf8), fromTag: Array("from".utf8)))
            #expect(call.rows.map(\.number) == [5, Int64(Self.rows)])
            let plan = try Row.fetchAll(
                db, sql: "EXPLAIN QUERY PLAN " + RecordFinder.findingRecords, arguments: [1, "c5", "from"]
            ).map { $0["detail"] as String }
            #expect(plan.count == 1)
            #expect(plan[0].contains("cdrs_by_call (<expr>=? AND callid=? AND from_tag=?)"))
            try db.execute(sql: "COMMIT")
        }
        try database.close()
    }

    /// What is written page by page has the same filters.
    @Test func recordsThatCamePageByPage() throws {
        let place = try TestPlace()
        let live = try ReadModelDatabase(path: place.readModel, logID: place.log.id, use: .live)
        try live.write { db in
            let writer = try RowWriter(db, try CallParts(db))
            try db.execute(sql: "BEGIN")
            try records { try writer.write($0) }
            try db.execute(sql: "COMMIT")
        }
        let path = place.readModel + ".new"
        let made = try ReadModelDatabase(path: path, logID: place.log.id, use: .rebuild)
        let roots = try made.write { db in try BulkTables.Roots(db) }
        try made.close()
        let tables = try BulkTables(path: path, roots: roots)
        try records { try tables.take($0) }
        try tables.finish()
        let rebuilt = try ReadModelDatabase(path: path, logID: place.log.id, use: .rebuild)
        let filters = try [live, rebuilt].map { database in
            try database.write { db in
                let check = try String.fetchAll(db, sql: "PRAGMA integrity_check")
                #expect(check == ["ok"])
                try self.check(try CallParts(db))
                return try Row.fetchAll(db, sql: "SELECT part, calls FROM call_parts ORDER BY part")
                    .map { [UInt8]($0["calls"] as Data) + [UInt8($0["part"] as Int)] }
            }
        }
        #expect(filters[0].count == 2 && filters[0] == filters[1])
        try live.close()
        try rebuilt.close()
    }

    /// Numbers of records that were withdrawn at the end are used again, and that may be in a part before.
    /// Each step is taken with what was there before, and with what a restart finds.
    @Test(arguments: [false, true]) func numbersThatAreUsedAgain(restarts: Bool) throws {
        let place = try TestPlace()
        let database = try ReadModelDatabase(path: place.readModel, logID: place.log.id, use: .live)
        try database.write { db in
            var parts = try CallParts(db)
            var made: [(name: String, part: Int64)] = []
            func insert(_ name: String) throws {
                if restarts { parts = try CallParts(db) }
                var batch = RowBatch()
                batch.record(name, "a")
                let writer = try RowWriter(db, parts)
                try writer.write(batch)
                writer.stop(db)
                let last = try Int64.fetchOne(db, sql: "SELECT max(id) FROM cdrs") ?? 0
                made.append((name, KeyShape.part(of: last)))
            }
            func checkAll() throws {
                for parts in [parts, try CallParts(db)] {
                    for (name, part) in made {
                        let found = try parts.candidates(hash(name))
                        #expect(found.contains(part), "\(name)")
                    }
                }
            }
            func withdraw(from row: Int) throws {
                try db.execute(sql: "DELETE FROM cdrs WHERE id >= \(row)")
                made.removeAll { $0.name.hasPrefix("gone") }
            }
            var batch = RowBatch()
            batch.record("first", "a")
            let writer = try RowWriter(db, parts)
            try writer.write(batch)
            writer.stop(db)
            try db.execute(sql: "UPDATE cdrs SET id = \(Self.partRows - 3)")
            parts = try CallParts(db)
            try insert("stays")
            // The last of its part, and the first and second of the next.
            for name in ["gone1", "gone2", "gone3"] { try insert(name) }
            #expect(made.map(\.part) == [0, 0, 1, 1])
            try checkAll()
            try withdraw(from: Self.partRows - 1)
            try insert("y")
            try checkAll()
            try insert("z")
            #expect(made.map(\.part) == [0, 0, 1])
            try checkAll()
            // All of the last part goes, and comes again.
            made.removeAll { $0.name == "z" }
            try db.execute(sql: "DELETE FROM cdrs WHERE id >= \(Self.partRows)")
            try insert("z2")
            try checkAll()
            let kept = try Int.fetchAll(db, sql: "SELECT part FROM call_parts")
            #expect(kept == [0])
        }
        try database.close()
    }

    /// A filter of a part that ends before it is full is made small: it still denies no call that is there,
    /// and lets few others pass.
    @Test(arguments: [0, 1, 30, 4_096, 20_000, 65_536])
    func smallPartsHaveSmallFilters(calls: Int) throws {
        let filter = PartFilter()
        for number in 0..<calls { filter.insert(FilterBits(hash("c\(number)"))) }
        filter.shrink()
        let bytes = filter.bytes
        #expect(bytes.count == 64 || bytes.count <= max(4 * calls, 64))
        #expect(8 * filter.words.capacity <= bytes.count + 64, "and take no more memory than that")
        let kept = try #require(PartFilter(bytes))
        for filter in [filter, kept] {
            #expect((0..<calls).allSatisfy { filter.mayHave(FilterBits(hash("c\($0)"))) })
            #expect((calls..<calls + 10_000).count { filter.mayHave(FilterBits(hash("c\($0)"))) } < 400)
        }
    }

    /// What is kept in read models must not change without their version: a filter would deny calls that are
    /// there.
    @Test func filtersAreWhatTheyWere() {
        let hash = hash("3c26700c1adb-ltq1yrxplmvx@192.0.2.5")
        #expect(hash == 4_537_910_196_583_201_295)
        let filter = PartFilter()
        filter.insert(FilterBits(hash))
        let set = filter.bytes.enumerated().filter { $0.element != 0 }.map { [$0.offset, Int($0.element)] }
        #expect(
            set == [
                [16_834, 128], [16_840, 64], [16_851, 1], [16_864, 32], [16_867, 64], [16_868, 128],
                [16_871, 32], [16_882, 16],
            ])
    }
}
