internal import Events
internal import GRDB
internal import GRDBSQLite
internal import Projections

/// A prepared statement of the C interface, for bulk work. It belongs to one connection and ends before it.
@safe
struct Statement: ~Copyable {
    // Safety: prepared in init, finalised in deinit; used only inside a write on the connection's own queue.
    private let handle: OpaquePointer
    private let connection: SQLiteConnection
    private var column: Int32 = 0

    init(_ db: Database, _ sql: String) throws {
        guard let connection = unsafe db.sqliteConnection else {
            throw ReadModelError(.database, "the read model is closed")
        }
        var handle: OpaquePointer?
        // Safety: SQLite copies the text.
        let status = unsafe sqlite3_prepare_v3(
            connection, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &handle, nil)
        guard status == SQLITE_OK, let handle = unsafe handle else {
            throw unsafe ReadModelError(.database, "\(String(cString: sqlite3_errmsg(connection))) in \(sql)")
        }
        unsafe self.handle = handle
        unsafe self.connection = connection
    }

    deinit {
        // Safety: this value's own.
        unsafe sqlite3_finalize(handle)
    }

    /// Runs the statement with what was bound and makes it ready for the next row.
    mutating func run() throws {
        _ = try step()
        reset()
    }

    /// Runs the statement with a row's cells. Texts are bound where they lie: the batch outlives the run.
    mutating func run(_ row: RowBatch.Row, of batch: borrowing RowBatch) throws {
        // Safety: the texts stay where they are until the statement is reset, inside this closure.
        try unsafe batch.text.withUnsafeBufferPointer { text in
            for cell in batch.cells[row.cells] {
                column += 1
                switch cell {
                case .null: unsafe sqlite3_bind_null(handle, column)
                case .integer(let value): unsafe sqlite3_bind_int64(handle, column, value)
                case .text(let start, let length):
                    precondition(Int(start) + Int(length) <= text.count)
                    let place = unsafe UnsafeRawPointer(text.baseAddress)?.advanced(by: Int(start))
                    unsafe sqlite3_bind_text64(
                        handle, column, place?.assumingMemoryBound(to: CChar.self) ?? Self.empty,
                        UInt64(length),
                        nil, UInt8(SQLITE_UTF8))
                case .blob(let start, let length):
                    precondition(Int(start) + Int(length) <= text.count)
                    let place = unsafe UnsafeRawPointer(text.baseAddress)?.advanced(by: Int(start))
                    unsafe sqlite3_bind_blob64(handle, column, place, UInt64(length), nil)
                }
            }
            _ = try step()
            reset()
        }
    }

    /// The same with a number as its last parameter.
    ///
    /// - Returns: how many rows it has changed.
    mutating func run(_ row: RowBatch.Row, of batch: borrowing RowBatch, number: Int64) throws -> Int {
        // Safety: the handle is the statement's own, the connection that of the handle.
        let place = unsafe sqlite3_bind_parameter_count(handle)
        unsafe sqlite3_bind_int64(handle, place, number)
        try run(row, of: batch)
        return unsafe Int(sqlite3_changes(connection))
    }

    /// The number of the row that was inserted last.
    // Safety: the connection that the statement was made for.
    var insertedRow: Int64 { unsafe sqlite3_last_insert_rowid(connection) }

    /// True where a row came.
    mutating func step() throws -> Bool {
        switch unsafe sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        default:
            let message = unsafe String(cString: sqlite3_errmsg(connection))
            let isFull = unsafe sqlite3_errcode(connection) == SQLITE_FULL
            reset()
            throw ReadModelError(
                .database,
                "the read model can't be written or read: \(message)"
                    + (isFull ? "; make room on the disk, then start again" : ""))
        }
    }

    mutating func reset() {
        unsafe sqlite3_reset(handle)
        column = 0
    }

    func readInteger(_ column: Int32) -> Int64 {
        unsafe sqlite3_column_int64(handle, column)
    }

    func readBytes(_ column: Int32) -> [UInt8] {
        // Safety: SQLite's buffer is valid until the next step; it is copied here.
        let count = unsafe Int(sqlite3_column_bytes(handle, column))
        guard count > 0, let start = unsafe sqlite3_column_blob(handle, column) else { return [] }
        return unsafe [UInt8](UnsafeRawBufferPointer(start: start, count: count))
    }

    /// The hash of the row's first columns, as `RowBatch.contentHash` makes it.
    func hash(columns: Int) -> RowHash {
        var hash = RowHash()
        for column in 0..<Int32(columns) {
            switch unsafe sqlite3_column_type(handle, column) {
            case SQLITE_NULL: hash.null()
            case SQLITE_INTEGER: hash.integer(readInteger(column))
            default:
                let bytes = readBytes(column)
                // Safety: the array's own bytes, read during the call.
                unsafe bytes.withUnsafeBufferPointer { unsafe hash.text($0) }
            }
        }
        return hash
    }

    // Safety: a text of no bytes still needs an address, or it would be null; never written, never freed.
    private nonisolated(unsafe) static let empty = unsafe UnsafePointer(
        UnsafeMutablePointer<CChar>.allocate(capacity: 1))
}

/// Binding one value after another.
extension Statement {
    // Safety: the handle is the statement's own, and SQLite copies a number.

    mutating func null() {
        column += 1
        unsafe sqlite3_bind_null(handle, column)
    }

    mutating func integer(_ value: Int64) {
        column += 1
        unsafe sqlite3_bind_int64(handle, column, value)
    }

    mutating func integer(orNull value: Int64?) {
        if let value { integer(value) } else { null() }
    }

    mutating func bind(_ bytes: [UInt8]) {
        bind(bytes[...])
    }

    mutating func bind(_ bytes: ArraySlice<UInt8>) {
        column += 1
        // Safety: SQLite copies the bytes.
        unsafe bytes.withUnsafeBytes {
            _ = unsafe sqlite3_bind_text64(
                handle, column, $0.baseAddress?.assumingMemoryBound(to: CChar.self) ?? Self.empty,
                UInt64($0.count),
                unsafeBitCast(-1, to: sqlite3_destructor_type.self), UInt8(SQLITE_UTF8))
        }
    }

    mutating func blob(_ bytes: [UInt8]) {
        column += 1
        // Safety: SQLite copies the bytes.
        unsafe bytes.withUnsafeBytes {
            _ = unsafe sqlite3_bind_blob64(
                handle, column, $0.baseAddress, UInt64($0.count),
                unsafeBitCast(-1, to: sqlite3_destructor_type.self))
        }
    }

    mutating func bind(_ text: String) {
        bind(Array(text.utf8))
    }
}

/// A statement in an array.
final class StatementBox {
    var statement: Statement

    init(_ statement: consuming Statement) {
        self.statement = statement
    }
}
