internal import GRDB
internal import Projections

/// Writes batches of rows into the read model's tables.
///
/// All calls come inside a write transaction of the projector's.
final class RowWriter {
    private var insertRecord: Statement
    private var replaceRecord: Statement
    private var supersede: Statement
    private var deleteRecord: Statement
    private var insertFinding: Statement
    private var deleteFindings: Statement
    /// Microseconds from start to end of the longest call that was ever recorded: how far back a span of time
    /// can reach into the records.
    private(set) var longest: Int64

    private static let startedAt = CallRecord.columns.firstIndex { $0.name == "started_at" } ?? 0
    private static let endedAt = CallRecord.columns.firstIndex { $0.name == "ended_at" } ?? 0

    init(_ db: Database) throws {
        longest = try ReadModelDatabase.meta(db, "longest_call_us")
        let columns = CallRecord.columns + LegTimer.columns
        let names = columns.map(\.name).joined(separator: ", ")
        let places = columns.indices.map { "?\($0 + 1)" }.joined(separator: ", ")
        insertRecord = try Statement(db, "INSERT INTO cdrs (\(names)) VALUES (\(places))")
        replaceRecord = try Statement(
            db,
            """
            UPDATE cdrs SET (\(names)) = (\(places)) WHERE callid = ?1 AND from_tag = ?2 AND to_tag = ?3
            """)
        let members = CallRecord.columns.prefix(CallRecord.revisedColumnCount).map { column in
            column.kind == .json
                ? "'\(column.name)', json(\(column.name))" : "'\(column.name)', \(column.name)"
        }.joined(separator: ", ")
        supersede = try Statement(
            db,
            """
            INSERT INTO cdr_revisions
            SELECT callid, from_tag, to_tag, revision, ?4, ?5, json_object(\(members)) FROM cdrs
            WHERE callid = ?1 AND from_tag = ?2 AND to_tag = ?3
            """)
        deleteRecord = try Statement(db, "DELETE FROM cdrs WHERE callid = ? AND from_tag = ? AND to_tag = ?")
        insertFinding = try Statement(db, "INSERT INTO findings VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
        deleteFindings = try Statement(db, "DELETE FROM findings WHERE callid = ? AND from_tag = ?")
    }

    /// Writes a batch's rows in their order and empties it.
    func write(_ batch: inout RowBatch) throws {
        for row in batch.rows {
            switch row.operation {
            case .insertRecord, .replaceRecord: measure(row, of: batch)
            default: break
            }
            switch row.operation {
            case .insertRecord: try insertRecord.run(row, of: batch)
            case .replaceRecord: try replaceRecord.run(row, of: batch)
            case .supersede: try supersede.run(row, of: batch)
            case .deleteRecord: try deleteRecord.run(row, of: batch)
            case .insertFinding: try insertFinding.run(row, of: batch)
            case .deleteFindings: try deleteFindings.run(row, of: batch)
            }
        }
        batch.removeAll()
    }

    private func measure(_ row: RowBatch.Row, of batch: borrowing RowBatch) {
        guard case .integer(let start) = batch.cells[row.cells.lowerBound + Self.startedAt],
            case .integer(let end) = batch.cells[row.cells.lowerBound + Self.endedAt]
        else { return }
        longest = max(longest, end - start)
    }
}
