/// How a call begins: attempts, refusals, ringing, and what comes of it.
extension Traffic {
    /// Begins a call, and sees to the next.
    mutating func arrive() -> Statement? {
        if callsBegun + callsTurnedAway + 1 < callsMax {
            let gap = random.exponential(mean: meanGapMicroseconds)
            agenda.insert(.arrival, 0, at: clock + Int64(gap))
        }
        guard calls.count < TrafficLimits.openCallsMax, let source = sourceForCall() else {
            callsTurnedAway += 1
            return nil
        }
        callsBegun += 1
        let caller = UInt32(random.below(settings.subscribers))
        let callee = UInt32(random.below(settings.subscribers))
        var call = OpenCall(
            seed: random.next(), nextAt: clock, caller: caller, callee: callee,
            callerSequence: UInt32(random.below(200)), life: sources[source].life, source: UInt16(source),
            callerAgent: agent(of: caller), calleeAgent: agent(of: callee))
        let statement: Statement
        if settings.preset == .plain {
            statement = plainTrying(&call)
        } else {
            plan(&call)
            statement = invite(&call)
        }
        let slot = calls.insert(call)
        agenda.insert(.call, slot, at: call.nextAt)
        return statement
    }

    /// The next step of an open call.
    @inline(__always)
    mutating func step(_ slot: UInt32) -> Statement? {
        var call = calls[slot]
        let statement = perform(&call)
        if call.phase == .gone {
            leave(call)
            calls.remove(slot)
        } else {
            calls[slot] = call
            agenda.insert(.call, slot, at: max(call.nextAt, clock))
        }
        return statement
    }

    @inline(__always)
    private mutating func perform(_ call: inout OpenCall) -> Statement? {
        switch call.phase {
        case .plainConfirmed: return plainConfirmed(&call)
        case .plainMiddle: return plainMiddle(&call)
        case .plainEnd: return plainEnd(&call)
        default: break
        }
        let source = Int(call.source)
        if sources[source].life != call.life && !sources[source].habits.keepsDialogs {
            call.phase = .gone
            return nil
        }
        if !sources[source].isUp { return pass(&call) }
        switch call.phase {
        case .invite: return invite(&call)
        case .refused: return refused(&call)
        case .ringing: return ringing(&call)
        case .outcome: return outcome(&call)
        case .ack: return ack(&call)
        case .noAck: return noAck(&call)
        case .talk: return talk(&call)
        case .refreshAnswer: return refreshAnswer(&call)
        case .watch: return watch(&call)
        case .gone, .plainConfirmed, .plainMiddle, .plainEnd: return nil
        }
    }

    private mutating func sourceForCall() -> Int? {
        let first = random.below(sources.count)
        for offset in 0..<sources.count {
            let index = (first + offset) % sources.count
            if sources[index].isUp { return index }
        }
        return nil
    }

    /// Decides, by the mix, what becomes of a call.
    private mutating func plan(_ call: inout OpenCall) {
        let mix = settings.mix
        if random.chance(mix.challenged) { call.plan.insert(.challenge) }
        if random.chance(0.1) { call.plan.insert(.challengeByCallee) }
        if random.chance(mix.redirectFollowed) { call.plan.insert(.redirect) }
        if random.chance(mix.lossy) { call.plan.insert(.lossy) }
        if random.chance(mix.twoProxies) && sources.count > 1 {
            call.second = UInt16((Int(call.source) + 1 + random.below(sources.count - 1)) % sources.count)
        }
        planOutcome(&call, draw: random.unit())
        if call.outcome == .answered { planAnswered(&call) }
        if call.plan.contains(.fork) { call.ringsLeft = UInt8(2 + random.below(3)) }
    }

    private mutating func planOutcome(_ call: inout OpenCall, draw: Double) {
        let mix = settings.mix
        let choice = Double(random.below(1_000)) / 1_000
        var rest = draw
        func falls(_ share: Double) -> Bool {
            rest -= share
            return rest < 0
        }
        call.outcome = .failed
        if falls(mix.busy) {
            call.code = choice < 0.95 ? 486 : 600
            call.ringsLeft = choice < 0.3 ? 1 : 0
        } else if falls(mix.cancelled) {
            call.code = 487
            call.failedBy = .caller
            call.ringsLeft = 1
        } else if falls(mix.noAnswer) {
            call.ringsLeft = choice < 0.9 ? 1 : 2
            if choice < 0.3 { call.outcome = .timeoutEarly } else { call.code = choice < 0.8 ? 480 : 408 }
        } else if falls(mix.rejected) {
            call.code = choice < 0.5 ? 403 : choice < 0.85 ? 603 : choice < 0.95 ? 607 : 608
            if call.code == 403 {
                call.plan.insert(.scanner)
                call.plan.remove([.challenge, .redirect])
                call.callerAgent = UInt8(agents.count - 1)
                call.failedBy = .proxy
                if choice < 0.25 { call.code = choice < 0.15 ? 407 : 401 }
            }
        } else if falls(mix.notFound) {
            call.code = choice < 0.7 ? 404 : choice < 0.85 ? 484 : 410
        } else if falls(mix.redirected) {
            call.code = 302
        } else if falls(mix.congestion) {
            call.code = 503
        } else if falls(mix.failed) {
            call.code = choice < 0.4 ? 488 : choice < 0.8 ? 500 : 502
        } else if falls(mix.abandoned) {
            call.outcome = .abandoned
            call.ringsLeft = 1
        } else {
            call.outcome = .answered
        }
    }

    private mutating func planAnswered(_ call: inout OpenCall) {
        let mix = settings.mix
        call.ringsLeft = random.chance(0.06) ? 0 : random.chance(0.85) ? 1 : 2
        if random.chance(mix.forked) {
            call.plan.insert(.fork)
            if random.chance(mix.answeredTwice) { call.plan.insert(.answeredTwice) }
        }
        if random.chance(mix.reinvited) { call.plan.insert(.reinvite) }
        if random.chance(mix.unacknowledged) { call.plan.insert(.noAck) }
        if random.chance(mix.hung) {
            call.plan.insert(.hung)
            if random.chance(mix.hungSilently) { call.plan.insert(.silent) }
        } else if random.chance(mix.endedByAdmin) {
            call.plan.insert(.byAdmin)
        } else if random.chance(mix.endedByProxy) {
            call.plan.insert(.byProxy)
        }
    }

    private mutating func invite(_ call: inout OpenCall) -> Statement {
        call.callerSequence += 1
        var statement = base(.trying, call)
        statement.cseq = call.callerSequence
        statement.parts = [.cseq, .parties, .callerAgent, .session]
        if !call.plan.contains(.scanner) { statement.parts.insert(.account) }
        statement.session = offer(&call)
        call.phase = .refused
        if call.plan.contains(.challenge) {
            call.refusal = call.plan.contains(.challengeByCallee) ? 401 : 407
            call.nextAt = clock + random.between(700, call.refusal == 401 ? 60_000 : 4_000)
        } else if isRefusedForInterval(call) {
            call.refusal = 422
            call.nextAt = clock + random.between(9_000, 90_000)
        } else if call.plan.contains(.redirect) {
            call.refusal = 302
            call.nextAt = clock + random.between(40_000, 200_000)
        } else if call.ringsLeft > 0 {
            call.phase = .ringing
            call.nextAt = clock + Int64(random.logNormal(median: 900_000, sigma: 0.7))
        } else {
            call.phase = .outcome
            let median = call.outcome == .answered ? 400_000.0 : call.failedBy == .proxy ? 1_500 : 120_000
            call.nextAt = clock + Int64(random.logNormal(median: median, sigma: 0.6))
        }
        return stated(statement, call, alone: call.refusal == 407 && call.phase == .refused)
    }

    /// An attempt is refused that the caller may repeat.
    private mutating func refused(_ call: inout OpenCall) -> Statement {
        var statement = base(.failed, call)
        statement.cseq = call.callerSequence
        statement.code = call.refusal
        statement.by = call.refusal == 407 ? .proxy : .callee
        statement.parts = call.refusal == 407 ? .cseq : [.cseq, .toTag]
        statement.leg = UInt8(truncatingIfNeeded: 200 + call.callerSequence % 50)
        call.phase = .invite
        call.nextAt = clock + random.between(6_000, 60_000)
        switch call.refusal {
        case 302:
            call.plan.remove(.redirect)
            statement = stated(statement, call, fromCallee: true)
            call.callee = UInt32(random.below(settings.subscribers))
            call.calleeAgent = agent(of: call.callee)
            return statement
        case 422:
            refuseInterval(&call, &statement)
            return stated(statement, call, fromCallee: true)
        default:
            call.plan.remove(.challenge)
            return stated(statement, call, fromCallee: true, alone: call.refusal == 407)
        }
    }

    private mutating func ringing(_ call: inout OpenCall) -> Statement {
        var statement = base(.early, call)
        let forked = call.plan.contains(.fork)
        call.ringsLeft -= 1
        statement.leg = forked ? call.ringsLeft : 0
        statement.cseq = call.callerSequence
        let draw = random.below(100)
        statement.code = draw < 75 ? 180 : draw < 97 ? 183 : draw < 99 ? 181 : 199
        statement.parts = draw == 98 ? .cseq : [.cseq, .toTag]
        if call.ringsLeft > 0 {
            call.nextAt = clock + random.between(forked ? 2_000 : 300_000, forked ? 400_000 : 2_500_000)
        } else {
            call.phase = .outcome
            call.nextAt = clock + ringMicroseconds(call)
        }
        return stated(statement, call, fromCallee: true)
    }

    private mutating func ringMicroseconds(_ call: OpenCall) -> Int64 {
        if call.outcome == .timeoutEarly { return random.between(119_000_000, 121_000_000) }
        switch call.code {
        case 480, 408: return random.between(20_000_000, 60_000_000)
        case 487: return 900_000 + Int64(random.exponential(mean: 13_000_000))
        case 0: return Int64(min(random.logNormal(median: 6_500_000, sigma: 0.8), 110_000_000))
        default: return Int64(random.logNormal(median: 3_000_000, sigma: 0.8))
        }
    }

    private mutating func outcome(_ call: inout OpenCall) -> Statement? {
        if call.outcome == .answered { return confirm(&call) }
        call.phase = .gone
        if call.outcome == .abandoned { return nil }
        var statement = base(call.outcome == .failed ? .failed : .timeoutEarly, call)
        statement.cseq = call.callerSequence
        statement.parts = .cseq
        if call.outcome == .timeoutEarly { return statement }
        statement.code = call.code
        statement.by = call.failedBy
        if call.failedBy == .callee { statement.parts.insert(.toTag) }
        if call.code == 487 { statement.reason = .cancelled }
        if call.code == 503 { statement.reason = .congestion }
        return stated(statement, call, fromCallee: true, alone: call.failedBy == .proxy)
    }
}

/// Making statements, and letting others state the same.
extension Traffic {
    @inline(__always)
    func base(_ type: Statement.Kind, _ call: OpenCall) -> Statement {
        var statement = Statement()
        statement.type = type
        statement.time = clock
        statement.seed = call.seed
        statement.source = call.source
        statement.caller = call.caller
        statement.callee = call.callee
        statement.callerAgent = call.callerAgent
        statement.calleeAgent = call.calleeAgent
        statement.leg = call.leg
        return statement
    }

    /// The statement, after the second proxy on the path and retransmissions have been seen to. `alone`:
    /// the second proxy saw nothing of it.
    mutating func stated(
        _ statement: Statement, _ call: OpenCall, fromCallee: Bool = false, alone: Bool = false
    ) -> Statement {
        var first = statement
        if call.second != OpenCall.noSecond && !alone {
            var next = statement
            if fromCallee { first.source = call.second } else { next.source = call.second }
            next.time += random.between(180, 900)
            next.session = statement.session.asForwarded
            agenda.insert(.held, held.insert(next), at: next.time)
            if !sources[Int(first.source)].isUp { first.source = statement.source }
        }
        if call.plan.contains(.lossy) && random.chance(0.35) {
            var again = first
            again.time += 500_000
            agenda.insert(.held, held.insert(again), at: again.time)
        }
        return first
    }

    /// The call is closed: its source holds one dialog less.
    private mutating func leave(_ call: OpenCall) {
        let source = Int(call.source)
        if call.plan.contains(.counted)
            && (sources[source].life == call.life || sources[source].habits.keepsDialogs)
        {
            sources[source].active -= 1
        }
    }
}
