import GRDB
import Testing

@testable import ReadModel

/// The sum of a table's rows tells tables apart that hold other rows, and no others.
struct RowSumTests {
    private static let values = [
        "NULL, 0, x'00'", "NULL, 0, '0'", "0, NULL, '0'", "'0', NULL, ''", "NULL, NULL, x''", "1, 2, 'a'",
        "2, 1, 'a'", "1, 2, 'aa'",
    ]

    private func sum(_ rows: [String], progress: (Int) -> Void = { _ in }) throws -> RowSum {
        let database = try DatabaseQueue()
        return try database.write { db in
            try db.execute(sql: "CREATE TABLE t (a, b, c)")
            for row in rows { try db.execute(sql: "INSERT INTO t VALUES (\(row))") }
            return try RowSum(RowReading(db, "SELECT a, b, c FROM t"), progress: progress)
        }
    }

    @Test func theOrderDoesNotCount() throws {
        let values = Self.values
        let expected = try sum(values)
        #expect(expected.rows == values.count)
        for shift in 1..<values.count {
            #expect(try sum(Array(values[shift...] + values[..<shift]).reversed()) == expected)
        }
    }

    @Test func eachRowCountsAsOftenAsItIsThere() throws {
        let values = Self.values
        let expected = try sum(values)
        for index in values.indices {
            for other in values.indices where other != index {
                var changed = values
                changed[index] = values[other]
                #expect(try sum(changed) != expected, "\(changed)")
            }
            #expect(try sum(values + [values[index]]) != expected)
        }
        // Values that changed places between two rows.
        #expect(try sum(["1, 2, 'a'", "3, 4, 'b'"]) != sum(["1, 4, 'a'", "3, 2, 'b'"]))
        // Types that changed places within a row.
        #expect(try sum(["x'61', 'b', NULL"]) != sum(["'a', NULL, x'62'"]))
        #expect(try sum([]).rows == 0)
    }

    @Test func howFarItIsIsTold() throws {
        var told: [Int] = []
        let step = ReadModelLimits.rowsComparedUntold
        let sum = try sum((0..<2 * step + 5).map { "\($0), NULL, 'x'" }) { told.append($0) }
        #expect(told == [step, 2 * step] && sum.rows == 2 * step + 5)
    }
}
