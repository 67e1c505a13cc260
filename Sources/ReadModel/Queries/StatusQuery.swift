package import Events
internal import GRDB
package import Projections

extension ReadModelSnapshot {
    package static let sourceColumns: [AnswerColumn] = [
        AnswerColumn("source", .text), AnswerColumn("epoch", .time), AnswerColumn("events", .number),
        AnswerColumn("rejected", .number), AnswerColumn("first_seq", .number),
        AnswerColumn("last_seq", .number),
        AnswerColumn("missing", .number), AnswerColumn("first_at", .time), AnswerColumn("last_at", .time),
        AnswerColumn("last_heartbeat_at", .time), AnswerColumn("active", .number),
        AnswerColumn("stopped_at", .time),
    ]

    /// One row an epoch of a source, in the order of (source, epoch).
    package func sourceAccounts() throws -> [AnswerRow] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT source, epoch, events, rejected, first_seq, last_seq,
                    (SELECT coalesce(sum(missing), 0) FROM gaps
                     WHERE gap_source = source AND gap_epoch = epoch) AS missing,
                    first_at, last_at, last_heartbeat_at, active, stopped_at
                FROM sources ORDER BY source, epoch
                """
        ).map { row in
            [AnswerValue(row[0] as String?)] + (1..<row.count).map { AnswerValue(row[$0] as Int64?) }
        }
    }

    package static let gapColumns: [AnswerColumn] = [
        AnswerColumn("position", .number), AnswerColumn("gap_source", .text),
        AnswerColumn("gap_epoch", .time),
        AnswerColumn("from_seq", .number), AnswerColumn("to_seq", .number), AnswerColumn("after", .time),
        AnswerColumn("before", .time), AnswerColumn("time", .time), AnswerColumn("missing", .number),
    ]

    /// The gaps of which numbers are still missing, in the order of the log.
    package func missingNumbers() throws -> [AnswerRow] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT position, gap_source, gap_epoch, from_seq, to_seq, "after", "before", time, missing
                FROM gaps WHERE missing > 0 ORDER BY position
                """
        ).map { row in
            [AnswerValue(row[0] as Int64?), AnswerValue(row[1] as String?)]
                + (2..<row.count).map { AnswerValue(row[$0] as Int64?) }
        }
    }

    /// How many rows a table has.
    package func count(_ table: CountedTable) throws -> Int {
        if table == .openCalls { return Int(try ReadModelDatabase.meta(db, "open_calls")) }
        return try Int.fetchOne(db, sql: "SELECT count(*) FROM \(table.rawValue)") ?? 0
    }

    package enum CountedTable: String, Sendable {
        case records = "cdrs"
        case revisions = "cdr_revisions"
        case openCalls = "open_calls"
        case findings
    }

    /// The text of the last policy that the log states, and from when it is in force; the built-in one, which
    /// always was, where the log states none.
    package var lastPolicy: (text: String, from: Timestamp?) {
        get throws {
            let row = try Row.fetchOne(
                db, sql: "SELECT policy, time FROM policies ORDER BY time DESC, epoch DESC, seq DESC LIMIT 1")
            guard let row else { return (BillingPolicy.builtInText, nil) }
            return (row[0], Timestamp(rawValue: row[1]))
        }
    }

    /// The policy that a call is billed by which ends at this time.
    package func policy(at time: Timestamp) -> BillingPolicy { policies.policy(at: time) }

    /// Whether all calls are billed by one policy, whatever the log says.
    package var isPolicyFixed: Bool { policies.isFixed }
}
