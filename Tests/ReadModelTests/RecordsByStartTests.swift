import Events
import GRDB
import Testing

@testable import EventLog
@testable import Projections
@testable import ReadModel
@testable import Simulation

/// Records come in the order of (started_at, callid, from_tag, to_tag), each once, however they are spread
/// over time and over the parts of the table, and however few are sorted at once.
struct RecordsByStartTests {
    /// Bursts at one moment, years of nothing, times at both ends of what a number holds.
    private static let starts: [Int64] = {
        var starts: [Int64] = [0, 1, 1, 1, 2, 1_700_000_000_000_000, 4_102_444_800_000_000, .max]
        // Where windows of one, four and sixteen minutes end.
        starts += [59_999_999, 60_000_000, 299_999_999, 300_000_000, 1_259_999_999, 1_260_000_000]
        starts += Array(repeating: 1_700_000_000_000_007, count: 90)
        for number in Int64(0)..<400 { starts.append(1_700_000_100_000_000 + number % 37 * 1_000_003) }
        for number in Int64(0)..<60 { starts.append(1_800_000_000_000_000 + number * 3_600_000_000) }
        return starts
    }()

    private func withRecords(_ body: (Database) throws -> Void) throws {
        let place = try TestPlace()
        let database = try ReadModelDatabase(path: place.readModel, logID: place.log.id, use: .live)
        try database.write { db in
            let writer = try RowWriter(db, try CallParts(db), stagedRecordsMin: 0)
            var random = RandomStream(seed: 7)
            for (round, part) in stride(from: 0, to: Self.starts.count, by: 100).enumerated() {
                try writer.begin(db)
                try db.execute(sql: "BEGIN")
                var batch = RowBatch()
                for index in part..<min(part + 100, Self.starts.count) {
                    // Not in the order of their names.
                    batch.record("c\(random.next() % 50)-\(index)", "\(round)", startedAt: Self.starts[index])
                }
                // Two that agree in all that orders them, without a To tag.
                if round == 2 || round == 3 { batch.record("c", "", startedAt: 1) }
                try writer.write(batch)
                try writer.finish()
                try db.execute(sql: "COMMIT")
                try writer.committed()
            }
            let parts = try Int.fetchOne(db, sql: "SELECT count(DISTINCT id >> 16) FROM cdrs") ?? 0
            #expect(parts > 4)
            try body(db)
            writer.stop(db)
        }
        try database.close()
    }

    @Test(arguments: [2, 3, 50, 1 << 14])
    func areOrderedAndWhole(recordsMax: Int) throws {
        let times: [(Int64?, Int64?)] = [
            (nil, nil), (1, nil), (nil, 1_700_000_000_000_008), (5, 6), (.max, nil),
            (1_700_000_000_000_007, 1_800_000_000_000_001),
        ]
        try withRecords { db in
            for (since, until) in times {
                var filter = CallRecordFilter()
                filter.since = since.map { Timestamp(rawValue: $0) }
                filter.until = until.map { Timestamp(rawValue: $0) }
                let condition = filter.condition
                let order = "ORDER BY started_at, callid, from_tag, to_tag"
                let expected = try String.fetchAll(
                    db, sql: "SELECT callid FROM cdrs\(condition.sql) \(order)",
                    arguments: condition.arguments)
                var found: [String] = []
                try RecordsByStart(db, columns: ["callid"], filter, recordsMax: recordsMax).readAll {
                    found.append($0[0])
                }
                #expect(found == expected, "\(since as Any) \(until as Any)")
                if since == nil, until == nil { #expect(found.count == Self.starts.count + 2) }
            }
        }
    }

    /// A window is looked for by its time in each part, and what else is asked for counts.
    @Test func windowsComeFromTheIndex() throws {
        try withRecords { db in
            var filter = CallRecordFilter()
            filter.disposition = ["x"]
            let none = try RecordsByStart(db, columns: ["callid"], filter)
            try none.readAll { Issue.record("\($0)") }
            filter.disposition = ["[]"]
            var count = 0
            try RecordsByStart(db, columns: ["callid"], filter, recordsMax: 7).readAll { _ in count += 1 }
            #expect(count == Self.starts.count + 2)
            let plan = try Row.fetchAll(
                db, sql: "EXPLAIN QUERY PLAN " + none.sql, arguments: [0, 1, 0, "", "", "", 0, "x", 7]
            ).map { $0["detail"] as String }
            let looked = "cdrs_by_start (ANY(<expr>) AND started_at>? AND started_at<?)"
            #expect(plan.contains { $0.contains(looked) }, "\(plan)")
            // One call's records, by another index.
            filter = CallRecordFilter()
            filter.callID = "c"
            count = 0
            let one = try RecordsByStart(db, columns: ["callid"], filter, recordsMax: 1)
            try one.readAll { _ in count += 1 }
            #expect(count == 2)
            let own = try Row.fetchAll(
                db, sql: "EXPLAIN QUERY PLAN " + one.sql, arguments: [0, 1, 0, "", "", "", 0, "c", 7]
            ).map { $0["detail"] as String }
            #expect(own.contains { $0.contains("cdrs_by_call (ANY(<expr>) AND callid=?)") }, "\(own)")
        }
    }
}
