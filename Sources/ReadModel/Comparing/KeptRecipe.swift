internal import Foundation
internal import GRDBSQLite
internal import Projections

extension Rebuild.Recipe {
    /// What the read model of a file was made by, found out without a trace: no byte of the file changes, and
    /// nothing is put beside it, whoever writes it meanwhile and whoever has crashed over it. A read model of
    /// another version is read too.
    ///
    /// - Throws: where the file is no read model.
    package init(keptIn path: String) throws {
        let meta = try MetaReading(path).values
        func number(_ name: String, _ standard: Int64) -> Int64 {
            meta[name].flatMap { Int64($0) } ?? standard
        }
        let standard = Settings()
        self.init(
            settings: Settings(
                lifetimeSeconds: number("lifetime_seconds", standard.lifetimeSeconds),
                unansweredSeconds: number("unanswered_seconds", standard.unansweredSeconds),
                graceSeconds: number("grace_seconds", standard.graceSeconds),
                toleranceSeconds: number("tolerance_seconds", standard.toleranceSeconds)),
            fixedPolicy: meta["fixed_policy"])
    }
}

/// The table `meta` of a read model, by a connection that only looks.
private struct MetaReading {
    private(set) var values: [String: String] = [:]

    init(_ path: String) throws {
        var connection: OpaquePointer?
        // Safety: the connection is opened and closed here, and used on this thread alone.
        let status = unsafe sqlite3_open_v2(
            Self.address(path), &connection, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, nil)
        defer { unsafe sqlite3_close(connection) }
        guard status == SQLITE_OK, let connection = unsafe connection else {
            throw ReadModelError(
                .database, "\(path) can't be opened: check that it is there and may be read by this user")
        }
        unsafe sqlite3_busy_timeout(connection, 5_000)
        var statement: OpaquePointer?
        // Safety: SQLite copies the text; the statement is finalised before its connection is closed.
        let prepared = unsafe sqlite3_prepare_v2(
            connection, "SELECT name, value FROM meta", -1, &statement, nil)
        defer { unsafe sqlite3_finalize(statement) }
        guard prepared == SQLITE_OK else { throw unsafe Self.failure(connection, path) }
        while true {
            let step = unsafe sqlite3_step(statement)
            if step == SQLITE_DONE { break }
            guard step == SQLITE_ROW, let name = unsafe sqlite3_column_text(statement, 0) else {
                throw unsafe Self.failure(connection, path)
            }
            // Safety: SQLite's texts are valid until the next step; they are copied here.
            if let value = unsafe sqlite3_column_text(statement, 1) {
                unsafe values[String(cString: name)] = String(cString: value)
            }
        }
    }

    /// Without a journal beside it the file is whole, and nobody writes it: SQLite need not lock it. With one
    /// the index to it is read as it is, or made in memory where it is not to be trusted.
    private static func address(_ path: String) -> String {
        let plain = CharacterSet(charactersIn: "/-._~").union(.alphanumerics)
        let escaped = path.addingPercentEncoding(withAllowedCharacters: plain) ?? path
        let isWhole = !FileManager.default.fileExists(atPath: path + "-wal")
        return "file:\(escaped)?" + (isWhole ? "immutable=1" : "readonly_shm=1")
    }

    private static func failure(_ connection: OpaquePointer, _ path: String) -> ReadModelError {
        // Safety: the text is copied at once.
        let message = unsafe String(cString: sqlite3_errmsg(connection))
        return ReadModelError(
            .database,
            "\(path) can't be read as a read model: \(message). `tollbook rebuild` makes it anew from the log"
        )
    }
}
