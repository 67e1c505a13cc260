internal import Events

/// How a leg's session was kept and ended (RFC 4028 sections 7.4, 8.3 and 10).
extension CallFold {
    func auditRefreshes(of leg: Leg, _ context: AuditContext, _ findings: inout [Finding]) {
        for index in leg.marks {
            let verdict = self.verdict(onMark: index, of: leg, asOf: context.asOf)
            if let code = refreshCode(verdict) {
                let (mark, next) = (marks[index], marks[index + 1])
                findings.append(
                    finding(
                        code, leg.tag, citing: [mark.fact, next.fact],
                        Detail([
                            "interval": mark.interval, "after_us": next.time.microseconds(since: mark.time),
                        ])))
            }
            if verdict == .expired {
                findings.append(
                    finding(
                        .sessionExpired, leg.tag, citing: [marks[index].fact] + ending(leg),
                        Detail([
                            "interval": marks[index].interval, "expires_at": marks[index].expiry.rawValue,
                        ])))
            }
            if index > leg.marks.lowerBound, let before = marks[index - 1].refresher,
                let now = marks[index].refresher, before != now
            {
                findings.append(
                    finding(
                        .refresherSwitched, leg.tag, citing: [marks[index - 1].fact, marks[index].fact],
                        Detail().with("before", word: before.name).with("refresher", word: now.name)))
            }
        }
        if types.contains(.refreshFailed) { auditFailedRefreshes(of: leg, context, &findings) }
    }

    private func refreshCode(_ verdict: Verdict?) -> FindingCode? {
        switch verdict {
        case .late: .refreshLate
        case .critical: .refreshCritical
        case .overdue: .refreshOverdue
        default: nil
        }
    }

    private func auditFailedRefreshes(of leg: Leg, _ context: AuditContext, _ findings: inout [Finding]) {
        for index in facts.indices where facts[index].type == .refreshFailed {
            let fact = facts[index]
            guard fact.tag == leg.tag, !fact.isRepeat, fact.sipCode == 408 || fact.sipCode == 481 else {
                continue
            }
            let limit = fact.time.advanced(by: 32 * Settings.microsecondsPerSecond)
            let lastSeen = leg.endedAt ?? context.asOf
            if lastSeen > limit {
                findings.append(
                    finding(
                        .refreshFailedSessionKept, leg.tag, citing: [index],
                        Detail(["sip_code": fact.sipCode, "kept_us": lastSeen.microseconds(since: fact.time)])
                    ))
            }
        }
    }

    func auditEnd(of leg: Leg, _ context: AuditContext, _ findings: inout [Finding]) {
        let overrun = overrun(of: leg, asOf: context.asOf)
        if isHung(leg, asOf: context.asOf) {
            let evidence = leg.marks.isEmpty ? [leg.answer] : leg.marks.map { marks[$0].fact }
            findings.append(
                finding(.hungCall, leg.tag, citing: evidence + ending(leg), hungDetail(leg, overrun, context))
            )
        }
        if wasCut(leg) {
            findings.append(
                finding(
                    .proxyCutSession, leg.tag, citing: lastMark(leg) + ending(leg),
                    Detail(["ended_at": leg.endedAt?.rawValue, "expires_at": expiry(of: leg)?.rawValue])))
        } else if let end = leg.end, facts[end].byeSent,
            facts[end].type == .timeoutSession || facts[end].type == .timeoutLifetime
        {
            findings.append(
                finding(
                    .proxySentBye, leg.tag, citing: [end],
                    Detail(["ended_at": leg.endedAt?.rawValue, "expires_at": expiry(of: leg)?.rawValue])))
        }
        if leg.end != nil, overrun > 60 * Settings.microsecondsPerSecond {
            findings.append(
                finding(
                    .heldPastExpiry, leg.tag, citing: lastMark(leg) + ending(leg),
                    Detail(["overrun_us": overrun]))
            )
        }
        guard let confirmed = leg.confirmed else { return }
        if firstTimer(of: leg) == nil {
            findings.append(finding(.noSessionTimer, leg.tag, citing: [confirmed]))
        }
        guard types.contains(.timeoutNoAck) else { return }
        if let noAck = facts.firstIndex(where: { $0.type == .timeoutNoAck && $0.tag == leg.tag }) {
            findings.append(
                finding(
                    .answeredWithoutAck, leg.tag, citing: [confirmed, noAck],
                    Detail(["waited_us": facts[noAck].time.microseconds(since: facts[confirmed].time)])))
        }
    }

    private func lastMark(_ leg: Leg) -> [Int] { leg.marks.last.map { [marks[$0].fact] } ?? [] }
    private func ending(_ leg: Leg) -> [Int] { leg.end.map { [$0] } ?? [] }

    private func hungDetail(_ leg: Leg, _ overrun: Int64, _ context: AuditContext) -> Detail {
        let policy = context.policies.policy(at: leg.endedAt ?? context.asOf)
        var bills = Detail()
        for option in BillingPolicy.HungCall.allCases {
            let bill = bill(leg, policy: policy, as: option, asOf: context.asOf)
            bills.number(option.rawValue, bill.milliseconds)
        }
        var detail = Detail([
            "overrun_us": overrun, "unproven_us": unproven(of: leg, asOf: context.asOf),
            "last_proof_at": leg.lastProofAt.rawValue,
        ])
        detail.object("billable_ms", bills)
        return detail
    }

    /// What the records say of their own evidence.
    func auditEvidence(
        _ context: AuditContext, _ sources: SourceRegistry, _ findings: inout [Finding]
    ) {
        if context.gaps.isEmpty, !hasSkew { return }
        func judge(_ record: CallRecord, _ tag: Int32, _ findings: inout [Finding]) {
            let last = facts.lastIndex { !$0.isRepeat } ?? 0
            let span = last > 0 ? [0, last] : [0]
            if record.flags.contains(.clockSkew) {
                findings.append(
                    finding(
                        .clockSkew, tag, citing: span,
                        Detail([
                            "started_at": record.startedAt.rawValue,
                            "answered_at": record.answeredAt?.rawValue,
                            "ended_at": record.endedAt.rawValue,
                        ])))
            }
            if record.flags.contains(.incomplete) {
                let gaps = openGaps(touching: record, context.gaps, sources)
                findings.append(
                    finding(
                        .incompleteEvidence, tag, citing: span, and: gaps, Detail(["gaps": Int64(gaps.count)])
                    ))
            }
        }
        forEachRecord(gaps: context.gaps, policies: context.policies, sources: sources) { record, leg, _ in
            judge(record, leg?.tag ?? -1, &findings)
        }
    }

    /// Whether any record of the call can have the flag `clock_skew`.
    private var hasSkew: Bool {
        if let end { return facts[end].time < startedAt }
        let startedAt = startedAt
        for index in legs.indices {
            let answeredAt = legs[index].answeredAt
            if answeredAt < startedAt || (legs[index].endedAt ?? .last) < answeredAt { return true }
        }
        return false
    }

    func openGaps(
        touching record: CallRecord, _ gaps: OpenGaps, _ sources: SourceRegistry
    ) -> [Gap] {
        var names: [SourceName] = []
        for fact in facts {
            let name = sources.source(fact.sourceEpoch)
            if !name.isLedger, !names.contains(name) { names.append(name) }
        }
        return names.flatMap { gaps.gaps(of: $0) }
            .filter { $0.meets(from: record.startedAt, to: record.endedAt) }
    }
}
