internal import Events

/// Where the session timer, the bill and the evidence of a record come from.
extension CallFold {
    func addTimer(_ leg: Leg?, _ list: inout OriginList) {
        guard let leg else {
            list.add("session_interval", "0: without a leg there is no session timer")
            list.add("refresher", "null: without a leg there is no session timer")
            list.add("refreshes", "0: without a leg there is nothing to refresh")
            return
        }
        if let last = leg.marks.last {
            let mark = marks[last]
            list.add(
                "session_interval",
                mark.interval > 0
                    ? "effective session_expires of the last timer mark"
                    : "0: the last timer mark sets no timer", [mark.fact])
            list.add(
                "refresher",
                mark.refresher != nil
                    ? "the side that the effective refresher of the last timer mark names"
                    : mark.interval > 0
                        ? "null: the last timer mark names no side"
                        : "null: the last timer mark sets no timer",
                [mark.fact])
        } else {
            list.add("session_interval", "0: the leg has no timer mark")
            list.add("refresher", "null: the leg has no timer mark")
        }
        let refreshes = facts.indices.filter { index in
            facts[index].type == .refreshAccepted && facts[index].tag == leg.tag && !facts[index].isRepeat
                && facts[index].time >= leg.answeredAt && leg.endedAt.map { facts[index].time <= $0 } ?? true
        }
        list.add("refreshes", "the leg's refresh.accepted from answered_at to ended_at", refreshes)
    }

    func addBill(_ leg: Leg?, _ circumstances: RecordCircumstances, _ list: inout OriginList) {
        let policy = circumstances.policy
        if let leg, let end = leg.end {
            addBill(of: leg, end, policy, &list)
        } else {
            list.add("billable_ms", "0: a call without legs was not answered")
            list.add("billing_basis", "none: a call without legs was not answered")
        }
        if circumstances.isPolicyFixed {
            list.add("policy", "the read model was made with this one policy for all calls")
        } else if let position = circumstances.policyPosition {
            list.add("policy", "the last ledger.policy at or before ended_at", others: [position])
        } else {
            list.add("policy", "the built-in policy: the log states no other for ended_at")
        }
    }

    private func addBill(of leg: Leg, _ end: Int, _ policy: BillingPolicy, _ list: inout OriginList) {
        let rounding =
            ", rounded \(policy.rounding == .nearest ? "to the nearest" : policy.rounding.rawValue + " to a")"
            + " multiple of \(policy.roundMilliseconds) ms"
            + (policy.minimumMilliseconds > 0 ? ", at least \(policy.minimumMilliseconds) ms" : "")
        let says = "nobody saw the end, and the policy's hung_call is \(policy.hungCall.rawValue)"
        switch (bill(leg, policy: policy, as: policy.hungCall).basis, policy.hungCall) {
        case ("bye", _):
            list.add("billable_ms", "ended_at − answered_at" + rounding, [leg.answer, end])
            list.add("billing_basis", "bye: a dialog.terminated proves the end", [end])
        case ("media", _):
            list.add("billable_ms", "ended_at − answered_at" + rounding, [leg.answer, end])
            list.add("billing_basis", "media: a timeout.media proves the end", [end])
        case (_, .lastProof):
            list.add("billable_ms", "last_proof_at − answered_at" + rounding, [leg.answer, leg.lastProof])
            list.add("billing_basis", says, [end])
        case (_, .sessionExpiry):
            if let expiry = expiry(of: leg), let mark = leg.marks.last {
                let isBefore = expiry <= facts[end].time
                list.add(
                    "billable_ms",
                    (isBefore
                        ? "session expiry (the last timer mark + its interval) − answered_at"
                        : "ended_at, which is before the session expiry, − answered_at") + rounding,
                    [leg.answer, isBefore ? marks[mark].fact : end])
            } else {
                list.add(
                    "billable_ms", "ended_at, since no timer runs, − answered_at" + rounding,
                    [leg.answer, end])
            }
            list.add("billing_basis", says, [end])
        case (_, .timeout):
            list.add("billable_ms", "ended_at − answered_at" + rounding, [leg.answer, end])
            list.add("billing_basis", says, [end])
        case (_, .hold):
            list.add("billable_ms", "null: nothing is billed until somebody decides", [end])
            list.add("billing_basis", "held: " + says, [end])
        }
    }

    func addEvidence(
        _ leg: Leg?, _ circumstances: RecordCircumstances, _ sources: SourceRegistry,
        _ list: inout OriginList
    ) {
        let extra = facts.indices.filter { facts[$0].extra != nil }
        list.add(
            "extra",
            extra.isEmpty
                ? "no event of the call has an extra"
                : "the extra of all events of the call in canonical order, a later one overriding key by key",
            extra)
        addFlags(leg, circumstances, sources, &list)
        var named: [SourceName] = []
        var first: [Int] = []
        for index in facts.indices {
            let name = sources.source(facts[index].sourceEpoch)
            if name.isLedger || named.contains(name) { continue }
            named.append(name)
            first.append(index)
        }
        list.add("sources", "who stated any event of the call, without ledger", first)
        list.add(
            "revision",
            circumstances.revisedBy.isEmpty
                ? "1: nothing has changed it since it was made"
                : "1, and one more for each event or entry that changed it or took it back",
            others: circumstances.revisedBy)
        list.add("positions", "all events of the call", others: facts.map(\.position).sorted())
    }

    private func addFlags(
        _ leg: Leg?, _ circumstances: RecordCircumstances, _ sources: SourceRegistry,
        _ list: inout OriginList
    ) {
        let gaps = circumstances.gaps
        let record =
            if let leg {
                self.record(of: leg, policy: circumstances.policy, gaps: gaps, sources: sources)
            } else {
                recordWithoutLegs(gaps: gaps, sources: sources)
            }
        var reasons: [String] = []
        var cited: [Int] = []
        var others: [Position] = []
        if record.flags.contains(.answerUnseen), let leg {
            reasons.append("answer_unseen: no dialog.confirmed of the leg came")
            cited.append(leg.answer)
        }
        if record.flags.contains(.clockSkew) {
            reasons.append("clock_skew: setup_us or duration_us came out negative")
            cited += [start, leg?.answer, leg?.end ?? end].compactMap { $0 }
        }
        if record.flags.contains(.incomplete) {
            reasons.append("incomplete: an open gap of one of the sources meets the time of the call")
            others = openGaps(touching: record, gaps, sources).map(\.position)
        }
        if record.flags.contains(.startUnseen) {
            reasons.append("start_unseen: no dialog.trying of the call came")
            cited.append(start)
        }
        var seen: Set<Int> = []
        cited = cited.filter { seen.insert($0).inserted }
        list.add(
            "flags", reasons.isEmpty ? "none applies" : reasons.joined(separator: "; "), cited,
            others: others)
    }
}
