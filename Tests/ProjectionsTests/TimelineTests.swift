import Testing

@testable import Events
@testable import Projections
@testable import Simulation

/// What `explain` says of each event: the deadlines are those of the call as it was known up to there, and
/// the ends and legs that the effects speak of add up to those that the whole call has. Tried on random calls
/// that collide, and on realistic traffic.
struct TimelineTests {
    @Test(arguments: 0..<4)
    func addsUpToTheCall(hundred: Int) throws {
        for seed in UInt64(hundred) * 100..<UInt64(hundred) * 100 + 100 {
            var calls = CollidingCalls(seed: seed)
            try check(calls.events(count: 40), "seed \(seed)")
        }
    }

    @Test func addsUpInRealisticTraffic() throws {
        try check(FoldedCalls.traffic(seed: 3, calls: 200), "traffic")
    }

    private func check(_ events: [StatedEvent], _ name: String) throws {
        let calls = FoldedCalls(events)
        var prefix = CallFold(settings: Settings())
        var fresh = CallFold(settings: Settings())
        try calls.eachFold { fold in
            let timeline = CallTimeline(fold)
            #expect(timeline.steps.count == fold.facts.count)
            for (index, step) in timeline.steps.enumerated() {
                #expect(!step.effects.isEmpty)
                // As if nothing had been told yet of what comes later.
                prefix.fold(first: index + 1, of: fold)
                let told = fold.facts[...index].compactMap { calls.events[$0.position.rawValue] }
                fresh.fold(try calls.state(of: told), sources: calls.sources)
                #expect(Self.summary(prefix) == Self.summary(fresh), "\(name), event \(index)")
                #expect(Set(step.deadlines) == Set(prefix.deadlines), "\(name), event \(index)")
                #expect(step.deadlines.first?.at == prefix.nextDeadline)
                let isTold = Self.tellsProof(step, index, prefix)
                #expect(isTold, "\(name), event \(index)")
            }
            addUp(timeline, fold, name)
        }
    }

    /// Legs by their tags as text, with what a deadline depends on.
    private static func summary(_ fold: borrowing CallFold) -> [String] {
        var lines = ["\(fold.finalAttempt) \(String(describing: fold.end.map { fold.facts[$0].position }))"]
        for leg in fold.legs {
            let tag = String(decoding: fold.bytes[fold.toTag(leg).range], as: UTF8.self)
            let end = leg.end.map { fold.facts[$0].position }
            let marks = fold.marks[leg.marks].map { "\($0.time.rawValue)+\($0.interval)" }
            lines.append(
                "\(tag) \(leg.answeredAt) \(String(describing: end)) \(leg.lastProofAt) \(fold.deadline(of: leg))"
                    + " \(marks)")
        }
        return lines
    }

    /// Whether the last proof of life of a leg so far is told as one, unless it makes the leg.
    private static func tellsProof(
        _ step: CallTimeline.Step, _ index: Int, _ known: borrowing CallFold
    ) -> Bool {
        let fact = known.facts[index]
        guard fact.isProofOfLife, known.legs.contains(where: { $0.tag == fact.tag && $0.lastProof == index })
        else { return true }
        return step.effects.contains {
            switch $0 {
            case .provesLife(let tag), .makesLeg(let tag): tag == fact.tag
            default: false
            }
        }
    }

    /// Goes through the effects as somebody who reads them.
    private func addUp(_ timeline: CallTimeline, _ fold: borrowing CallFold, _ name: String) {
        var callEnd: Int?
        var ends: [Int32: Int?] = [:]
        var attempts: Set<Int64> = []
        for (index, step) in timeline.steps.enumerated() {
            for effect in step.effects {
                switch effect {
                case .opensAttempt(let cseq): #expect(attempts.insert(cseq).inserted)
                case .takesBackCallEnd(let end):
                    #expect(callEnd == end)
                    callEnd = nil
                case .endsCall(let end):
                    #expect(callEnd == nil)
                    callEnd = end
                case .makesLeg(let tag):
                    #expect(ends[tag] == nil)
                    ends[tag] = .some(nil)
                case .takesBackEnd(let tag, let end):
                    #expect(ends[tag] == end)
                    ends[tag] = .some(nil)
                case .endsLeg(let tag, let end):
                    #expect(ends[tag] == .some(nil))
                    ends[tag] = end
                case .repeats(let original):
                    #expect(original < index)
                    #expect(fold.facts[index].isRepeat && !fold.facts[original].isRepeat)
                case .setsTimer, .provesLife, .rings, .failsAttempt, .changesNothing: break
                }
            }
        }
        #expect(callEnd == fold.end, "\(name)")
        #expect(ends.count == fold.legs.count)
        for leg in fold.legs { #expect(ends[leg.tag] == .some(leg.end), "\(name)") }
        #expect(attempts == Set(fold.facts.filter { $0.type.belongsToAttempt }.map(\.cseq)))
    }
}
