package import Events

/// What the events of a call did, one after another in canonical order, each judged by what the ones before
/// it had told: the way in which somebody would have watched the call.
package struct CallTimeline: Sendable {
    /// What an event did. Legs are named by their tag, an index of the fold's `tags`; events by their place
    /// among the fold's facts.
    package enum Effect: Sendable {
        /// An earlier event states the same: only its source, position and extra count.
        case repeats(Int)
        case opensAttempt(Int64)
        /// The call had ended by that event, and goes on, or ends by another.
        case takesBackCallEnd(Int)
        case rings
        case makesLeg(Int32)
        /// A mark of the session timer: seconds, who is to refresh, when it expires; 0 seconds for none.
        case setsTimer(Int32, Mark)
        case provesLife(Int32)
        case failsAttempt(Int64)
        /// The call ends by that event: mostly this very one.
        case endsCall(Int)
        case endsLeg(Int32, Int)
        /// The leg had ended by that event, and lives, or ends by another: a party hung up after the proxy
        /// had given up, or lived on after the ledger had.
        case takesBackEnd(Int32, Int)
        /// It came after the leg's end, or says nothing that a record is made of.
        case changesNothing
    }

    /// When something that is open would be judged to be overdue.
    package struct Deadline: Hashable, Sendable {
        package enum Kind: String, Sendable {
            /// The call is unanswered: its start and the time allowed for an answer.
            case unanswered
            case sessionExpiry = "session_expiry"
            case lifetime
        }

        package let kind: Kind
        /// The leg, an index of the fold's `tags`; -1 for an unanswered call.
        package let tag: Int32
        package let at: Timestamp
    }

    package struct Step: Sendable {
        /// Never empty.
        package let effects: [Effect]
        /// Of all that is open after the event, the earliest first.
        package let deadlines: [Deadline]
    }

    /// As many as the call has facts.
    package private(set) var steps: [Step] = []

    package init(_ whole: borrowing CallFold) {
        var before = CallFold(settings: whole.settings)
        var after = CallFold(settings: whole.settings)
        // What before was folded from; 0 for nothing.
        var folded = 0
        for index in whole.facts.indices {
            let fact = whole.facts[index]
            if fact.isRepeat || (folded > 0 && fact.leavesCallAsItIs(before)) {
                let deadlines = steps.last?.deadlines ?? []
                steps.append(Step(effects: Self.smallEffects(index, whole, before), deadlines: deadlines))
                continue
            }
            after.fold(first: index + 1, of: whole)
            steps.append(
                Step(
                    effects: Self.effects(index, before, after, isFirst: folded == 0),
                    deadlines: after.deadlines))
            folded = index + 1
            swap(&before, &after)
        }
    }

    /// Of a fact that makes no leg, sets no timer and ends nothing.
    private static func smallEffects(
        _ index: Int, _ whole: borrowing CallFold, _ before: borrowing CallFold
    ) -> [Effect] {
        let fact = whole.facts[index]
        if fact.isRepeat {
            let original = whole.facts[..<index].firstIndex {
                !$0.isRepeat && $0.statesTheSame(as: fact, in: whole.bytes)
            }
            return [.repeats(original ?? 0)]
        }
        let leg = before.legs.first { $0.tag == fact.tag }
        // What came in the microsecond of the end is still a proof.
        guard let leg, fact.isProofOfLife, leg.endedAt.map({ fact.time <= $0 }) ?? true else {
            return [.changesNothing]
        }
        return [.provesLife(fact.tag)]
    }

    private static func effects(
        _ index: Int, _ before: borrowing CallFold, _ after: borrowing CallFold, isFirst: Bool
    ) -> [Effect] {
        let fact = after.facts[index]
        var effects: [Effect] = []
        if fact.type.belongsToAttempt, isFirst || !before.hasAttempt(fact.cseq) {
            effects.append(.opensAttempt(fact.cseq))
        }
        let oldEnd = isFirst ? nil : before.end
        if let oldEnd, after.end != oldEnd { effects.append(.takesBackCallEnd(oldEnd)) }
        if after.ringing == index { effects.append(.rings) }
        for leg in after.legs {
            let known = isFirst ? nil : before.leg(leg.tag)
            if known == nil { effects.append(.makesLeg(leg.tag)) }
            // Marks that the proxy's end had hidden may be back, but only the event's own are its doing.
            for mark in leg.marks where after.marks[mark].fact == index {
                effects.append(.setsTimer(leg.tag, after.marks[mark]))
            }
            if let end = known?.end, leg.end != end { effects.append(.takesBackEnd(leg.tag, end)) }
            if let end = leg.end, end != known?.end {
                effects.append(.endsLeg(leg.tag, end))
            }
            if leg.lastProof == index, fact.isProofOfLife, known != nil {
                effects.append(.provesLife(leg.tag))
            }
        }
        if fact.type == .dialogFailed { effects.append(.failsAttempt(fact.cseq)) }
        if let end = after.end, end != oldEnd { effects.append(.endsCall(end)) }
        return effects.isEmpty ? [.changesNothing] : effects
    }
}

extension CallFold {
    /// When what is open would be judged to be overdue, the earliest first.
    package var deadlines: [CallTimeline.Deadline] {
        if legs.isEmpty {
            return end == nil ? [.init(kind: .unanswered, tag: -1, at: unansweredDeadline)] : []
        }
        return legs.filter { $0.end == nil }.map { leg in
            .init(
                kind: expiry(of: leg) == nil ? .lifetime : .sessionExpiry, tag: leg.tag, at: deadline(of: leg)
            )
        }.sorted { $0.at == $1.at ? $0.tag < $1.tag : $0.at < $1.at }
    }

    fileprivate func leg(_ tag: Int32) -> Leg? { legs.first { $0.tag == tag } }

    fileprivate func hasAttempt(_ cseq: Int64) -> Bool {
        facts.contains { $0.type.belongsToAttempt && $0.cseq == cseq }
    }
}

extension Fact {
    /// Whether this is proof that somebody lived, if it comes between answer and end.
    package var isProofOfLife: Bool {
        switch type {
        case .dialogConfirmed, .dialogAcked, .dialogAlive, .refreshAccepted: true
        case .refreshRequested: by == .caller || by == .callee
        default: false
        }
    }

    /// Whether legs, their timers and ends are the same with and without this fact: of a leg that is there it
    /// says that it lives, or that somebody wants to refresh it.
    fileprivate func leavesCallAsItIs(_ known: borrowing CallFold) -> Bool {
        switch type {
        case .dialogAcked, .dialogAlive, .refreshRequested, .refreshFailed:
            known.legs.contains { $0.tag == tag }
        default: false
        }
    }
}
