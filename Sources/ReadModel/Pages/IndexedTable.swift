internal import Projections

/// A table with its indexes, filled past SQLite row after row: rows are appended as they come and never
/// looked for.
struct IndexedTable {
    private var tree: TableTree
    private var indexes: [Index]

    /// What a table's indexes are made of.
    struct Shape {
        let table: String
        let indexes: [IndexShape]
    }

    struct IndexShape {
        let name: String
        /// Whether its entries begin with the part of the table; else they have no texts.
        var beginsWithPart = false
        /// Which columns of a row the entry's texts and number are.
        var texts: [Int] = []
        var number: Int?
        /// Whether no two rows may agree in all of that; looked at among those of a part that are laid out.
        var isUnique = false
        /// A column that must be 1 for a row to be in the index.
        var condition: Int?
    }

    enum Shapes {
        static let records = Shape(
            table: "cdrs",
            indexes: [
                IndexShape(name: "cdrs_by_call", beginsWithPart: true, texts: [0, 1, 2], isUnique: true),
                IndexShape(name: "cdrs_by_start", beginsWithPart: true, number: column("started_at")),
                IndexShape(name: "cdrs_hung", number: column("hung"), condition: column("hung")),
            ])
        static let revisions = Shape(
            table: "cdr_revisions",
            indexes: [
                IndexShape(
                    name: "cdr_revisions_by_call", beginsWithPart: true, texts: [0, 1, 2], number: 3)
            ])
        static let findings = Shape(
            table: "findings",
            indexes: [
                IndexShape(name: "findings_by_call", beginsWithPart: true, texts: [2, 3]),
                IndexShape(name: "findings_by_time", number: 5),
            ])
    }

    /// What gathers the keys of an index until they can be put in their order.
    enum Keys {
        /// In an index that begins with a part of the table.
        case parts(PartKeys)
        /// A number, of any number of rows.
        case runs(KeyRuns)
        /// A number, of as many rows as memory holds.
        case few(NumberKeys)
    }

    private struct Index {
        let keys: Keys
        var tree: IndexTree
        let shape: IndexShape
        /// The part of the table that the keys at hand belong to.
        var part: Int64 = 0

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
            if let condition = shape.condition {
                guard case .integer(1) = cells[first + condition] else { return }
            }
            var value: Int64 = 0
            if let number = shape.number, case .integer(let found) = cells[first + number] { value = found }
            switch keys {
            case .runs(let runs): try runs.add(row, number: value)
            case .few(let numbers): numbers.add(row, number: value)
            case .parts(let parts):
                // Safety: a cell's range lies within its batch's text.
                unsafe parts.add(row, number: value) { place in
                    guard case .text(let start, let length) = cells[first + shape.texts[place]] else {
                        return unsafe UnsafeRawBufferPointer(start: nil, count: 0)
                    }
                    return unsafe UnsafeRawBufferPointer(
                        rebasing: text[Int(start)..<Int(start) + Int(length)])
                }
            }
        }

        mutating func finish(_ record: inout RecordBytes) throws {
            try drain(&record)
            switch keys {
            case .parts: break
            case .few(let numbers): try numbers.drain(into: &tree, &record)
            case .runs(let runs):
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
            try parts.drain(into: &tree, &record, isUnique: shape.isUnique)
        }
    }

    /// - Parameter numbers: gathers the keys of an index on a number; one for each.
    init(_ shape: Shape, _ roots: BulkTables.Roots, in target: any PageTarget, numbers: () -> Keys) {
        tree = TableTree(root: roots.page(shape.table), in: target)
        indexes = shape.indexes.map { index in
            Index(
                keys: index.beginsWithPart
                    ? .parts(PartKeys(KeyShape(texts: index.texts.count, hasNumber: index.number != nil)))
                    : numbers(),
                tree: IndexTree(root: roots.page(index.name), in: target), shape: index)
        }
    }

    /// The number of the last row.
    var lastRow: Int64 { tree.lastRow }

    mutating func append(
        _ row: RowBatch.Row, of batch: borrowing RowBatch, _ record: inout RecordBytes
    ) throws {
        let cells = batch.cells[row.cells]
        record.lay(cells, of: batch.text)
        // Safety: the record stays as it is during the call.
        try unsafe tree.append(record.bytes)
        let lastRow = tree.lastRow
        // Safety: the texts of the batch are read during the calls.
        try unsafe batch.text.withUnsafeBytes { text in
            for place in indexes.indices {
                try unsafe indexes[place].add(lastRow, cells, of: text, &record)
            }
        }
    }

    /// Writes what is left; the table is whole afterwards.
    mutating func finish(_ record: inout RecordBytes) throws {
        try tree.finish()
        for place in indexes.indices { try indexes[place].finish(&record) }
    }

    /// Begins anew, empty, where all that was written before may be written over.
    ///
    /// - Parameter row: the number behind which the rows that come are counted.
    mutating func restart(after row: Int64) {
        tree.restart(after: row)
        for place in indexes.indices { indexes[place].tree.restart() }
    }

    /// The place of a column of a record.
    static func column(_ name: String) -> Int {
        let columns = CallRecord.columns + LegTimer.columns
        guard let index = columns.firstIndex(where: { $0.name == name }) else {
            preconditionFailure("a record has \(name)")
        }
        return index
    }
}

/// Gathers the entries of an index on a number in memory.
final class NumberKeys {
    private var entries: [KeyRuns.Entry] = []

    @inline(__always)
    func add(_ row: Int64, number: Int64) {
        entries.append(KeyRuns.Entry(number: KeyOrder.sortable(number), row: row))
    }

    /// Puts what was gathered into its index, and forgets it.
    func drain(into tree: inout IndexTree, _ record: inout RecordBytes) throws {
        entries.sort()
        for entry in entries { try tree.append(entry, &record) }
        entries.removeAll(keepingCapacity: true)
    }
}

extension IndexTree {
    /// Appends the entry of an index on a number.
    mutating func append(_ entry: KeyRuns.Entry, _ record: inout RecordBytes) throws {
        // Safety: no texts; the record stays as it is during the call.
        unsafe record.lay(
            texts: UnsafeRawBufferPointer(start: nil, count: 0), lengths: [0, 0, 0], count: 0,
            number: KeyOrder.number(entry.number), row: entry.row)
        try unsafe append(record.bytes)
    }
}
