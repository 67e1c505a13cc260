package import EventLog
package import Events
internal import GRDB
package import Projections

/// What another policy would change, call by call and in sums.
///
/// The log is the authority: its events are folded anew into a file that exists for as long as it is open and
/// that has no name, outside the data directory. Each record of it is held against what the other policy
/// makes of it, so that both sides are of the same position whatever the read model in use has seen.
package struct PolicyDifference {
    /// What all records of a kind come to.
    package struct Sum: Hashable, Sendable {
        package private(set) var records: Int64 = 0
        /// Records that are billed another time, or on another's word.
        package private(set) var changed: Int64 = 0
        package private(set) var oldMilliseconds: Int64 = 0
        package private(set) var newMilliseconds: Int64 = 0
        /// Held by the other policy and not now, and the other way round.
        package private(set) var held: Int64 = 0
        package private(set) var released: Int64 = 0

        package var difference: Int64 { newMilliseconds.subtractingClamped(oldMilliseconds) }

        mutating func add(_ old: Bill, _ new: Bill) {
            records += 1
            if old != new { changed += 1 }
            // What is held is not billed.
            oldMilliseconds = oldMilliseconds.addingClamped(old.milliseconds ?? 0)
            newMilliseconds = newMilliseconds.addingClamped(new.milliseconds ?? 0)
            if old.milliseconds != nil, new.milliseconds == nil { held += 1 }
            if old.milliseconds == nil, new.milliseconds != nil { released += 1 }
        }
    }

    /// Everything before this position was compared.
    package private(set) var next = Position.first
    package private(set) var total = Sum()

    private let policy: BillingPolicy
    /// By `termination`; empty for leg 0.
    private var byTermination: [String: Sum] = [:]
    private var byBasis: [Bases: Sum] = [:]

    private struct Bases: Hashable {
        let old: String
        let new: String
    }

    /// - Parameters:
    ///   - recipe: what the records are made by now.
    ///   - policy: the other one.
    ///   - progress: is told now and then how far the log has been read.
    ///   - change: takes the row of each record that changes, in the order of `cdrs`.
    package init(
        of log: LogDirectory, recipe: Rebuild.Recipe, policy: BillingPolicy,
        progress: (Position) -> Void, change: (AnswerRow) throws -> Void
    ) throws {
        self.policy = policy
        // An empty name is a file of SQLite's own, which is gone from its directory as soon as it is opened.
        let database = try ReadModelDatabase(path: "", logID: log.id, use: .rebuild)
        try database.use(recipe.settings)
        if let fixed = recipe.fixedPolicy { try database.fix(policy: fixed) }
        let projector = try Projector(database, log: log)
        let end = log.durable.next
        while try projector.advance(to: end) { progress(projector.next) }
        next = projector.next
        try database.write { db in
            let records = try RecordsByStart(
                db,
                columns: [
                    "callid", "from_tag", "to_tag", "from_uri", "to_uri", "started_at", "ended_at",
                    "termination", "policy", "billing_basis", "billable_ms", "answered_at", "last_proof_at",
                    "expires_at",
                ])
            try records.readAll { try take($0, change) }
        }
    }

    private mutating func take(_ row: Row, _ change: (AnswerRow) throws -> Void) throws {
        let old = Bill(milliseconds: row[10], basis: row.text(9) ?? "")
        let termination = row.text(7)
        let new = bill(row, termination) ?? old
        total.add(old, new)
        byTermination[termination ?? "", default: Sum()].add(old, new)
        byBasis[Bases(old: old.basis, new: new.basis), default: Sum()].add(old, new)
        guard old != new else { return }
        var sum = Sum()
        sum.add(old, new)
        var answer: AnswerRow = [.text("call")]
        for column in 0..<5 { answer.append(AnswerValue(row.text(column))) }
        answer += [AnswerValue(row[5] as Int64?), AnswerValue(row[6] as Int64?), AnswerValue(termination)]
        answer += [AnswerValue(row.text(8)), .text(policy.citation), .text(old.basis), .text(new.basis)]
        answer += [AnswerValue(old.milliseconds), AnswerValue(new.milliseconds)]
        try change(answer + Self.counts(of: sum))
    }

    /// What the other policy makes of a record; null for leg 0, which is billed nothing by any.
    private func bill(_ row: Row, _ termination: String?) -> Bill? {
        guard let termination = termination.flatMap({ Termination(rawValue: $0) }),
            let answeredAt = row[11] as Int64?, let lastProofAt = row[12] as Int64?
        else { return nil }
        return policy.bill(
            BillingPolicy.Span(
                answeredAt: Timestamp(rawValue: answeredAt), endedAt: Timestamp(rawValue: row[6]),
                lastProofAt: Timestamp(rawValue: lastProofAt),
                expiry: (row[13] as Int64?).map { Timestamp(rawValue: $0) }, end: .init(termination)))
    }
}

extension PolicyDifference {
    /// Of every row, whatever kind it is of: a row of sums has null where it doesn't tell apart.
    package static let columns: [AnswerColumn] = [
        AnswerColumn("kind", .text), AnswerColumn("callid", .text), AnswerColumn("from_tag", .text),
        AnswerColumn("to_tag", .text), AnswerColumn("from_uri", .text), AnswerColumn("to_uri", .text),
        AnswerColumn("started_at", .time), AnswerColumn("ended_at", .time),
        AnswerColumn("termination", .text),
        AnswerColumn("old_policy", .text), AnswerColumn("new_policy", .text),
        AnswerColumn("old_billing_basis", .text), AnswerColumn("new_billing_basis", .text),
        AnswerColumn("old_billable_ms", .milliseconds), AnswerColumn("new_billable_ms", .milliseconds),
        AnswerColumn("difference_ms", .milliseconds), AnswerColumn("records", .number),
        AnswerColumn("changed", .number), AnswerColumn("held", .number), AnswerColumn("released", .number),
    ]

    /// Sums over the records of each termination, in the order of their names; leg 0, which has none, first.
    package var terminations: [AnswerRow] {
        byTermination.sorted { $0.key < $1.key }.map { termination, sum in
            row("termination", sum, termination: termination.isEmpty ? .null : .text(termination))
        }
    }

    /// Sums over the records of each basis now and then, in the order of their names.
    package var bases: [AnswerRow] {
        byBasis.sorted { ($0.key.old, $0.key.new) < ($1.key.old, $1.key.new) }.map { bases, sum in
            row("basis", sum, old: .text(bases.old), new: .text(bases.new))
        }
    }

    /// The sum over all records.
    package var totalRow: AnswerRow { row("total", total) }

    private func row(
        _ kind: String, _ sum: Sum, termination: AnswerValue = .null, old: AnswerValue = .null,
        new: AnswerValue = .null
    ) -> AnswerRow {
        var answer: AnswerRow = [.text(kind)]
        answer += Array(repeating: .null, count: 7)
        answer += [termination, .null, .text(policy.citation), old, new]
        answer += [.integer(sum.oldMilliseconds), .integer(sum.newMilliseconds)]
        return answer + Self.counts(of: sum)
    }

    private static func counts(of sum: Sum) -> AnswerRow {
        [sum.difference, sum.records, sum.changed, sum.held, sum.released].map { .integer($0) }
    }
}

/// Times are a stranger's, and a sum of them may be more than a number holds.
extension Int64 {
    fileprivate func addingClamped(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other < 0 ? .min : .max) : sum
    }

    fileprivate func subtractingClamped(_ other: Int64) -> Int64 {
        let (difference, overflow) = subtractingReportingOverflow(other)
        return overflow ? (other < 0 ? .max : .min) : difference
    }
}
