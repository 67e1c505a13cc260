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
    private var records: Table
    private var revisions: Table
    private var findings: Table
    private var marks: TableTree
    /// As `RowWriter.longest`.
    private(set) var longest: Int64 = 0

    private struct Table {
        var tree: TableTree
        var indexes: [Index]
    }

    private struct Index {
        enum Keys {
            /// Texts, in an index that begins with a part of the table.
            case parts(PartKeys)
            /// A number.
            case runs(KeyRuns)
        }

        let keys: Keys
        var tree: IndexTree
        /// The part of the table that the keys at hand belong to.
        var part: Int64 = 0
        /// Which columns of a row the entry's texts and number are.
        let texts: [Int]
        let number: Int?
        let isUnique: Bool
        /// A column that must be 1 for a row to be in the index.
        var condition: Int?

        /// Puts the keys of the parts before this one into the index.
        mutating func begin(_ newPart: Int64, _ record: inout RecordBytes) throws {
            if part != newPart { try drain(&record) }
            part = newPart
        }

        /// Adds the entry of a row, where it has one.
        @unsafe
        mutating func add(
            _ row: Int64, _ cells: ArraySlice<RowBatch.Cell>, of text: UnsafeRawBufferPointer,
            _ record: inout RecordBytes
        ) throws {
            try begin(KeyShape.part(of: row), &record)
            let first = cells.startIndex
            if let condition {
                guard case .integer(1) = cells[first + condition] else { return }
            }
            var value: Int64 = 0
            if let number, case .integer(let found) = cells[first + number] { value = found }
            switch keys {
            case .runs(let runs): try runs.add(row, number: value)
            case .parts(let parts):
                // Safety: a cell's range lies within its batch's text.
                unsafe parts.add(row, number: value) { place in
                    guard case .text(let start, let length) = cells[first + texts[place]] else {
                        return unsafe UnsafeRawBufferPointer(start: nil, count: 0)
                    }
                    return unsafe UnsafeRawBufferPointer(
                        rebasing: text[Int(start)..<Int(start) + Int(length)])
                }
            }
        }

        mutating func finish(_ record: inout RecordBytes) throws {
            try drain(&record)
            if case .runs(let runs) = keys {
                try runs.finish()
                if let mapped = try runs.map() {
                    var merge = KeyMerge(runs.runs, mapped)
                    try merge.write(to: &tree)
                }
            }
            try tree.finish()
        }

        private mutating func drain(_ record: inout RecordBytes) throws {
            guard case .parts(let parts) = keys else { return }
            try parts.drain(into: &tree, &record, isUnique: isUnique)
        }
    }

    private static let startedAt = column("started_at")
    private static let endedAt = column("ended_at")

    /// Where SQLite has put the tables and indexes of a fresh read model.
    struct Roots: Sendable {
        private let pages: [String: UInt32]

        init(_ db: Database) throws {
            var pages: [String: UInt32] = [:]
            for row in try Row.fetchAll(
                db, sql: "SELECT name, rootpage FROM sqlite_schema WHERE rootpage > 0")
            {
                pages[row["name"]] = row["rootpage"]
            }
            self.pages = pages
            // The first is asked for when the file is made, the second what SQLite does by itself.
            for (name, value) in [("page_size", PageBuilder.bytes), ("auto_vacuum", 0)] {
                let found = try Int.fetchOne(db, sql: "PRAGMA \(name)")
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
        func index(
            _ name: String, texts: [Int] = [], number: Int? = nil, isUnique: Bool = false,
            condition: Int? = nil
        ) -> Index {
            Index(
                keys: texts.isEmpty
                    ? .runs(KeyRuns(beside: path, runEntriesMax: runEntriesMax))
                    : .parts(PartKeys(KeyShape(texts: texts.count, hasNumber: number != nil))),
                tree: IndexTree(root: roots.page(name), file: file), texts: texts,
                number: number, isUnique: isUnique, condition: condition)
        }
        records = Table(
            tree: TableTree(root: roots.page("cdrs"), file: file),
            indexes: [
                index("cdrs_by_call", texts: [0, 1, 2], isUnique: true),
                index("cdrs_by_start", number: Self.startedAt),
                index("cdrs_hung", number: Self.column("unproven_us"), condition: Self.column("hung")),
            ])
        revisions = Table(
            tree: TableTree(root: roots.page("cdr_revisions"), file: file),
            indexes: [index("cdr_revisions_by_call", texts: [0, 1, 2], number: 3)])
        findings = Table(
            tree: TableTree(root: roots.page("findings"), file: file),
            indexes: [
                index("findings_by_call", texts: [2, 3]), index("findings_by_time", number: 5),
            ])
        marks = TableTree(root: roots.page("call_marks"), file: file)
    }

    /// Writes the rows of a batch.
    func take(_ batch: borrowing RowBatch) throws {
        // Each is taken hold of once, not once a row.
        try Self.write(batch, &records, &revisions, &findings, &marks, &record)
        for row in batch.rows where row.operation == .insertRecord { measure(row, of: batch) }
    }

    private static func write(
        _ batch: borrowing RowBatch, _ records: inout Table, _ revisions: inout Table,
        _ findings: inout Table, _ marks: inout TableTree, _ record: inout RecordBytes
    ) throws {
        for row in batch.rows {
            switch row.operation {
            case .insertRecord: try append(row, of: batch, to: &records, &record)
            case .insertRevision: try append(row, of: batch, to: &revisions, &record)
            case .insertFinding: try append(row, of: batch, to: &findings, &record)
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
        try finish(&records)
        try finish(&revisions)
        try finish(&findings)
        try marks.finish()
        try file.finish()
    }

    private static func append(
        _ row: RowBatch.Row, of batch: borrowing RowBatch, to table: inout Table, _ record: inout RecordBytes
    ) throws {
        let cells = batch.cells[row.cells]
        record.lay(cells, of: batch.text)
        // Safety: the record stays as it is during the call.
        try unsafe table.tree.append(record.bytes)
        let lastRow = table.tree.lastRow
        // Safety: the texts of the batch are read during the calls.
        try unsafe batch.text.withUnsafeBytes { text in
            for place in table.indexes.indices {
                try unsafe table.indexes[place].add(lastRow, cells, of: text, &record)
            }
        }
    }

    private func finish(_ table: inout Table) throws {
        try table.tree.finish()
        for place in table.indexes.indices { try table.indexes[place].finish(&record) }
    }

    private func measure(_ row: RowBatch.Row, of batch: borrowing RowBatch) {
        guard case .integer(let start) = batch.cells[row.cells.lowerBound + Self.startedAt],
            case .integer(let end) = batch.cells[row.cells.lowerBound + Self.endedAt]
        else { return }
        longest = max(longest, end - start)
    }

    private static func column(_ name: String) -> Int {
        let columns = CallRecord.columns + LegTimer.columns
        guard let index = columns.firstIndex(where: { $0.name == name }) else {
            preconditionFailure("a record has \(name)")
        }
        return index
    }
}
