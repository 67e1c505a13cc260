package import Events

/// How each field of a record comes from the facts: the rules of `schemas/records.md`, field by field.
extension CallFold {
    /// The record of a leg that has ended.
    package func record(
        of leg: Leg, policy: BillingPolicy, gaps: OpenGaps, sources: SourceRegistry
    ) -> CallRecord {
        var record = CallRecord()
        fill(&record, of: leg, policy: policy, gaps: gaps, sources: sources)
        return record
    }

    /// Fills a new record.
    func fill(
        _ record: inout CallRecord, of leg: Leg, policy: BillingPolicy, gaps: OpenGaps,
        sources: SourceRegistry
    ) {
        guard let end = leg.end, let endedAt = leg.endedAt else { preconditionFailure("the leg is open") }
        record.toTag = toTag(leg)
        record.leg = leg.number
        fillParties(&record, attempt: leg.attempt)
        record.answeredAt = leg.answeredAt
        record.endedAt = endedAt
        record.setupMicroseconds = leg.answeredAt.microseconds(since: record.startedAt)
        record.durationMicroseconds = endedAt.microseconds(since: leg.answeredAt)
        record.calleeUserAgent = calleeUserAgent(leg)
        record.disposition = .answered
        if let confirmed = leg.confirmed {
            record.sipCode = facts[confirmed].sipCode
            record.sipReason = facts[confirmed].sipReason
        } else {
            record.flags.formUnion(.answerUnseen)
        }
        record.termination = Termination(facts[end])
        record.endedBy = endedBy(facts[end])
        record.reason = facts[end].reason
        record.lastProofAt = leg.lastProofAt
        if let mark = leg.marks.last {
            record.sessionInterval = marks[mark].interval
            record.refresher = marks[mark].refresher
        }
        record.refreshes = Int64(leg.refreshes)
        record.bill = bill(leg, policy: policy, as: policy.hungCall)
        finish(&record, gaps: gaps, sources: sources)
    }

    /// The record of a call that has ended without legs.
    package func recordWithoutLegs(gaps: OpenGaps, sources: SourceRegistry) -> CallRecord {
        guard let end else { preconditionFailure("the call is open or has legs") }
        let last = facts[end]
        var record = CallRecord()
        fillParties(&record, attempt: finalAttempt)
        record.endedAt = last.time
        record.setupMicroseconds = last.time.microseconds(since: record.startedAt)
        switch last.type {
        case .dialogFailed:
            record.disposition = Disposition(sipCode: last.sipCode)
            record.sipCode = last.sipCode
            record.sipReason = last.sipReason
        case .timeoutEarly:
            record.disposition = .noAnswer
            record.sipCode = 408
        default:
            record.disposition = .unknown
        }
        record.endedBy = endedBy(last)
        record.reason = last.reason
        finish(&record, gaps: gaps, sources: sources)
        return record
    }

    /// What a leg is billed under one way to treat hung calls.
    package func bill(
        _ leg: Leg, policy: BillingPolicy, as option: BillingPolicy.HungCall, asOf: Timestamp? = nil
    )
        -> Bill
    {
        guard let endedAt = leg.endedAt ?? asOf else { preconditionFailure("the leg is open") }
        let end: BillingPolicy.End =
            switch leg.end.map({ facts[$0].type }) {
            case .dialogTerminated: .bye
            case .timeoutMedia: .media
            default: .guess
            }
        let span = BillingPolicy.Span(
            answeredAt: leg.answeredAt, endedAt: endedAt, lastProofAt: leg.lastProofAt,
            expiry: expiry(of: leg), end: end)
        return policy.bill(span, as: option)
    }

    /// The caller's user agent by the rule for an attempt.
    package func userAgent(attempt: Int64) -> TextSlice? {
        tryings.count == 1 ? facts[tryings[0]].userAgent : trying(attempt) { $0.userAgent }
    }

    private func fillParties(_ record: inout CallRecord, attempt: Int64) {
        if tryings.count == 1 {
            // Whatever attempt is meant: its fields or none.
            let trying = tryings[0]
            record.fromURI = facts[trying].fromURI
            record.toURI = facts[trying].toURI
            record.requestURI = facts[trying].requestURI
            record.sourceIP = facts[trying].sourceIP
            record.userAgent = facts[trying].userAgent
        } else {
            record.fromURI = trying(attempt) { $0.fromURI }
            record.toURI = trying(attempt) { $0.toURI }
            record.requestURI = trying(attempt) { $0.requestURI }
            record.sourceIP = trying(attempt) { $0.sourceIP }
            record.userAgent = trying(attempt) { $0.userAgent }
        }
        record.startedAt = startedAt
        record.ringingAt = ringing.map { facts[$0].time }
        if tryings.isEmpty { record.flags.formUnion(.startUnseen) }
        record.attempts = tryings.count > 1 ? Int64(attempts.count) : 1
    }

    /// The earliest `dialog.trying` of each attempt.
    var attempts: [Int] {
        var found: [Int] = []
        for index in tryings {
            // Mostly there is one, and no other CSeq to compare with.
            let cseq = facts[index].cseq
            if !found.contains(where: { facts[$0].cseq == cseq }) { found.append(index) }
        }
        return found
    }

    /// From the attempt's earliest `dialog.trying` that has the field, else from the call's.
    package func trying(_ attempt: Int64, _ field: (Fact) -> TextSlice?) -> TextSlice? {
        tryingFact(attempt, field).flatMap { field(facts[$0]) }
    }

    /// The `dialog.trying` that a field of an attempt is taken from; null where none has it.
    func tryingFact(_ attempt: Int64, _ field: (Fact) -> TextSlice?) -> Int? {
        var fallback: Int?
        for index in tryings {
            guard field(facts[index]) != nil else { continue }
            if facts[index].cseq == attempt { return index }
            fallback = fallback ?? index
        }
        return fallback
    }

    package func calleeUserAgent(_ leg: Leg) -> TextSlice? {
        calleeUserAgentFact(leg).flatMap { facts[$0].userAgent }
    }

    func calleeUserAgentFact(_ leg: Leg) -> Int? {
        for index in facts.indices where facts[index].type == .dialogConfirmed {
            if facts[index].tag == leg.tag, !facts[index].isRepeat, facts[index].userAgent != nil {
                return index
            }
        }
        return nil
    }

    private func endedBy(_ fact: Fact) -> String {
        switch fact.type {
        case .dialogTerminated, .dialogFailed: fact.by?.name ?? ""
        case .ledgerExpired: "ledger"
        default: "proxy"
        }
    }

    private func finish(_ record: inout CallRecord, gaps: OpenGaps, sources: SourceRegistry) {
        if record.setupMicroseconds < 0 || record.durationMicroseconds < 0 {
            record.flags.formUnion(.clockSkew)
            record.setupMicroseconds = max(record.setupMicroseconds, 0)
            record.durationMicroseconds = max(record.durationMicroseconds, 0)
        }
        if gaps.isEmpty { return }
        for fact in facts {
            let source = sources.source(fact.sourceEpoch)
            // The ledger is no source of a call.
            guard !source.isLedger, gaps.touches(source, from: record.startedAt, to: record.endedAt) else {
                continue
            }
            record.flags.formUnion(.incomplete)
            return
        }
    }
}
