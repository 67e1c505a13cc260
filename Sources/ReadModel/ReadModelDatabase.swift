internal import CSQLite
package import EventLog
internal import Events
internal import Foundation
package import GRDB
internal import GRDBSQLite
package import Projections

/// The read model's file: opened by one writer, and by any number of readers, each of which sees one moment.
package final class ReadModelDatabase: Sendable {
    package let path: String
    let use: Use
    let pool: any DatabaseWriter

    /// The file's name within a data directory.
    package static let fileName = "read-model.sqlite"
    /// Everything that the read model may leave beside the log.
    package static let fileNames: Set<String> = Set(
        [fileName, fileName + ".new", fileName + ".check"].flatMap {
            [$0] + companions($0)
        })

    /// What may stand beside a read model's file: SQLite's own, and the sorted keys of one that is being
    /// filled.
    static func companions(_ path: String) -> [String] {
        ["-wal", "-shm", "-journal", "-runs"].map { path + $0 }
    }

    package enum Use: Sendable {
        /// Kept up to date while others read.
        case live
        /// Filled once, by one process, then swapped in: no journal.
        case rebuild
    }

    /// Opens a read model for writing, or makes one.
    package init(path: String, logID: LogID, use: Use) throws {
        self.path = path
        self.use = use
        var configuration = Configuration()
        configuration.label = "tollbook read model"
        configuration.prepareDatabase { db in
            // Counts for a file that has nothing yet.
            try db.execute(sql: "PRAGMA page_size = \(PageBuilder.bytes)")
            switch use {
            case .live:
                try db.execute(sql: "PRAGMA synchronous = NORMAL")
                // Where nobody looks after it (see `Checkpointing`).
                try db.execute(
                    sql: "PRAGMA wal_autocheckpoint = \(ReadModelLimits.checkpointPagesUnattended)")
            case .rebuild:
                try db.execute(sql: "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF")
                try db.execute(sql: "PRAGMA locking_mode = EXCLUSIVE")
            }
            try db.execute(sql: "PRAGMA cache_size = -\(ReadModelLimits.cacheBytes >> 10)")
            // Some builds of SQLite overwrite what is deleted: each row of `open_calls` that goes would be
            // written once more. It would hide nothing: the log keeps every event.
            try db.execute(sql: "PRAGMA secure_delete = OFF")
        }
        do {
            switch use {
            case .live: pool = try DatabasePool(path: path, configuration: configuration)
            case .rebuild: pool = try DatabaseQueue(path: path, configuration: configuration)
            }
            try pool.write { db in
                if try db.tableExists("meta") {
                    try Self.check(db, path: path, logID: logID)
                } else {
                    try Self.make(db, logID: logID)
                }
            }
        } catch let error as DatabaseError {
            throw Self.explained(error, path: path)
        }
    }

    /// Has SQLite do without an account of its memory in this process, which makes it faster. To be called
    /// before anything else of SQLite's, and before there are other threads.
    ///
    /// - Returns: false where it has been used before: then nothing has changed.
    @discardableResult
    package static func useNoMemoryAccount() -> Bool {
        tollbook_sqlite_keep_no_memory_account() == SQLITE_OK
    }

    package func write<Value>(_ body: (Database) throws -> Value) throws -> Value {
        do {
            return try pool.writeWithoutTransaction { db in try body(db) }
        } catch let error as DatabaseError {
            throw Self.explained(error, path: path)
        }
    }

    /// Ends every connection; what was committed is in the one file afterwards.
    package func close() throws {
        do {
            try pool.close()
        } catch let error as DatabaseError {
            throw Self.explained(error, path: path)
        }
    }

    static func explained(_ error: DatabaseError, path: String) -> ReadModelError {
        let advice =
            switch error.resultCode {
            case .SQLITE_FULL: "the disk is full: make room, then start again"
            case .SQLITE_CORRUPT, .SQLITE_NOTADB:
                "the file is damaged: `tollbook rebuild` makes it anew from the log"
            case .SQLITE_CANTOPEN, .SQLITE_READONLY, .SQLITE_PERM:
                "check that the file may be written by this user"
            case .SQLITE_BUSY, .SQLITE_LOCKED: "another process is writing it"
            default: "`tollbook rebuild` makes it anew from the log if this goes on"
            }
        return ReadModelError(
            .database, "\(path): \(error.message ?? "SQLite error \(error.resultCode)"); \(advice)")
    }

    private static func make(_ db: Database, logID: LogID) throws {
        for statement in ReadModelSchema.tables + ReadModelSchema.indexes + ReadModelSchema.estimates {
            try db.execute(sql: statement)
        }
        try db.execute(
            sql:
                "INSERT INTO meta VALUES ('schema_version', ?), ('log', ?), ('next_position', 1), ('as_of', 0), "
                + "('longest_call_us', 0), ('open_calls', 0)",
            arguments: [ReadModelSchema.version, logID.description])
        try write(Settings(), db)
    }

    private static func check(_ db: Database, path: String, logID: LogID) throws {
        let version = try Int64.fetchOne(db, sql: "SELECT value FROM meta WHERE name = 'schema_version'")
        guard version == ReadModelSchema.version else {
            throw ReadModelError(
                .foreign,
                "\(path) is a read model of version \(version ?? 0), this program writes version "
                    + "\(ReadModelSchema.version): run `tollbook rebuild`")
        }
        let log = try String.fetchOne(db, sql: "SELECT value FROM meta WHERE name = 'log'")
        guard log == logID.description else {
            throw ReadModelError(
                .foreign, "\(path) was made from another log (\(log ?? "?")): run `tollbook rebuild`")
        }
    }
}

extension ReadModelDatabase {
    /// What a projector goes on from.
    struct Start {
        var next = Position.first
        var asOf = Timestamp(rawValue: 0)
        var sources: [SourceEpoch] = []
        var completeness = Completeness()
        var policies = PolicyHistory()
        var settings = Settings()
        /// The number of the next row of `open_calls`.
        var openCallsRow: Int64 = 1
        /// The last row of `call_marks`; 0 where there is none.
        var marks: (row: Int64, bytes: [UInt8]) = (0, [])
    }

    func loadStart(log: LogDirectory) throws -> Start {
        try write { db in
            var start = Start()
            start.next = Position(rawValue: UInt64(try Self.meta(db, "next_position")))
            guard start.next <= log.durable.next else {
                throw ReadModelError(
                    .inconsistent,
                    "\(path) has seen more than the log holds (position \(start.next) of \(log.durable.next)): "
                        + "the log was replaced or cut; run `tollbook rebuild`")
            }
            start.asOf = Timestamp(rawValue: try Self.meta(db, "as_of"))
            start.sources = try Self.sourceEpochs(db)
            try Self.loadCompleteness(db, start.sources, into: &start.completeness)
            start.policies = try Self.policies(db)
            start.settings = try Self.settings(db)
            let row = try Int64.fetchOne(db, sql: "SELECT max(round) FROM open_calls")
            start.openCallsRow = (row ?? 0) + 1
            if let last = try Row.fetchOne(
                db, sql: "SELECT id, marks FROM call_marks ORDER BY id DESC LIMIT 1")
            {
                start.marks = (last[0], [UInt8](last[1] as Data))
            }
            return start
        }
    }

    static func meta(_ db: Database, _ name: String) throws -> Int64 {
        guard
            let value = try Int64.fetchOne(
                db, sql: "SELECT value FROM meta WHERE name = ?", arguments: [name])
        else {
            throw ReadModelError(.inconsistent, "the read model lacks “\(name)”: run `tollbook rebuild`")
        }
        return value
    }

    /// The settings that the read model's records are made by; the defaults until others were used.
    static func settings(_ db: Database) throws -> Settings {
        func value(_ name: String, _ standard: Int64) throws -> Int64 {
            try Int64.fetchOne(db, sql: "SELECT value FROM meta WHERE name = ?", arguments: [name])
                ?? standard
        }
        let standard = Settings()
        return Settings(
            lifetimeSeconds: try value("lifetime_seconds", standard.lifetimeSeconds),
            unansweredSeconds: try value("unanswered_seconds", standard.unansweredSeconds),
            graceSeconds: try value("grace_seconds", standard.graceSeconds),
            toleranceSeconds: try value("tolerance_seconds", standard.toleranceSeconds))
    }

    /// Makes these the settings of a read model.
    ///
    /// - Throws: where records have been made by others already.
    package func use(_ settings: Settings) throws {
        try write { db in
            let isFresh = try Self.meta(db, "next_position") == 1
            guard try isFresh || Self.settings(db) == settings else {
                throw ReadModelError(
                    .configuration,
                    "the read model was made with other settings (lifetime, unanswered, grace or tolerance): "
                        + "run `tollbook rebuild` with the new ones, or go back to the old")
            }
            try Self.write(settings, db)
        }
    }

    private static func write(_ settings: Settings, _ db: Database) throws {
        try db.execute(
            sql: """
                INSERT OR REPLACE INTO meta VALUES ('lifetime_seconds', ?), ('unanswered_seconds', ?),
                    ('grace_seconds', ?), ('tolerance_seconds', ?)
                """,
            arguments: [
                settings.lifetimeSeconds, settings.unansweredSeconds, settings.graceSeconds,
                settings.toleranceSeconds,
            ])
    }

    /// Bills every call by one policy, whatever the log says; only a fresh read model can be made so.
    package func fix(policy: String) throws {
        try write { db in
            try db.execute(sql: "INSERT OR REPLACE INTO meta VALUES ('fixed_policy', ?)", arguments: [policy])
        }
    }

    static func sourceEpochs(_ db: Database) throws -> [SourceEpoch] {
        try Row.fetchAll(db, sql: "SELECT source, epoch FROM source_epochs ORDER BY number").map {
            try sourceEpoch($0["source"], $0["epoch"])
        }
    }

    static func policies(_ db: Database) throws -> PolicyHistory {
        if let fixed = try String.fetchOne(db, sql: "SELECT value FROM meta WHERE name = 'fixed_policy'") {
            return PolicyHistory(
                initial: try PolicyFile.parse(Array(fixed.utf8), path: "the read model's policy"),
                isFixed: true)
        }
        var policies = PolicyHistory()
        for row in try Row.fetchAll(db, sql: "SELECT time, epoch, seq, policy FROM policies") {
            let text: String = row["policy"]
            let entry = PolicyHistory.Entry(
                time: Timestamp(rawValue: row["time"]), epoch: Epoch(rawValue: row["epoch"]),
                seq: SequenceNumber(rawValue: row["seq"]))
            policies.insert(try PolicyFile.parse(Array(text.utf8), path: "the log's ledger.policy"), entry)
        }
        return policies
    }

    static func openGaps(_ db: Database) throws -> OpenGaps {
        var gaps = OpenGaps()
        for row in try Row.fetchAll(db, sql: "SELECT * FROM gaps WHERE missing > 0 ORDER BY position") {
            gaps.insert(try gap(row))
        }
        return gaps
    }

    /// Hands over each call that was kept as open, with the records that it ever had.
    func forEachOpenCall(_ body: (CallKey, EarlierCall) throws -> Void) throws {
        try write { db in try OpenCallIndex(db).forEachCall(db, body) }
    }

    /// Hands over the marks of calls that have a record, row by row.
    func forEachMarks(_ body: ([UInt64]) throws -> Void) throws {
        try write { db in
            var find = try Statement(db, "SELECT marks FROM call_marks")
            while try find.step() { try body(CallMarks.marks(find.readBytes(0))) }
        }
    }

    private static func loadCompleteness(
        _ db: Database, _ sources: [SourceEpoch], into completeness: inout Completeness
    ) throws {
        var numbers: [SourceEpoch: UInt32] = [:]
        for (number, source) in sources.enumerated() { numbers[source] = UInt32(number) }
        for row in try Row.fetchAll(db, sql: "SELECT * FROM sources") {
            var account = Completeness.Account()
            account.events = row["events"]
            account.rejected = row["rejected"]
            account.firstAt = (row["first_at"] as Int64?).map { Timestamp(rawValue: $0) }
            account.lastAt = (row["last_at"] as Int64?).map { Timestamp(rawValue: $0) }
            account.lastHeartbeatAt = (row["last_heartbeat_at"] as Int64?).map { Timestamp(rawValue: $0) }
            account.active = row["active"]
            account.stoppedAt = (row["stopped_at"] as Int64?).map { Timestamp(rawValue: $0) }
            account.came = RunList.set(row["came"])
            guard let number = numbers[try sourceEpoch(row["source"], row["epoch"])] else { continue }
            completeness.restore(account, of: number)
        }
        for row in try Row.fetchAll(db, sql: "SELECT * FROM gaps WHERE missing > 0 ORDER BY position") {
            completeness.restore(try gap(row))
        }
    }

    private static func gap(_ row: Row) throws -> Gap {
        Gap(
            sourceEpoch: try sourceEpoch(row["gap_source"], row["gap_epoch"]),
            numbers: (row["from_seq"] as Int64)...(row["to_seq"] as Int64),
            after: (row["after"] as Int64?).map { Timestamp(rawValue: $0) },
            before: (row["before"] as Int64?).map { Timestamp(rawValue: $0) },
            time: Timestamp(rawValue: row["time"]),
            position: Position(rawValue: UInt64(row["position"] as Int64)))
    }

    private static func sourceEpoch(_ source: String, _ epoch: Int64) throws -> SourceEpoch {
        guard let name = SourceName(source) else {
            throw ReadModelError(
                .inconsistent, "the read model names a source “\(source)”: run `tollbook rebuild`")
        }
        return SourceEpoch(source: name, epoch: Epoch(rawValue: epoch))
    }
}
