package import EventLog
package import Events
internal import GRDB
internal import GRDBSQLite
internal import Glibc
internal import Projections

/// Holds a read model against one that is made anew from the log, row by row.
package enum Comparison {
    /// A row, or a column of it, that is not the same.
    package struct Difference: Sendable {
        package enum Kind: Sendable {
            /// The rebuilt read model has the row, the one in use has not.
            case missing
            /// The other way round.
            case surplus
            case column(name: String, kept: String, rebuilt: String)
        }

        package let table: String
        /// What tells the row from the others of its table.
        package let key: String
        package let kind: Kind
    }

    package struct Table: Sendable {
        package let name: String
        /// Rows of the rebuilt one.
        package let rows: Int
        /// Rows that are not the same.
        package let differences: Int
    }

    package struct Report: Sendable {
        /// Everything before this position was compared.
        package let next: Position
        package let tables: [Table]
        /// The first ones of each table.
        package let examples: [Difference]

        package var isEqual: Bool { tables.allSatisfy { $0.differences == 0 } }
    }

    /// Rebuilds into a file beside the read model, which is left as it is and may be written meanwhile: one
    /// moment of it is compared.
    ///
    /// - Parameters:
    ///   - examplesMax: how many differences of a table are told one by one.
    ///   - settledMax: how many ended calls the rebuild keeps in memory.
    ///   - progress: is told the position of the rebuild now and then.
    package static func run(
        readModel path: String, log: LogDirectory, examplesMax: Int = 20,
        settledMax: Int = Projections.Limits.settledCallsInMemoryMax,
        progress: (Position) -> Void = { _ in }
    ) throws -> Report {
        let reader = try ReadModelReader(path: path)
        let (recipe, next) = try reader.read { (try $0.recipe, $0.next) }
        let checkPath = path + ".check"
        let rebuild = try Rebuild(log, at: checkPath, recipe: recipe, settledMax: settledMax)
        defer { try? Rebuild.remove(checkPath) }
        try rebuild.advance(to: next, progress: progress)
        return try reader.read { snapshot in
            // What came in the meantime is little, so that the moment that is held on to stays short.
            try log.waitUntilDurable(snapshot.next)
            try rebuild.advance(to: snapshot.next, progress: progress)
            try rebuild.finish()
            let other = try DatabaseQueue(path: checkPath)
            return try other.read { rebuilt in
                try compare(snapshot, ReadModelSnapshot(rebuilt), examplesMax: examplesMax)
            }
        }
    }

    private static func compare(
        _ keptSnapshot: ReadModelSnapshot, _ rebuiltSnapshot: ReadModelSnapshot, examplesMax: Int
    ) throws -> Report {
        let (kept, rebuilt) = (keptSnapshot.db, rebuiltSnapshot.db)
        var tables: [Table] = []
        var examples: [Difference] = []
        for table in ReadModelSchema.comparedTables {
            // Rows have other numbers where they came in another order.
            let columns = try rebuilt.columns(in: table.name).map(\.name).filter { $0 != "id" }
            let keys = table.order.split(separator: ",").map { $0.trimmed }
            let listed = (keys + columns.filter { !keys.contains($0) })
            let names = listed.map { "\"\($0)\"" }.joined(separator: ", ")
            let sql = "SELECT \(names) FROM \(table.name) ORDER BY \(table.order)"
            var merge = TableMerge(
                table: table.name, columns: listed, keyCount: keys.count, kept: try RowReading(kept, sql),
                rebuilt: try RowReading(rebuilt, sql))
            try merge.run(examplesMax: examplesMax)
            tables.append(Table(name: table.name, rows: merge.rows, differences: merge.differences))
            examples += merge.examples
        }
        let openCalls = try compareOpenCalls(keptSnapshot, rebuiltSnapshot, examplesMax: examplesMax)
        tables.append(openCalls.table)
        examples += openCalls.examples
        return Report(next: keptSnapshot.next, tables: tables, examples: examples)
    }
}

extension LogDirectory {
    /// A log that somebody else writes is looked at again where a read model is ahead of what was seen of it.
    fileprivate func waitUntilDurable(_ next: Position) throws {
        guard durable.next < next else { return }
        try wait(for: Position(rawValue: next.rawValue - 1), atMost: .seconds(5))
    }
}

extension Substring {
    fileprivate var trimmed: String {
        String(drop { $0 == " " })
    }
}

/// Goes through the rows of one table in both read models, in the order of their keys.
private struct TableMerge: ~Copyable {
    let table: String
    let columns: [String]
    let keyCount: Int
    var kept: RowReading
    var rebuilt: RowReading
    private(set) var rows = 0
    private(set) var differences = 0
    private(set) var examples: [Comparison.Difference] = []

    init(
        table: String, columns: [String], keyCount: Int, kept: consuming RowReading,
        rebuilt: consuming RowReading
    ) {
        self.table = table
        self.columns = columns
        self.keyCount = keyCount
        self.kept = kept
        self.rebuilt = rebuilt
    }

    mutating func run(examplesMax: Int) throws {
        var hasKept = try kept.step()
        var hasRebuilt = try rebuilt.step()
        while hasKept || hasRebuilt {
            let order = hasKept && hasRebuilt ? compareKeys() : hasKept ? -1 : 1
            if order < 0 {
                note(.surplus, key: key(kept), examplesMax)
            } else if order > 0 {
                note(.missing, key: key(rebuilt), examplesMax)
            } else {
                compareColumns(examplesMax)
            }
            if order >= 0 { rows += 1 }
            if order <= 0 { hasKept = try kept.step() }
            if order >= 0 { hasRebuilt = try rebuilt.step() }
        }
    }

    private func compareKeys() -> Int {
        for column in 0..<keyCount {
            let order = kept.compare(column, with: rebuilt)
            if order != 0 { return order }
        }
        return 0
    }

    private mutating func compareColumns(_ examplesMax: Int) {
        var isSame = true
        for column in keyCount..<columns.count where kept.compare(column, with: rebuilt) != 0 {
            if isSame { differences += 1 }
            isSame = false
            guard examples.count < examplesMax else { return }
            examples.append(
                Comparison.Difference(
                    table: table, key: key(kept),
                    kind: .column(
                        name: columns[column], kept: kept.text(column), rebuilt: rebuilt.text(column))))
        }
    }

    private mutating func note(_ kind: Comparison.Difference.Kind, key: String, _ examplesMax: Int) {
        differences += 1
        guard examples.count < examplesMax else { return }
        examples.append(Comparison.Difference(table: table, key: key, kind: kind))
    }

    private func key(_ reading: borrowing RowReading) -> String {
        var parts: [String] = []
        for column in 0..<keyCount { parts.append("\(columns[column]) \(reading.text(column))") }
        return parts.joined(separator: ", ")
    }
}

/// The rows of a query by the C interface, whose values can be compared in place.
@safe
private struct RowReading: ~Copyable {
    // Safety: prepared in init, finalised in deinit; used inside one read of its connection.
    private let handle: OpaquePointer
    private let connection: SQLiteConnection

    init(_ db: Database, _ sql: String) throws {
        guard let connection = unsafe db.sqliteConnection else {
            throw ReadModelError(.database, "the read model is closed")
        }
        var handle: OpaquePointer?
        // Safety: SQLite copies the text.
        let status = unsafe sqlite3_prepare_v2(connection, sql, -1, &handle, nil)
        guard status == SQLITE_OK, let handle = unsafe handle else {
            throw unsafe ReadModelError(.database, "\(String(cString: sqlite3_errmsg(connection))) in \(sql)")
        }
        unsafe self.handle = handle
        unsafe self.connection = connection
    }

    deinit {
        unsafe sqlite3_finalize(handle)
    }

    mutating func step() throws -> Bool {
        switch unsafe sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        default:
            throw unsafe ReadModelError(
                .database, "the read model can't be read: \(String(cString: sqlite3_errmsg(connection)))")
        }
    }

    /// Below, at or above 0, in SQLite's own order: null, numbers, texts, blobs.
    func compare(_ column: Int, with other: borrowing RowReading) -> Int {
        let (left, right) = (rank(column), other.rank(column))
        if left != right { return left < right ? -1 : 1 }
        switch left {
        case 0: return 0
        case 1:
            let first = unsafe sqlite3_column_int64(handle, Int32(column))
            let second = unsafe sqlite3_column_int64(other.handle, Int32(column))
            return first == second ? 0 : first < second ? -1 : 1
        default:
            return unsafe bytes(column) { first in
                unsafe other.bytes(column) { second in
                    let common = min(first.count, second.count)
                    // Safety: both are that long, and valid until the next step.
                    let order =
                        common == 0 ? 0 : unsafe memcmp(first.baseAddress!, second.baseAddress!, common)
                    if order != 0 { return order < 0 ? -1 : 1 }
                    return first.count == second.count ? 0 : first.count < second.count ? -1 : 1
                }
            }
        }
    }

    /// The value as an operator can read it.
    func text(_ column: Int) -> String {
        switch unsafe sqlite3_column_type(handle, Int32(column)) {
        case SQLITE_NULL: return "null"
        case SQLITE_BLOB: return unsafe "\(sqlite3_column_bytes(handle, Int32(column))) bytes"
        default: return unsafe bytes(column) { unsafe String(decoding: $0, as: UTF8.self) }
        }
    }

    private func rank(_ column: Int) -> Int {
        switch unsafe sqlite3_column_type(handle, Int32(column)) {
        case SQLITE_NULL: 0
        case SQLITE_INTEGER: 1
        case SQLITE_TEXT: 2
        default: 3
        }
    }

    private func bytes<Value>(_ column: Int, _ body: (UnsafeRawBufferPointer) -> Value) -> Value {
        // Safety: SQLite's buffer is valid until the next step.
        let start = unsafe sqlite3_column_blob(handle, Int32(column))
        let count = unsafe Int(sqlite3_column_bytes(handle, Int32(column)))
        return unsafe body(UnsafeRawBufferPointer(start: start, count: count))
    }
}
