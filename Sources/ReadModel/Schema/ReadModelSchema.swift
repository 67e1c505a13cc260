internal import Projections

/// The tables of the read model, as SQL. `schemas/read-model.sql` is printed from here.
public enum ReadModelSchema {
    /// Raised whenever a table or the meaning of a column changes; a read model of another version is
    /// rebuilt.
    package static let version: Int64 = 8

    static let tables: [String] = [
        """
        -- One row of each kind: how far the log has been projected, and by which settings.
        CREATE TABLE meta (
            name TEXT PRIMARY KEY NOT NULL,
            value NOT NULL
        ) WITHOUT ROWID
        """,
        """
        -- Call detail records, the last revision of each, one row a leg; `id` tells rows apart and nothing else. Times are microseconds since 1970.
        -- The last eight columns are the session timer of a leg, until when it should have ended, and its last proof of
        -- life: where the log has it, and of which type it is (null for leg 0).
        CREATE TABLE \(records)
        """,
        """
        -- Revisions that were superseded: the record as it was, and the log position of the event that changed it.
        CREATE TABLE cdr_revisions (
            callid TEXT NOT NULL,
            from_tag TEXT NOT NULL,
            to_tag TEXT NOT NULL,
            revision INTEGER NOT NULL,
            superseded_by INTEGER NOT NULL,
            withdrawn INTEGER NOT NULL,
            record JSON TEXT NOT NULL,
            id INTEGER PRIMARY KEY
        )
        """,
        """
        -- Calls that are open, as rounds of following the log have left them; what the row with the greatest number
        -- says of a call counts, and in a row what it says last. `calls` has 32 bytes for each: key (16), earliest
        -- deadline of what is open in it (8), how many bytes of `states` its packed facts take (4), 0 if it is open no
        -- more, and the records that it ever had (4). Where the highest bit of the third is set, these are the facts
        -- that were added to those of the row before that speaks of the call.
        CREATE TABLE open_calls (
            round INTEGER PRIMARY KEY NOT NULL,
            calls BLOB NOT NULL,
            states BLOB NOT NULL
        )
        """,
        """
        -- Eight bytes of the key of each call that ever had a record, so that a new call need not be looked for.
        CREATE TABLE call_marks (
            marks BLOB NOT NULL,
            id INTEGER PRIMARY KEY
        )
        """,
        """
        -- Of parts of `cdrs` (65,536 numbers each) before the last: a filter of the calls that have records there, so
        -- that a call that has one need not be looked for in all parts. Words of eight bytes, eight bits a call or more.
        CREATE TABLE call_parts (
            calls BLOB NOT NULL,
            part INTEGER PRIMARY KEY
        )
        """,
        """
        -- What the audit says of settled calls; open ones are judged when asked for.
        CREATE TABLE findings (
            code TEXT NOT NULL,
            severity TEXT NOT NULL,
            callid TEXT NOT NULL,
            from_tag TEXT NOT NULL,
            to_tag TEXT NOT NULL,
            at INTEGER NOT NULL,
            positions JSON TEXT NOT NULL,
            detail JSON TEXT NOT NULL,
            user_agent TEXT NOT NULL,
            id INTEGER PRIMARY KEY
        )
        """,
        """
        -- The findings of settled calls, counted by the caller's user agent and the code; `calls` are those with
        -- at least one of them. The row with an empty code counts the calls with any finding.
        CREATE TABLE finding_sums (
            user_agent TEXT NOT NULL,
            code TEXT NOT NULL,
            severity TEXT NOT NULL,
            findings INTEGER NOT NULL,
            calls INTEGER NOT NULL,
            PRIMARY KEY (user_agent, code)
        ) WITHOUT ROWID
        """,
        statistics("hour", "INTEGER"),
        statistics("source", "TEXT"),
        statistics("user_agent", "TEXT"),
        """
        -- Short numbers of the epochs of sources, as packed facts use them.
        CREATE TABLE source_epochs (
            number INTEGER PRIMARY KEY NOT NULL,
            source TEXT NOT NULL,
            epoch INTEGER NOT NULL
        )
        """,
        """
        -- What came of each epoch of each source: `came` is a list of [first, last] runs of sequence numbers.
        CREATE TABLE sources (
            source TEXT NOT NULL,
            epoch INTEGER NOT NULL,
            events INTEGER NOT NULL,
            rejected INTEGER NOT NULL,
            first_seq INTEGER NOT NULL,
            last_seq INTEGER NOT NULL,
            first_at INTEGER,
            last_at INTEGER,
            last_heartbeat_at INTEGER,
            active INTEGER,
            stopped_at INTEGER,
            came JSON TEXT NOT NULL,
            PRIMARY KEY (source, epoch)
        ) WITHOUT ROWID
        """,
        """
        -- Sequence numbers that did not come; `missing` of them are still missing.
        CREATE TABLE gaps (
            position INTEGER PRIMARY KEY NOT NULL,
            gap_source TEXT NOT NULL,
            gap_epoch INTEGER NOT NULL,
            from_seq INTEGER NOT NULL,
            to_seq INTEGER NOT NULL,
            "after" INTEGER,
            "before" INTEGER,
            time INTEGER NOT NULL,
            missing INTEGER NOT NULL
        )
        """,
        """
        -- Billing policies that the log states, from when each is in force; of those with the same time the
        -- one with the greatest epoch and seq counts.
        CREATE TABLE policies (
            position INTEGER PRIMARY KEY NOT NULL,
            time INTEGER NOT NULL,
            epoch INTEGER NOT NULL,
            seq INTEGER NOT NULL,
            policy TEXT NOT NULL
        )
        """,
        """
        -- The same records under the column names of OpenSIPS' `acc` table.
        CREATE VIEW acc AS SELECT
            rowid AS id,
            'INVITE' AS method,
            from_tag,
            to_tag,
            callid,
            CAST(coalesce(sip_code, '') AS TEXT) AS sip_code,
            coalesce(sip_reason, '') AS sip_reason,
            datetime(coalesce(answered_at, ended_at) / 1000000, 'unixepoch') AS time,
            duration_us / 1000000 AS duration,
            duration_us / 1000 AS ms_duration,
            setup_us / 1000000 AS setuptime,
            datetime(started_at / 1000000, 'unixepoch') AS created
        FROM cdrs
        """,
    ]

    private static let records = """
        cdrs (
        \(columns(CallRecord.columns + LegTimer.columns)),
            id INTEGER PRIMARY KEY
        )
        """

    /// The table of records and its indexes, once more in another database.
    static func recordsTable(in schema: String) -> [String] {
        let create = "CREATE INDEX "
        let own = indexes.filter { $0.hasPrefix(create + "cdrs_") }.map { $0.dropFirst(create.count) }
        return ["CREATE TABLE \(schema).\(records)"] + own.map { create + schema + "." + $0 }
    }

    /// How many rows of a table at most stand side by side in those of its indexes that begin with a part of
    /// the table, as a power of two. Fewer where a part was begun before the last one was full.
    ///
    /// Call-IDs come in no order. In an index that begins with them each new row would change a page of its
    /// own, and a whole page would be written for a hundred bytes, all the more the larger the
    /// table is. Of an index that begins with a part only the pages of the last part change.
    static let partBits: Int64 = 16

    private static let part = "id >> \(partBits)"

    /// The indexes of `cdrs` take the rows of a new part at their end, and none is unique: so SQLite can move
    /// many rows at once as they lie (see `StagedRecords`). That no two records have the same key is for the
    /// folds to see to; `rebuild --check` would tell.
    static let indexes: [String] = [
        "CREATE INDEX cdrs_by_call ON cdrs (\(part), callid, from_tag, to_tag)",
        "CREATE INDEX cdrs_by_start ON cdrs (\(part), started_at)",
        "CREATE INDEX cdrs_hung ON cdrs (hung) WHERE hung = 1",
        "CREATE INDEX cdr_revisions_by_call ON cdr_revisions (\(part), callid, from_tag, to_tag, revision)",
        "CREATE INDEX findings_by_call ON findings (\(part), callid, from_tag)",
        "CREATE INDEX findings_by_time ON findings (at)",
    ]

    /// What SQLite is to think of the indexes that begin with a part: that it is worth while to look into
    /// each part for a Call-ID or a time ("skip-scan" in SQLite's documentation of its query planner).
    static let estimates: [String] = [
        """
        -- What SQLite is to think of the indexes that begin with a part of their table: that it is worth while to look
        -- into each part for a Call-ID or a time. An ANALYZE of your own would say something else.
        ANALYZE
        """,
        """
        INSERT INTO sqlite_stat1 VALUES
            ('cdrs', 'cdrs_by_call', '1000000 65536 1 1 1'),
            ('cdrs', 'cdrs_by_start', '1000000 65536 1'),
            ('cdr_revisions', 'cdr_revisions_by_call', '1000000 65536 1 1 1 1'),
            ('findings', 'findings_by_call', '1000000 65536 2 2')
        """,
        "ANALYZE sqlite_schema",
    ]

    /// The whole schema as `schemas/read-model.sql` shows it.
    public static var sql: String {
        """
        -- The read model of Tollbook, version \(version): everything that is computed from the log.
        -- Printed by `tollbook schema read-model`; don't edit it here.

        \((tables + indexes + estimates).joined(separator: ";\n\n"));

        """
    }

    /// The tables whose rows two read models are compared by, with what orders them.
    static let comparedTables: [(name: String, order: String)] = [
        ("cdrs", "callid, from_tag, to_tag"),
        ("cdr_revisions", "callid, from_tag, to_tag, revision, withdrawn"),
        ("findings", "callid, from_tag, to_tag, at, code, positions"),
        ("finding_sums", "user_agent, code"),
        ("statistics_hour", "hour"), ("statistics_source", "source"), ("statistics_user_agent", "user_agent"),
        ("source_epochs", "number"), ("sources", "source, epoch"), ("gaps", "position"),
        ("policies", "position"), ("meta", "name"),
    ]

    private static func statistics(_ bucket: String, _ type: String) -> String {
        let counters = TimerStatistics.Counter.allCases.map { "    \($0.name) INTEGER NOT NULL" }
        return """
            -- Session-timer statistics of settled calls; open ones are counted when asked for.
            CREATE TABLE statistics_\(bucket) (
                \(bucket) \(type) PRIMARY KEY NOT NULL,
            \(counters.joined(separator: ",\n"))
            ) WITHOUT ROWID
            """
    }

    private static func columns(_ columns: [RecordColumn]) -> String {
        columns.map { "    \($0.name) \($0.kind.rawValue)\($0.mayBeNull ? "" : " NOT NULL")" }
            .joined(separator: ",\n")
    }
}
