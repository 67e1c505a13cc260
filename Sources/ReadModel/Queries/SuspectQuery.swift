package import Events
internal import GRDB
package import Projections

/// A leg that hung: nobody who could know has ended it.
package struct SuspectLeg: Sendable {
    /// Which rule makes it hung; a leg that has ended has its termination.
    package enum Rule: String, Sendable, CaseIterable {
        /// Open, a timer runs, and its session expiry has passed.
        case sessionExpired = "session_expired"
        /// Open, no timer runs, and its lifetime has passed.
        case lifetimeOver = "lifetime_over"
        case sessionTimeout = "session_timeout"
        case lifetimeTimeout = "lifetime_timeout"
        case pingTimeout = "ping_timeout"
        case unterminated
    }

    package var callID = ""
    package var fromTag = ""
    package var toTag = ""
    package var fromURI: String?
    package var toURI: String?
    package var userAgent: String?
    package var startedAt = Timestamp(rawValue: 0)
    package var answeredAt = Timestamp(rawValue: 0)
    /// Null where it is open.
    package var endedAt: Timestamp?
    package var termination: Termination?
    package var lastProofAt = Timestamp(rawValue: 0)
    package var lastProofPosition = Position(rawValue: 0)
    /// The type of that event.
    package var lastProofType = ""
    /// Seconds; 0 without a timer.
    package var sessionInterval: Int64 = 0
    package var refresher: String?
    /// The session expiry; null where no timer runs.
    package var expiresAt: Timestamp?
    package var deadline = Timestamp(rawValue: 0)
    /// Microseconds.
    package var overrun: Int64 = 0
    package var unproven: Int64 = 0
    /// A JSON list.
    package var sources = "[]"
    /// The policy that it is billed by.
    package var policy: BillingPolicy
    /// The moment that an open leg is judged at.
    package var asOf = Timestamp(rawValue: 0)

    package var rule: Rule {
        switch termination {
        case nil: expiresAt == nil ? .lifetimeOver : .sessionExpired
        case .sessionTimeout: .sessionTimeout
        case .lifetimeTimeout: .lifetimeTimeout
        case .pingTimeout: .pingTimeout
        default: .unterminated
        }
    }

    /// What is billed where the policy says so; an open leg is taken to end at `asOf`.
    package func bill(as option: BillingPolicy.HungCall) -> Bill {
        policy.bill(
            BillingPolicy.Span(
                answeredAt: answeredAt, endedAt: endedAt ?? asOf, lastProofAt: lastProofAt, expiry: expiresAt,
                end: termination.map { BillingPolicy.End($0) } ?? .guess), as: option)
    }

    /// What each way to treat hung calls bills, as a JSON object.
    private var bills: String {
        let members = BillingPolicy.HungCall.allCases.map { option in
            let bill = bill(as: option)
            let milliseconds = bill.milliseconds.map(String.init) ?? "null"
            return
                #""\#(option.rawValue)":{"billable_ms":\#(milliseconds),"billing_basis":"\#(bill.basis)"}"#
        }
        return "{\(members.joined(separator: ","))}"
    }

    package static let columns: [AnswerColumn] = [
        AnswerColumn("callid", .text), AnswerColumn("from_tag", .text), AnswerColumn("to_tag", .text),
        AnswerColumn("state", .text), AnswerColumn("from_uri", .text), AnswerColumn("to_uri", .text),
        AnswerColumn("user_agent", .text), AnswerColumn("started_at", .time),
        AnswerColumn("answered_at", .time), AnswerColumn("ended_at", .time),
        AnswerColumn("last_proof_at", .time), AnswerColumn("last_proof_position", .number),
        AnswerColumn("last_proof_type", .text), AnswerColumn("session_interval", .seconds),
        AnswerColumn("refresher", .text), AnswerColumn("expires_at", .time), AnswerColumn("deadline", .time),
        AnswerColumn("overrun_us", .duration), AnswerColumn("unproven_us", .duration),
        AnswerColumn("rule", .text), AnswerColumn("because", .text), AnswerColumn("policy", .text),
        AnswerColumn("hung_call", .text), AnswerColumn("billable_ms", .milliseconds),
        AnswerColumn("billing_basis", .text), AnswerColumn("bills", .structure),
        AnswerColumn("sources", .structure),
    ]

    /// - Parameter because: the rule, in a sentence.
    package func answer(because: String) -> AnswerRow {
        let bill = bill(as: policy.hungCall)
        return [
            .text(callID), .text(fromTag), .text(toTag), .text(endedAt == nil ? "confirmed" : "terminated"),
            AnswerValue(fromURI), AnswerValue(toURI), AnswerValue(userAgent), .integer(startedAt.rawValue),
            .integer(answeredAt.rawValue), AnswerValue(endedAt?.rawValue), .integer(lastProofAt.rawValue),
            .integer(Int64(lastProofPosition.rawValue)), .text(lastProofType), .integer(sessionInterval),
            AnswerValue(refresher), AnswerValue(expiresAt?.rawValue), .integer(deadline.rawValue),
            .integer(overrun), .integer(unproven), .text(rule.rawValue), .text(because),
            .text(policy.citation), .text(policy.hungCall.rawValue), AnswerValue(bill.milliseconds),
            .text(bill.basis), .json(bills), .json(sources),
        ]
    }

    /// The worst first: that for whose longest time nobody can vouch; then the order of calls.
    static func precedes(_ left: SuspectLeg, _ right: SuspectLeg) -> Bool {
        if left.unproven != right.unproven { return left.unproven > right.unproven }
        if left.startedAt != right.startedAt { return left.startedAt < right.startedAt }
        for (first, second) in [
            (left.callID, right.callID), (left.fromTag, right.fromTag), (left.toTag, right.toTag),
        ] where !first.utf8.elementsEqual(second.utf8) {
            return first.utf8.lexicographicallyPrecedes(second.utf8)
        }
        return false
    }
}

extension ReadModelSnapshot {
    /// Every leg that hung, ended ones and those that are open past their deadline, the worst first.
    package func suspects(_ filter: DialogFilter, asOf: Timestamp) throws -> [SuspectLeg] {
        var legs = try endedSuspects(filter)
        try forEachOpenCall(callID: filter.callID) { fold in
            guard filter.admits(fold, sources) else { return }
            for leg in fold.legs where leg.end == nil && fold.isHung(leg, asOf: asOf) {
                guard filter.admits(userAgent: fold.userAgent(attempt: leg.attempt), of: fold) else {
                    continue
                }
                legs.append(suspect(leg, fold, asOf))
            }
        }
        return legs.sorted(by: SuspectLeg.precedes)
    }

    static let endedSuspectColumns = [
        "callid", "from_tag", "to_tag", "from_uri", "to_uri", "user_agent", "refresher", "termination",
        "sources", "started_at", "answered_at", "ended_at", "last_proof_at", "last_proof_position",
        "session_interval", "expires_at", "deadline", "overrun_us", "unproven_us",
        "last_proof_type",
    ]

    /// Those that have ended, found through an index that holds no other.
    static func endedSuspects(_ filter: DialogFilter) -> (sql: String, arguments: StatementArguments) {
        let condition = filter.condition
        let index = filter.callID == nil ? "cdrs_hung" : "cdrs_by_call"
        return (
            """
            SELECT \(endedSuspectColumns.joined(separator: ", ")) FROM cdrs INDEXED BY \(index)
            WHERE hung = 1\(condition.sql)
            """, condition.arguments
        )
    }

    private func endedSuspects(_ filter: DialogFilter) throws -> [SuspectLeg] {
        var legs: [SuspectLeg] = []
        let query = Self.endedSuspects(filter)
        let rows = try Row.fetchCursor(db, sql: query.sql, arguments: query.arguments)
        while let row = try rows.next() {
            func time(_ index: Int) -> Timestamp { Timestamp(rawValue: row[index]) }
            var leg = SuspectLeg(policy: policies.policy(at: time(11)))
            (leg.callID, leg.fromTag, leg.toTag) = (row.text(0) ?? "", row.text(1) ?? "", row.text(2) ?? "")
            (leg.fromURI, leg.toURI, leg.userAgent) = (row.text(3), row.text(4), row.text(5))
            leg.refresher = row.text(6)
            leg.termination = row.text(7).flatMap { Termination(rawValue: $0) }
            leg.sources = row.text(8) ?? "[]"
            (leg.startedAt, leg.answeredAt, leg.endedAt) = (time(9), time(10), time(11))
            (leg.lastProofAt, leg.sessionInterval) = (time(12), row[14])
            leg.lastProofPosition = Position(rawValue: UInt64(row[13] as Int64))
            leg.expiresAt = (row[15] as Int64?).map { Timestamp(rawValue: $0) }
            (leg.deadline, leg.overrun, leg.unproven) = (time(16), row[17], row[18])
            leg.lastProofType = row.text(19) ?? ""
            legs.append(leg)
        }
        return legs
    }

    private func suspect(_ leg: Leg, _ fold: borrowing CallFold, _ asOf: Timestamp) -> SuspectLeg {
        var common = CallCommon()
        common.gather(fold, sources: sources)
        var suspect = SuspectLeg(policy: policies.policy(at: asOf))
        suspect.callID = fold.string(fold.callID) ?? ""
        suspect.fromTag = fold.string(fold.fromTag) ?? ""
        suspect.toTag = fold.string(fold.toTag(leg)) ?? ""
        suspect.fromURI = fold.string(fold.trying(leg.attempt) { $0.fromURI })
        suspect.toURI = fold.string(fold.trying(leg.attempt) { $0.toURI })
        suspect.userAgent = fold.string(fold.userAgent(attempt: leg.attempt))
        suspect.startedAt = fold.startedAt
        suspect.answeredAt = leg.answeredAt
        suspect.lastProofAt = leg.lastProofAt
        suspect.lastProofPosition = fold.facts[leg.lastProof].position
        suspect.lastProofType = fold.facts[leg.lastProof].type.name
        if let mark = leg.marks.last {
            suspect.sessionInterval = fold.marks[mark].interval
            suspect.refresher = fold.marks[mark].refresher?.name
        }
        suspect.expiresAt = fold.expiry(of: leg)
        suspect.deadline = fold.deadline(of: leg)
        suspect.overrun = fold.overrun(of: leg, asOf: asOf)
        suspect.unproven = fold.unproven(of: leg, asOf: asOf)
        suspect.sources = String(decoding: common.sources, as: UTF8.self)
        suspect.asOf = asOf
        return suspect
    }
}
