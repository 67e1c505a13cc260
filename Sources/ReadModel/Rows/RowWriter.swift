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

    init(_ db: Database) throws {
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
}
