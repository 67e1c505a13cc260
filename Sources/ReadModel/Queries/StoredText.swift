internal import GRDB
internal import GRDBSQLite

/// A text as the read model holds it, with all its bytes: a Call-ID may hold a NUL, behind which GRDB's own
/// `String` ends.
///
/// Only for rows of a cursor: GRDB copies the rows of `fetchAll` as `String`.
struct StoredText: DatabaseValueConvertible, StatementColumnConvertible {
    let string: String

    init(_ string: String) {
        self.string = string
    }

    @unsafe
    init(sqliteStatement: SQLiteStatement, index: CInt) {
        // Safety: SQLite's buffer is valid until the next step; it is copied here.
        let start = unsafe sqlite3_column_blob(sqliteStatement, index)
        let count = unsafe Int(sqlite3_column_bytes(sqliteStatement, index))
        string = unsafe String(decoding: UnsafeRawBufferPointer(start: start, count: count), as: UTF8.self)
    }

    var databaseValue: DatabaseValue { string.databaseValue }

    static func fromDatabaseValue(_ value: DatabaseValue) -> StoredText? {
        String.fromDatabaseValue(value).map { StoredText($0) }
    }
}

extension Row {
    /// The text of a column; null where it is null.
    func text(_ index: Int) -> String? { (self[index] as StoredText?)?.string }
}
