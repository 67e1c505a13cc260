internal import GRDB
internal import GRDBSQLite
internal import Glibc
internal import Projections

/// The rows of a query by the C interface, whose values can be compared in place.
@safe
struct RowReading: ~Copyable {
    // Safety: prepared in init, finalised in deinit; used inside one read of its connection.
    private let handle: OpaquePointer
    private let connection: SQLiteConnection
    private let columnCount: Int32

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
        columnCount = unsafe sqlite3_column_count(handle)
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

    /// A hash of all columns, of which there are 64 at most; of their types as well.
    func hash() -> RowHash {
        var hash = RowHash()
        /// A bit for each column that is neither null nor a whole number nor a text.
        var others: Int64 = 0
        for column in 0..<columnCount {
            switch unsafe sqlite3_column_type(handle, column) {
            case SQLITE_NULL: hash.null()
            case SQLITE_INTEGER: hash.integer(unsafe sqlite3_column_int64(handle, column))
            case let type:
                unsafe bytes(Int(column)) { unsafe hash.text($0.bindMemory(to: UInt8.self)) }
                if type != SQLITE_TEXT { others |= 1 << Int64(column) }
            }
        }
        hash.integer(others)
        return hash
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
