internal import Events
internal import GRDB
internal import GRDBSQLite
internal import Projections

/// A prepared statement of the C interface, for bulk writing. It belongs to one connection and ends before it.
///
/// Texts are laid into an arena of the statement's own and bound from there, so that a row costs no allocation.
@safe
struct Statement: ~Copyable {
    // Safety: prepared in init, finalised in deinit; used only inside a write on the connection's own queue.
    private let handle: OpaquePointer
    private let connection: SQLiteConnection
    private let arena: UnsafeMutablePointer<UInt8>
    private var arenaCount = 0
    private var column: Int32 = 0

    private static let arenaBytes = 64 * 1024

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
        unsafe arena = .allocate(capacity: Self.arenaBytes)
    }

    deinit {
        // Safety: both are this value's own.
        unsafe sqlite3_finalize(handle)
        unsafe arena.deallocate()
    }

    /// Runs the statement with what was bound and makes it ready for the next row.
    mutating func run() throws {
        _ = try step()
        reset()
    }

    /// True where a row came.
    mutating func step() throws -> Bool {
        switch unsafe sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        default:
            let message = unsafe String(cString: sqlite3_errmsg(connection))
            reset()
            throw ReadModelError(.database, "the read model can't be written or read: \(message)")
        }
    }

    mutating func reset() {
        unsafe sqlite3_reset(handle)
        arenaCount = 0
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

    mutating func blob(_ bytes: [UInt8]) {
        column += 1
        if bytes.isEmpty {
            unsafe sqlite3_bind_zeroblob(handle, column, 0)
            return
        }
        // Safety: SQLite copies the bytes.
        unsafe bytes.withUnsafeBytes {
            _ = unsafe sqlite3_bind_blob64(
                handle, column, $0.baseAddress, UInt64($0.count), unsafeBitCast(-1, to: sqlite3_destructor_type.self))
        }
    }

    private mutating func bindText(_ bytes: UnsafeBufferPointer<UInt8>) {
        column += 1
        guard bytes.count <= Self.arenaBytes - arenaCount else {
            // Safety: too long for the arena; SQLite copies it.
            _ = unsafe sqlite3_bind_text64(
                handle, column, UnsafeRawPointer(bytes.baseAddress)?.assumingMemoryBound(to: CChar.self),
                UInt64(bytes.count), unsafeBitCast(-1, to: sqlite3_destructor_type.self), UInt8(SQLITE_UTF8))
            return
        }
        let place = unsafe arena + arenaCount
        if let start = bytes.baseAddress { unsafe place.update(from: start, count: bytes.count) }
        arenaCount += bytes.count
        // Safety: the arena stays as it is until the statement is reset.
        _ = unsafe sqlite3_bind_text64(
            handle, column, UnsafeRawPointer(place).assumingMemoryBound(to: CChar.self), UInt64(bytes.count), nil,
            UInt8(SQLITE_UTF8))
    }
}

extension Statement: RowSink {
    mutating func null() {
        column += 1
        unsafe sqlite3_bind_null(handle, column)
    }

    mutating func integer(_ value: Int64) {
        column += 1
        unsafe sqlite3_bind_int64(handle, column, value)
    }

    mutating func text(_ bytes: ArraySlice<UInt8>) {
        // Safety: read during the call only.
        unsafe bytes.withUnsafeBufferPointer { unsafe bindText($0) }
    }

    mutating func word(_ value: String) {
        var value = value
        // Safety: read during the call only.
        value.withUTF8 { unsafe bindText($0) }
    }

    mutating func json(_ bytes: ArraySlice<UInt8>) {
        text(bytes)
    }

    mutating func integer(orNull value: Int64?) {
        if let value { integer(value) } else { null() }
    }

    mutating func bytes(_ bytes: [UInt8]) {
        text(bytes[...])
    }
}
