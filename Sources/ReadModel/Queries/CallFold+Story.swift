internal import Events
internal import Projections

/// The parts of a story that are in the fold of a call.
extension CallFold {
    func storyEvents() -> [CallStory.Event] {
        let timeline = CallTimeline(self)
        return facts.indices.map { index in
            let step = timeline.steps[index]
            return CallStory.Event(
                position: facts[index].position, time: facts[index].time,
                effects: step.effects.map { effect($0) }, deadlines: storyDeadlines(step.deadlines))
        }
    }

    func storyDeadlines(_ deadlines: [CallTimeline.Deadline]) -> [CallStory.Deadline] {
        deadlines.map { .init(kind: $0.kind, leg: $0.tag < 0 ? nil : number($0.tag), at: $0.at) }
    }

    /// The number of a leg as the whole call has it.
    private func number(_ tag: Int32) -> Int { legs.first { $0.tag == tag }?.number ?? 0 }

    private func effect(_ effect: CallTimeline.Effect) -> CallStory.Effect {
        switch effect {
        case .repeats(let fact): .repeats(facts[fact].position)
        case .opensAttempt(let cseq): .opensAttempt(cseq: cseq)
        case .takesBackCallEnd(let fact): .takesBackCallEnd(facts[fact].position)
        case .rings: .rings
        case .makesLeg(let tag): .makesLeg(number(tag))
        case .setsTimer(let tag, let mark):
            .setsTimer(
                leg: number(tag), interval: mark.interval, refresher: mark.refresher?.name,
                expiresAt: mark.interval > 0 ? mark.expiry : nil)
        case .provesLife(let tag): .provesLife(leg: number(tag))
        case .failsAttempt(let cseq): .failsAttempt(cseq: cseq)
        case .endsCall(let fact): .endsCall(by: facts[fact].position)
        case .endsLeg(let tag, let fact): .endsLeg(number(tag), by: facts[fact].position)
        case .takesBackEnd(let tag, let fact): .takesBackEnd(leg: number(tag), facts[fact].position)
        case .changesNothing: .changesNothing
        }
    }

    /// In the order of their CSeq.
    func storyAttempts() -> [CallStory.Attempt] {
        var firsts: [Int64: Int] = [:]
        var ends: [Int64: Int] = [:]
        for (index, fact) in facts.enumerated() where fact.cseq >= 0 && !fact.isRepeat {
            switch fact.type {
            case .dialogTrying, .dialogEarly: break
            case .dialogConfirmed, .dialogFailed: ends[fact.cseq] = ends[fact.cseq] ?? index
            default: continue
            }
            firsts[fact.cseq] = firsts[fact.cseq] ?? index
        }
        return firsts.keys.sorted().map { cseq in
            let first = facts[firsts[cseq] ?? 0]
            let end = ends[cseq].map { facts[$0] }
            let isFinal = cseq == finalAttempt
            let verdict: CallStory.Attempt.Verdict =
                if end?.type == .dialogConfirmed {
                    .answered
                } else if !isFinal {
                    .superseded
                } else if end != nil {
                    .failed
                } else {
                    legs.isEmpty && self.end == nil ? .open : .noResponse
                }
            return CallStory.Attempt(
                cseq: cseq, startedAt: first.time, position: first.position, verdict: verdict,
                sipCode: end?.sipCode, endPosition: end?.position, isFinal: isFinal)
        }
    }

    func storyLeg(_ leg: Leg, asOf: Timestamp) -> CallStory.LegPart {
        let deadline = CallStory.Deadline(
            kind: expiry(of: leg) == nil ? .lifetime : .sessionExpiry, leg: leg.number, at: deadline(of: leg))
        return CallStory.LegPart(
            number: leg.number, toTag: string(toTag(leg)) ?? "",
            attempt: leg.attempt >= 0 ? leg.attempt : nil, answeredAt: leg.answeredAt,
            isAnswerSeen: leg.confirmed != nil, answerPosition: facts[leg.answer].position,
            endedAt: leg.endedAt,
            endPosition: leg.end.map { facts[$0].position },
            termination: leg.end.flatMap { Termination(facts[$0])?.rawValue }, deadline: deadline,
            lastProofAt: leg.lastProofAt, lastProofPosition: facts[leg.lastProof].position,
            refreshes: leg.refreshes, isHung: isHung(leg, asOf: asOf), overrun: overrun(of: leg, asOf: asOf),
            unproven: unproven(of: leg, asOf: asOf),
            marks: leg.marks.map { index in
                let mark = marks[index]
                return CallStory.TimerMark(
                    position: facts[mark.fact].position, time: mark.time, interval: mark.interval,
                    refresher: mark.refresher?.name, expiresAt: mark.interval > 0 ? mark.expiry : nil,
                    verdict: verdict(onMark: index, of: leg, asOf: asOf)?.name)
            })
    }
}
