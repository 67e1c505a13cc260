package import EventLog
package import Events
internal import Foundation
internal import GRDB
internal import Projections

/// One revision of a record: what it says, what had changed, and what changed it.
package struct RecordRevision: Sendable {
    package enum Kind: String, Sendable, CaseIterable {
        /// The first one; nothing was changed by it.
        case first
        case correction
        /// The record was taken back: this revision says nothing.
        case withdrawal
        /// The record is there again after a withdrawal.
        case restored = "return"
    }

    package struct Change: Hashable, Sendable {
        package let field: String
        /// JSON.
        package let old: String
        package let new: String
    }

    package let callID: String
    package let fromTag: String
    package let toTag: String
    package let revision: Int64
    package let kind: Kind
    /// Where the log has what made this revision of the one before; null for the first.
    package internal(set) var madeBy: Position?
    /// Where the log has what made the next revision of this one; null for the one that stands.
    package internal(set) var supersededBy: Position?
    /// Whether the next revision is a withdrawal.
    package let isWithdrawn: Bool
    /// A JSON object; null for a withdrawal.
    package let record: String?
    /// Against the last revision that says something, in the order of the fields.
    package let changes: [Change]

    /// What the read model knows; who asks the log adds who stated the event and when.
    package static let columns: [AnswerColumn] = [
        AnswerColumn("callid", .text), AnswerColumn("from_tag", .text), AnswerColumn("to_tag", .text),
        AnswerColumn("revision", .number), AnswerColumn("superseded_by", .number),
        AnswerColumn("withdrawn", .flag), AnswerColumn("record", .structure),
        AnswerColumn("revision_kind", .text),
        AnswerColumn("made_by", .number), AnswerColumn("changes", .structure),
    ]

    package var answer: AnswerRow {
        let changes = changes.map { #"{"field":"\#($0.field)","old":\#($0.old),"new":\#($0.new)}"# }
        return [
            .text(callID), .text(fromTag), .text(toTag), .integer(revision),
            AnswerValue(supersededBy.map { Int64($0.rawValue) }), .flag(isWithdrawn),
            record.map { .json($0) } ?? .null, .text(kind.rawValue),
            AnswerValue(madeBy.map { Int64($0.rawValue) }), .json("[\(changes.joined(separator: ","))]"),
        ]
    }
}

extension ReadModelSnapshot {
    /// Every revision of each record of which any revision is asked for, oldest first, records in the order
    /// of (callid, from_tag, to_tag).
    package func revisions(
        _ filter: CallRecordFilter, log: LogDirectory, _ body: (RecordRevision) throws -> Void
    ) throws {
        let query = Self.revisionsQuery(filter)
        let rows = try Row.fetchCursor(db, sql: query.sql, arguments: query.arguments)
        var held: [StoredRevision] = []
        while let row = try rows.next() {
            let stored = StoredRevision(
                key: [row.text(0) ?? "", row.text(1) ?? "", row.text(2) ?? ""], revision: row[3],
                supersededBy: (row[4] as Int64?).map { Position(rawValue: UInt64($0)) },
                isWithdrawn: (row[5] as Int64) != 0, record: row.text(6) ?? "{}")
            if let last = held.last, !last.isOfRecord(of: stored) {
                for revision in try told(held, log) { try body(revision) }
                held.removeAll(keepingCapacity: true)
            }
            held.append(stored)
        }
        for revision in try told(held, log) { try body(revision) }
    }

    /// A row that the read model keeps of a revision.
    private struct StoredRevision {
        let key: [String]
        let revision: Int64
        let supersededBy: Position?
        let isWithdrawn: Bool
        let record: String

        func isOfRecord(of other: StoredRevision) -> Bool {
            zip(key, other.key).allSatisfy { $0.utf8.elementsEqual($1.utf8) }
        }
    }

    /// The revisions of one record, with withdrawals, which have no row of their own.
    private func told(_ rows: [StoredRevision], _ log: LogDirectory) throws -> [RecordRevision] {
        var told: [RecordRevision] = []
        for (place, row) in rows.enumerated() {
            let before = place > 0 ? rows[place - 1] : nil
            let isBack = before?.isWithdrawn == true
            var madeBy = before?.supersededBy
            if isBack, let withdrawal = madeBy {
                madeBy = try returned(row.key, after: withdrawal, log)
                told[told.count - 1].supersededBy = madeBy
            }
            told.append(
                RecordRevision(
                    callID: row.key[0], fromTag: row.key[1], toTag: row.key[2], revision: row.revision,
                    kind: before == nil ? .first : isBack ? .restored : .correction, madeBy: madeBy,
                    supersededBy: row.supersededBy, isWithdrawn: row.isWithdrawn, record: row.record,
                    changes: before.map { Self.changes(from: $0.record, to: row.record) } ?? []))
            if row.isWithdrawn {
                told.append(
                    RecordRevision(
                        callID: row.key[0], fromTag: row.key[1], toTag: row.key[2],
                        revision: row.revision + 1, kind: .withdrawal, madeBy: row.supersededBy,
                        supersededBy: nil, isWithdrawn: false, record: nil, changes: []))
            }
        }
        return told
    }

    private static func changes(from old: String, to new: String) -> [RecordRevision.Change] {
        zip(JSONMembers.of(old), JSONMembers.of(new)).compactMap { before, now in
            before.value.utf8.elementsEqual(now.value.utf8)
                ? nil : RecordRevision.Change(field: now.name, old: before.value, new: now.value)
        }
    }

    /// The event that brought a record back which had been withdrawn: the first one with which the events
    /// that had come make it again.
    private func returned(_ key: [String], after withdrawal: Position, _ log: LogDirectory) throws
        -> Position?
    {
        let positions = try positions(callID: key[0], fromTag: key[1])
        let events = CallEvents(log: log, sources: sources)
        var fold = CallFold(settings: settings)
        for (place, position) in positions.enumerated() where position > withdrawal {
            fold.fold(try events.state(at: Array(positions[...place])), sources: sources)
            let isLeg = fold.legs.contains { leg in
                leg.end != nil && fold.bytes[fold.toTag(leg).range].elementsEqual(key[2].utf8)
            }
            if isLeg || (key[2].isEmpty && fold.end != nil) { return position }
        }
        return nil
    }

    /// Where the log has the events of a call, sorted; empty for a call that is not known.
    func positions(callID: String, fromTag: String) throws -> [Position] {
        var found: Set<UInt64> = []
        let arguments: StatementArguments = [callID, fromTag]
        let key = CallKey(callID: Array(callID.utf8), fromTag: Array(fromTag.utf8), seed: keySeed)
        try OpenCallIndex(db, only: [key]).forEachState(db) { _, state in
            var fold = CallFold(settings: settings)
            fold.fold(state, sources: sources)
            for fact in fold.facts { found.insert(fact.position.rawValue) }
        }
        let rows = try Row.fetchCursor(
            db, sql: "SELECT positions FROM cdrs WHERE callid = ? AND from_tag = ?", arguments: arguments)
        while let row = try rows.next() {
            let list: Data = row[0]
            found.formUnion(PositionList.parse(Array(list)))
        }
        return found.sorted().map { Position(rawValue: $0) }
    }

    /// A record that was withdrawn is not among those that stand, and one that stands may have been asked for
    /// by what it used to say: the records are found first, by any of their revisions.
    static func revisionsQuery(_ filter: CallRecordFilter) -> (sql: String, arguments: StatementArguments) {
        let members = CallRecord.columns.prefix(CallRecord.revisedColumnCount).map { column in
            column.kind == .json
                ? "'\(column.name)', json(\(column.name))" : "'\(column.name)', \(column.name)"
        }.joined(separator: ", ")
        let old =
            "SELECT callid, from_tag, to_tag, revision, superseded_by, withdrawn, record FROM cdr_revisions"
        let standing =
            "SELECT callid, from_tag, to_tag, revision, NULL, 0, json_object(\(members)) FROM cdrs"
        let order = "ORDER BY 1, 2, 3, 4"
        let condition = filter.condition
        guard !condition.sql.isEmpty else {
            return ("\(old) UNION ALL \(standing) \(order)", StatementArguments())
        }
        let asked = ["started_at", "from_uri", "to_uri", "disposition", "termination", "user_agent"].map {
            "record ->> '\($0)' AS \($0)"
        }.joined(separator: ", ")
        let known = "(callid, from_tag, to_tag) IN (SELECT callid, from_tag, to_tag FROM asked)"
        return (
            """
            WITH asked AS (
                SELECT callid, from_tag, to_tag FROM cdrs\(condition.sql)
                UNION
                SELECT callid, from_tag, to_tag FROM (
                    SELECT callid, from_tag, to_tag, \(asked), record -> 'sources' AS sources FROM cdr_revisions)
                \(condition.sql))
            \(old) WHERE \(known) UNION ALL \(standing) WHERE \(known) \(order)
            """, condition.arguments + condition.arguments
        )
    }
}
