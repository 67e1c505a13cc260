internal import Events

/// Where each field of a record comes from. Beside the rules that make the record, and of the same parts:
/// which fact a field is taken from is found in one place, for the value and for its origin.
extension CallFold {
    /// The origin of every field of `CallRecord.columns`, in their order.
    ///
    /// - Parameter leg: one that has ended; null for leg 0 of a call that has ended without legs.
    package func origins(
        of leg: Leg?, _ circumstances: RecordCircumstances, sources: SourceRegistry
    ) -> [FieldOrigin] {
        var list = OriginList()
        addKey(leg, &list)
        addParties(leg, &list)
        addTimes(leg, &list)
        addOutcome(leg, &list)
        addTimer(leg, &list)
        addBill(leg, circumstances, &list)
        addEvidence(leg, circumstances, sources, &list)
        return list.origins.map { origin in
            FieldOrigin(
                field: origin.field, rule: origin.rule,
                positions: origin.facts.map { facts[$0].position } + origin.others)
        }
    }

    /// What is being put together: facts as indexes, and positions of what is no fact of the call.
    struct OriginList {
        fileprivate(set) var origins: [(field: String, rule: String, facts: [Int], others: [Position])] = []

        mutating func add(_ field: String, _ rule: String, _ facts: [Int?] = [], others: [Position] = []) {
            origins.append((field, rule, facts.compactMap { $0 }, others))
        }
    }

    private func addKey(_ leg: Leg?, _ list: inout OriginList) {
        list.add("callid", "the Call-ID that all events of the call bear", [0])
        list.add("from_tag", "the caller's tag that all events of the call bear", [0])
        guard let leg else {
            list.add("to_tag", "empty: no event made a leg")
            list.add("leg", "0: no event made a leg")
            return
        }
        list.add("to_tag", "the tag of the leg, here from the event that answered it", [leg.answer])
        list.add(
            "leg", "legs are numbered by (answered_at, to_tag); the call has \(legs.count)",
            legs.prefix(leg.number).map(\.answer))
    }

    private func addParties(_ leg: Leg?, _ list: inout OriginList) {
        let attempt = leg?.attempt ?? finalAttempt
        let fields: [(name: String, value: (Fact) -> TextSlice?)] = [
            ("from_uri", { $0.fromURI }), ("to_uri", { $0.toURI }), ("request_uri", { $0.requestURI }),
            ("src_ip", { $0.sourceIP }), ("user_agent", { $0.userAgent }),
        ]
        for (name, value) in fields {
            guard let fact = tryingFact(attempt, value) else {
                list.add(name, "null: no dialog.trying of the call has it")
                continue
            }
            list.add(
                name,
                facts[fact].cseq == attempt
                    ? "from the earliest dialog.trying of the attempt with CSeq \(attempt) that has it"
                    : "no dialog.trying of the record's attempt has it: from the call's earliest that has it",
                [fact])
        }
        let callee = leg.flatMap { calleeUserAgentFact($0) }
        list.add(
            "callee_user_agent",
            leg == nil
                ? "null: without a leg there is no callee"
                : callee == nil
                    ? "null: no dialog.confirmed of the leg has a user_agent"
                    : "from the leg's earliest dialog.confirmed that has a user_agent", [callee])
    }

    private func addTimes(_ leg: Leg?, _ list: inout OriginList) {
        let (start, ending) = (start, leg?.end ?? end)
        list.add(
            "started_at",
            facts[start].type == .dialogTrying
                ? "time of the call's earliest dialog.trying"
                : "no dialog.trying came: time of the call's earliest event, flag start_unseen", [start])
        list.add(
            "ringing_at",
            ringing == nil
                ? "null: no dialog.early with a code of 180 to 183 came"
                : "time of the call's earliest dialog.early with a code of 180 to 183", [ringing])
        guard let leg else {
            list.add("answered_at", "null: a call without legs was not answered")
            list.add("ended_at", "time of the event that ends the call: " + endRule, [ending])
            list.add(
                "setup_us", difference("ended_at − started_at", from: start, to: ending), [start, ending])
            list.add("duration_us", "0: a call without legs was not answered")
            return
        }
        list.add(
            "answered_at",
            leg.confirmed != nil
                ? "time of the leg's earliest dialog.confirmed"
                : "no dialog.confirmed came: time of the leg's earliest event that makes a leg, "
                    + "flag answer_unseen",
            [leg.answer])
        list.add("ended_at", "time of the event that ends the leg: " + endRule(leg), [ending])
        list.add(
            "setup_us", difference("answered_at − started_at", from: start, to: leg.answer),
            [start, leg.answer])
        list.add(
            "duration_us", difference("ended_at − answered_at", from: leg.answer, to: ending),
            [leg.answer, ending])
    }

    private func difference(_ rule: String, from first: Int, to last: Int?) -> String {
        guard let last, facts[last].time < facts[first].time else { return rule }
        return rule + ", which is negative: 0, flag clock_skew"
    }

    /// Why this event ends a leg.
    private func endRule(_ leg: Leg) -> String {
        guard let end = leg.end else { return "none" }
        switch facts[end].type {
        case .dialogTerminated:
            return "the earliest of its dialog.terminated and of the timeout.* that stand"
        case .ledgerExpired:
            return "no dialog.terminated or timeout.* stands, so its earliest ledger.expired that no proof "
                + "of life has overtaken"
        default:
            return "the earliest of its dialog.terminated and of the timeout.* that stand"
                + (facts[end].byeSent ? " (this one stands: the proxy sent a BYE)" : "")
        }
    }

    /// Why this event ends a call without legs.
    private var endRule: String {
        guard let end else { return "none" }
        return facts[end].type == .ledgerExpired
            ? "no dialog.failed of the final attempt and no timeout.early came, so the earliest "
                + "ledger.expired without a To tag"
            : "the earliest of the timeout.early and of the dialog.failed of the final attempt, "
                + "which has CSeq \(finalAttempt)"
    }

    private func addOutcome(_ leg: Leg?, _ list: inout OriginList) {
        let attempts = attempts
        list.add(
            "attempts",
            attempts.isEmpty
                ? "no dialog.trying came: at least 1"
                : "how many different CSeq the call's dialog.trying have", attempts)
        if let leg {
            addOutcome(of: leg, &list)
        } else if let end {
            addOutcomeWithoutLegs(end, &list)
        }
    }

    private func addOutcome(of leg: Leg, _ list: inout OriginList) {
        list.add("disposition", "answered: the call has a leg", [leg.answer])
        let answer =
            leg.confirmed == nil
            ? "null: no dialog.confirmed of the leg came" : "of the leg's earliest dialog.confirmed"
        list.add("sip_code", answer, [leg.confirmed])
        let hasReason = leg.confirmed.map { facts[$0].sipReason != nil } ?? true
        list.add(
            "sip_reason", hasReason ? answer : "null: the leg's earliest dialog.confirmed has none",
            [leg.confirmed])
        guard let end = leg.end else { return }
        let fact = facts[end]
        switch fact.type {
        case .dialogTerminated:
            list.add("termination", "a dialog.terminated by the \(fact.by?.name ?? "") ends the leg", [end])
            list.add("ended_by", "by of the dialog.terminated that ends the leg", [end])
        case .ledgerExpired:
            list.add("termination", "unterminated: only the ledger presumes the end", [end])
            list.add("ended_by", "ledger: only the ledger presumes the end", [end])
        default:
            list.add("termination", "a \(fact.type.name) ends the leg", [end])
            list.add("ended_by", "proxy: a \(fact.type.name) ends the leg", [end])
        }
        addReason(end, &list)
        let isProven = provesLife(fact: leg.lastProof, of: leg)
        list.add(
            "last_proof_at",
            isProven
                ? "time of the last of the leg's dialog.confirmed, dialog.acked, dialog.alive, "
                    + "refresh.accepted, and refresh.requested by a party, from answered_at to ended_at"
                : "nothing proves life from answered_at to ended_at: answered_at", [leg.lastProof])
    }

    private func addOutcomeWithoutLegs(_ end: Int, _ list: inout OriginList) {
        let fact = facts[end]
        switch fact.type {
        case .dialogFailed:
            list.add("disposition", "by the code of the dialog.failed that ends the call", [end])
            list.add("sip_code", "of the dialog.failed that ends the call", [end])
            list.add(
                "sip_reason",
                fact.sipReason == nil
                    ? "null: the dialog.failed that ends the call has none"
                    : "of the dialog.failed that ends the call", [end])
        case .timeoutEarly:
            list.add("disposition", "no_answer: a timeout.early ends the call", [end])
            list.add("sip_code", "408: a timeout.early ends the call", [end])
            list.add("sip_reason", "null: a timeout.early ends the call", [end])
        default:
            list.add("disposition", "unknown: only the ledger presumes the end", [end])
            list.add("sip_code", "null: only the ledger presumes the end", [end])
            list.add("sip_reason", "null: only the ledger presumes the end", [end])
        }
        list.add("termination", "null: only legs have one")
        list.add(
            "ended_by",
            fact.type == .dialogFailed
                ? "by of the dialog.failed that ends the call"
                : fact.type == .ledgerExpired
                    ? "ledger: only the ledger presumes the end" : "proxy: a timeout.early ends the call",
            [end])
        addReason(end, &list)
        list.add("last_proof_at", "null: only legs have one")
    }

    private func addReason(_ end: Int, _ list: inout OriginList) {
        list.add(
            "reason",
            facts[end].reason == nil ? "null: the ending event has none" : "of the ending event", [end])
    }

    /// Whether a fact proves that somebody lived between answer and end.
    private func provesLife(fact index: Int, of leg: Leg) -> Bool {
        let fact = facts[index]
        return fact.isProofOfLife && fact.time >= leg.answeredAt
            && leg.endedAt.map { fact.time <= $0 } ?? true
    }
}
