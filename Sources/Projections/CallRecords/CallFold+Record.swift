package import Events

/// How each field of a record comes from the facts: the rules of `schemas/records.md`, field by field.
extension CallFold {
    /// The record of a leg that has ended.
    package func record(
        of leg: Leg, policy: BillingPolicy, gaps: OpenGaps, sources: SourceRegistry
    ) -> CallRecord {
        guard let end = leg.end, let endedAt = leg.endedAt else { preconditionFailure("the leg is open") }
        var record = CallRecord()
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
        return record
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
        trying(attempt) { $0.userAgent }
    }

    /// When the call first rang.
    package var ringingAt: Timestamp? {
        facts.first { $0.type == .dialogEarly && !$0.isRepeat && (180...183).contains($0.sipCode) }?.time
    }

    private func fillParties(_ record: inout CallRecord, attempt: Int64) {
        record.fromURI = trying(attempt) { $0.fromURI }
        record.toURI = trying(attempt) { $0.toURI }
        record.requestURI = trying(attempt) { $0.requestURI }
        record.sourceIP = trying(attempt) { $0.sourceIP }
        record.userAgent = userAgent(attempt: attempt)
        record.startedAt = startedAt
        record.ringingAt = ringingAt
        var seen: [Int64] = []
        var hasTrying = false
        for fact in facts where fact.type == .dialogTrying && !fact.isRepeat {
            hasTrying = true
            // Occurrences of one type and CSeq are merged, so that each stands for another attempt.
            if seen.last != fact.cseq, !seen.contains(fact.cseq) { seen.append(fact.cseq) }
        }
        if !hasTrying { record.flags.formUnion(.startUnseen) }
        record.attempts = max(Int64(seen.count), 1)
    }

    /// From the attempt's earliest `dialog.trying` that has the field, else from the call's.
    package func trying(_ attempt: Int64, _ field: (Fact) -> TextSlice?) -> TextSlice? {
        var fallback: TextSlice?
        for fact in facts where fact.type == .dialogTrying && !fact.isRepeat {
            guard let value = field(fact) else { continue }
            if fact.cseq == attempt { return value }
            fallback = fallback ?? value
        }
        return fallback
    }

    package func calleeUserAgent(_ leg: Leg) -> TextSlice? {
        for fact in facts where fact.type == .dialogConfirmed && fact.tag == leg.tag && !fact.isRepeat {
            if let userAgent = fact.userAgent { return userAgent }
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
