package import Events

/// The audit of one call: its headers against RFC 4028, its ends against the ledger's evidence.
extension CallFold {
    /// What the audit needs besides the call.
    package struct AuditContext {
        package let policies: PolicyHistory
        package let gaps: OpenGaps
        package let asOf: Timestamp

        package init(policies: PolicyHistory, gaps: OpenGaps, asOf: Timestamp) {
            self.policies = policies
            self.gaps = gaps
            self.asOf = asOf
        }
    }

    /// Everything that is to be said of the call, in no particular order.
    package func audit(_ context: AuditContext, sources: SourceRegistry) -> [Finding] {
        var findings: [Finding] = []
        auditHeaders(&findings)
        auditAnswers(&findings)
        if types.contains(.dialogFailed) || types.contains(.refreshFailed) { auditRejections(&findings) }
        for index in legs.indices {
            auditRefreshes(of: legs[index], context, &findings)
            auditEnd(of: legs[index], context, &findings)
        }
        auditEvidence(context, sources, &findings)
        return findings
    }

    /// A finding that cites these facts, which are indexes in canonical order.
    func finding(
        _ code: FindingCode, _ tag: Int32, citing cited: [Int], and gaps: [Gap] = [],
        _ detail: Detail = Detail()
    ) -> Finding {
        var positions = cited.map { facts[$0].position } + gaps.map(\.position)
        positions.sort()
        for index in positions.indices.dropFirst().reversed() where positions[index] == positions[index - 1] {
            positions.remove(at: index)
        }
        var at = facts[cited[0]].time
        for index in cited { at = max(at, facts[index].time) }
        for gap in gaps { at = max(at, gap.time) }
        return Finding(
            code: code, toTag: tag >= 0 ? tags[Int(tag)] : nil, at: at, positions: positions,
            detail: detail.finished)
    }

    private func auditHeaders(_ findings: inout [Finding]) {
        for index in facts.indices where facts[index].hasTimerFields && !facts[index].isRepeat {
            let fact = facts[index]
            if (0..<90).contains(fact.sessionExpires) {
                findings.append(
                    finding(
                        .intervalBelowMinimum, fact.tag, citing: [index],
                        Detail(["session_expires": fact.sessionExpires, "minimum": 90])))
            }
            if (0..<90).contains(fact.minSE) {
                findings.append(
                    finding(
                        .minSEBelowMinimum, fact.tag, citing: [index],
                        Detail(["min_se": fact.minSE, "minimum": 90])))
            }
            if fact.type == .dialogTrying || fact.type == .refreshRequested {
                auditRequest(fact, at: index, &findings)
            }
        }
    }

    private func auditRequest(_ fact: Fact, at index: Int, _ findings: inout [Finding]) {
        let minimum = fact.effectiveMinSE > 0 ? fact.effectiveMinSE : 90
        if fact.sessionExpires >= 0, fact.sessionExpires < fact.minSE {
            findings.append(
                finding(
                    .intervalBelowMinSE, fact.tag, citing: [index],
                    Detail(["session_expires": fact.sessionExpires, "min_se": fact.minSE])))
        }
        let forwarded = fact.forwardedSessionExpires
        if fact.sessionExpires >= 0, forwarded > fact.sessionExpires, forwarded > minimum {
            findings.append(
                finding(
                    .proxyRaisedInterval, fact.tag, citing: [index],
                    Detail([
                        "session_expires": fact.sessionExpires, "fwd_session_expires": forwarded,
                        "minimum": minimum,
                    ])))
        }
        if forwarded > 0, forwarded < minimum {
            findings.append(
                finding(
                    .proxyUndercutMinSE, fact.tag, citing: [index],
                    Detail(["fwd_session_expires": forwarded, "minimum": minimum])))
        }
        if fact.supportedTimer == true, fact.forwardedMinSE >= 0, fact.forwardedMinSE != max(fact.minSE, 0) {
            findings.append(
                finding(
                    .proxyChangedMinSE, fact.tag, citing: [index],
                    Detail(["min_se": max(fact.minSE, 0), "fwd_min_se": fact.forwardedMinSE])))
        }
        if let forwarded = fact.forwardedRefresher, forwarded != fact.refresher {
            findings.append(
                finding(
                    .proxyChangedRefresher, fact.tag, citing: [index],
                    Detail().with("refresher", word: fact.refresher?.name)
                        .with("fwd_refresher", word: forwarded.name)))
        }
    }

    /// The request that an answer answers, an index of `facts`.
    private func request(of fact: Fact) -> Int? {
        if fact.type == .dialogConfirmed { return trying(ofAttempt: fact.cseq) }
        for index in facts.indices where facts[index].type == .refreshRequested && !facts[index].isRepeat {
            if facts[index].isRequest(of: fact, in: bytes) { return index }
        }
        return nil
    }

    private func auditAnswers(_ findings: inout [Finding]) {
        for index in facts.indices where facts[index].isAnswer && !facts[index].isRepeat {
            let fact = facts[index]
            if fact.effectiveInterval > 0, fact.effectiveRefresher == nil {
                findings.append(
                    finding(
                        .refresherMissing, fact.tag, citing: [index],
                        Detail(["session_expires": fact.effectiveInterval])))
            }
            if case .uac? = fact.refresher, case false? = fact.requireTimer {
                findings.append(
                    finding(
                        .requireTimerMissing, fact.tag, citing: [index],
                        Detail().with("refresher", word: "uac")))
            }
            if let request = request(of: fact) {
                auditAnswer(fact, at: index, to: request, &findings)
            }
        }
    }

    private func auditAnswer(_ fact: Fact, at index: Int, to requestIndex: Int, _ findings: inout [Finding]) {
        let request = facts[requestIndex]
        let offered = request.effectiveInterval
        let minimum = request.effectiveMinSE > 0 ? request.effectiveMinSE : 90
        if offered > 0, offered >= minimum, fact.sessionExpires > offered {
            findings.append(
                finding(
                    .answerRaisesInterval, fact.tag, citing: [requestIndex, index],
                    Detail(["offered": offered, "minimum": minimum, "session_expires": fact.sessionExpires])))
        }
        if request.effectiveMinSE > 0, fact.sessionExpires >= 0, fact.sessionExpires < request.effectiveMinSE
        {
            findings.append(
                finding(
                    .answerBelowMinSE, fact.tag, citing: [requestIndex, index],
                    Detail(["min_se": request.effectiveMinSE, "session_expires": fact.sessionExpires])))
        }
        if let asked = request.effectiveRefresher, let answered = fact.refresher, asked != answered {
            findings.append(
                finding(
                    .refresherOverridden, fact.tag, citing: [requestIndex, index],
                    Detail().with("asked", word: asked.name).with("refresher", word: answered.name)))
        }
    }
}

extension Fact {
    /// Whether it says anything of session timers.
    fileprivate var hasTimerFields: Bool { present.rawValue & Self.timerFields != 0 }

    @inline(__always)
    private static var timerFields: UInt64 {
        Field.sessionExpires.bit | Field.minSE.bit | Field.forwardedSessionExpires.bit
            | Field.forwardedMinSE.bit | Field.forwardedRefresher.bit
    }

    fileprivate var isAnswer: Bool { type == .dialogConfirmed || type == .refreshAccepted }

    /// Whether it may be the `refresh.requested` of that answer or failure.
    fileprivate func isRequest(of answer: Fact, in bytes: [UInt8]) -> Bool {
        guard tag == answer.tag, cseq == answer.cseq, hasSide(of: answer) else { return false }
        return hasMethod(of: answer, in: bytes)
    }
}
