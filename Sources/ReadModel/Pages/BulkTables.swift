internal import GRDB
internal import Projections

/// The large tables of a read model that is made from nothing, written page by page beside SQLite: records,
/// their old revisions, and findings, each with its indexes.
///
/// Rows are appended as they come and never looked for; whoever fills the tables sees to it that a row is
/// final. The file belongs to nobody else until `finish` has returned. Then SQLite opens it like any other.
final class BulkTables {
    private let file: PageFile
    private var record = RecordBytes()
    private var records: IndexedTable
    private var revisions: IndexedTable
    private var findings: IndexedTable
    private var marks: TableTree
    private var parts: TableTree
    /// The calls of the part of the records that is being filled.
    private var filter = PartFilter()
    private var recordsInFilters: Int64 = 0
    /// As `RowWriter.longest`.
    private(set) var longest: Int64 = 0

    private static let startedAt = IndexedTable.column("started_at")
    private static let endedAt = IndexedTable.column("ended_at")

    /// Where SQLite has put the tables and indexes of a fresh read model.
    struct Roots: Sendable {
        private let pages: [String: UInt32]

        /// - Parameter schema: the name of the database.
        init(_ db: Database, schema: String = "main") throws {
            var pages: [String: UInt32] = [:]
            for row in try Row.fetchAll(
                db, sql: "SELECT name, rootpage FROM \(schema).sqlite_schema WHERE rootpage > 0")
            {
                pages[row["name"]] = row["rootpage"]
            }
            self.pages = pages
            // The first is asked for when the file is made, the second what SQLite does by itself.
            for (name, value) in [("page_size", PageBuilder.bytes), ("auto_vacuum", 0)] {
                let found = try Int.fetchOne(db, sql: "PRAGMA \(schema).\(name)")
                guard found == value else {
                    throw ReadModelError(
                        .database, "this SQLite makes files with \(name) \(found ?? -1) instead of \(value)")
                }
            }
        }

        func page(_ name: String) -> PageNumber {
            guard let page = pages[name] else { preconditionFailure("the schema has \(name)") }
            return PageNumber(rawValue: page)
        }
    }

    /// Begins to fill a fresh read model, which SQLite must have closed.
    ///
    /// - Parameter runEntriesMax: how many entries of an index are sorted at a time.
    init(path: String, roots: Roots, runEntriesMax: Int = ReadModelLimits.keyRunEntriesMax) throws {
        let file = try PageFile(path: path)
        self.file = file
        let shapes = IndexedTable.Shapes.self
        func table(_ shape: IndexedTable.Shape) -> IndexedTable {
            IndexedTable(shape, roots, in: file) {
                .runs(KeyRuns(beside: path, runEntriesMax: runEntriesMax))
            }
        }
        records = table(shapes.records)
        revisions = table(shapes.revisions)
        findings = table(shapes.findings)
        marks = TableTree(root: roots.page("call_marks"), in: file)
        parts = TableTree(root: roots.page("call_parts"), in: file, first: 0)
    }

    /// Writes the rows of a batch.
    func take(_ batch: borrowing RowBatch) throws {
        // Each is taken hold of once, not once a row.
        try Self.write(batch, &records, &revisions, &findings, &marks, &record)
        for row in batch.rows where row.operation == .insertRecord {
            measure(row, of: batch)
            try addToFilter(row, of: batch)
        }
    }

    private static func write(
        _ batch: borrowing RowBatch, _ records: inout IndexedTable, _ revisions: inout IndexedTable,
        _ findings: inout IndexedTable, _ marks: inout TableTree, _ record: inout RecordBytes
    ) throws {
        for row in batch.rows {
            switch row.operation {
            case .insertRecord: try records.append(row, of: batch, &record)
            case .insertRevision: try revisions.append(row, of: batch, &record)
            case .insertFinding: try findings.append(row, of: batch, &record)
            case .keepMarks:
                // Their number, which comes last, is the row's own.
                record.lay(batch.cells[row.cells].prefix(1), of: batch.text)
                // Safety: the record stays as it is during the call.
                try unsafe marks.append(record.bytes)
            default: preconditionFailure("\(row.operation) changes what is there")
            }
        }
    }

    /// Writes the indexes and all that is left; the file is whole afterwards, and not yet synced.
    func finish() throws {
        try records.finish(&record)
        try revisions.finish(&record)
        try findings.finish(&record)
        try marks.finish()
        try parts.finish()
        try file.finish()
    }

    /// The same rows as `records` takes, in the same order; of a part that is full the filter is written.
    private func addToFilter(_ row: RowBatch.Row, of batch: borrowing RowBatch) throws {
        recordsInFilters += 1
        let part = KeyShape.part(of: recordsInFilters)
        if part > parts.lastRow + 1 {
            filter.shrink()
            let bytes = filter.bytes
            record.lay([.blob(start: 0, length: Int32(bytes.count))], of: bytes)
            // Safety: the record stays as it is during the call.
            try unsafe parts.append(record.bytes)
            filter = PartFilter()
        }
        filter.insert(FilterBits(batch.hash(of: row, count: 2)))
    }

    private func measure(_ row: RowBatch.Row, of batch: borrowing RowBatch) {
        guard case .integer(let start) = batch.cells[row.cells.lowerBound + Self.startedAt],
            case .integer(let end) = batch.cells[row.cells.lowerBound + Self.endedAt]
        else { return }
        longest = max(longest, end - start)
    }
}
