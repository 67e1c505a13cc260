/// How an answered call goes on: ACK, refreshes, pings, its end, and what follows where the end is lost.
extension Traffic {
    mutating func confirm(_ call: inout OpenCall) -> Statement {
        let source = Int(call.source)
        let habits = sources[source].habits
        if call.plan.contains(.fork) { call.leg = UInt8(random.below(3)) }
        call.answeredAt = clock
        call.endAt = clock + settings.durations.drawn(&random)
        call.calleeSequence = UInt32(random.below(1_000))
        var statement = base(.confirmed, call)
        statement.cseq = call.callerSequence
        statement.code = 200
        statement.session = answer(&call)
        statement.parts = [.toTag, .cseq, .calleeAgent, .session, .lifetime]
        if call.interval > 0 && habits.watchesSession { call.plan.insert(.watched) }
        call.lifetime = call.plan.contains(.watched) ? call.interval : habits.lifetime
        statement.number = call.lifetime
        let cutAt = clock + Int64(call.lifetime) * 1_000_000
        if !call.plan.contains(.watched) && call.endAt >= cutAt {
            call.endAt = cutAt
            call.plan.insert(.hung)
            call.plan.remove(.silent)
        }
        call.plan.insert(.counted)
        sources[source].active += 1
        mark(&call)
        if habits.pingSeconds > 0 { call.pingAt = clock + habits.pingSeconds * 1_000_000 }
        if call.plan.contains(.reinvite) {
            call.holdAt = clock + 1_000_000 + random.between(0, call.endAt - clock)
        }
        if call.plan.contains(.noAck) {
            call.phase = .noAck
            call.nextAt = clock + 32_000_000
            call.endAt = max(call.endAt, clock + 40_000_000)
        } else {
            call.phase = .ack
            call.nextAt = clock + random.between(8_000, 120_000)
        }
        if call.plan.contains(.answeredTwice) { answerAgain(statement, call) }
        return stated(statement, call, fromCallee: true)
    }

    /// A second place answers at nearly the same time, and the caller hangs up on it.
    private mutating func answerAgain(_ confirmed: Statement, _ call: OpenCall) {
        var other = confirmed
        other.leg = call.leg + 1
        other.time += random.between(3_000, 60_000)
        agenda.insert(.held, held.insert(other), at: other.time)
        other.type = .acked
        other.cseq = 0
        other.code = 0
        other.parts = .toTag
        other.time += random.between(8_000, 90_000)
        agenda.insert(.held, held.insert(other), at: other.time)
        other.type = .terminated
        other.by = .caller
        other.time += random.between(1_000, 9_000)
        agenda.insert(.held, held.insert(other), at: other.time)
    }

    mutating func ack(_ call: inout OpenCall) -> Statement {
        var statement = base(.acked, call)
        statement.parts = .toTag
        call.phase = .talk
        schedule(&call)
        return stated(statement, call)
    }

    mutating func noAck(_ call: inout OpenCall) -> Statement {
        let statement = timeout(.timeoutNoAck, call)
        if statement.parts.contains(.byeSent) || random.chance(0.3) {
            call.phase = .gone
        } else {
            call.phase = .talk
            schedule(&call)
        }
        return statement
    }

    /// Sets the time of whatever comes next in the dialog.
    private func schedule(_ call: inout OpenCall) {
        call.nextAt = min(min(call.refreshAt, call.pingAt), min(call.holdAt, call.endAt))
        if call.plan.contains(.watched) { call.nextAt = min(call.nextAt, cutAt(call)) }
    }

    /// When a proxy that watches the session ends it.
    private func cutAt(_ call: OpenCall) -> Int64 { call.expiresAt + 400_000 }

    mutating func talk(_ call: inout OpenCall) -> Statement? {
        let time = clock
        if time >= call.endAt { return end(&call) }
        if call.plan.contains(.watched) && time >= cutAt(call) {
            call.plan.remove(.watched)
            call.refreshAt = OpenCall.never
            let statement = timeout(.timeoutSession, call)
            if statement.parts.contains(.byeSent) || random.chance(0.6) { call.phase = .gone }
            schedule(&call)
            return statement
        }
        if time >= call.refreshAt {
            call.refreshAt = OpenCall.never
            return refresh(&call)
        }
        if time >= call.holdAt {
            call.holdAt = OpenCall.never
            call.plan.insert(.refreshIsHold)
            return refresh(&call)
        }
        if time >= call.pingAt {
            call.pingAt = time + sources[Int(call.source)].habits.pingSeconds * 1_000_000
            schedule(&call)
            var statement = base(.alive, call)
            statement.parts = .toTag
            statement.by = random.chance(0.5) ? .caller : .callee
            return statement
        }
        schedule(&call)
        return nil
    }

    private mutating func end(_ call: inout OpenCall) -> Statement? {
        if call.plan.contains(.hung) { return hang(&call) }
        call.phase = .gone
        var statement = base(.terminated, call)
        statement.parts = .toTag
        if call.plan.contains(.byAdmin) {
            statement.by = .admin
        } else if call.plan.contains(.byProxy) {
            statement.by = .proxy
            statement.reason = .credit
        } else if call.plan.contains(.endsForExpiry) {
            statement.by = call.refresher.opposite
            statement.reason = .sessionExpired
        } else {
            statement.by = random.chance(0.56) ? .caller : .callee
            if random.chance(0.4) { statement.reason = .normal }
            if random.chance(0.25) { statement.parts.insert(.quality) }
        }
        let byParty = statement.by == .caller || statement.by == .callee
        return stated(statement, call, fromCallee: statement.by == .callee, alone: !byParty)
    }

    /// The end is lost. What the proxy notices first, if anything, is all that will be stated.
    mutating func hang(_ call: inout OpenCall) -> Statement? {
        let habits = sources[Int(call.source)].habits
        call.phase = .gone
        if call.plan.contains(.silent) { return nil }
        let time = clock
        call.phase = .watch
        call.watchFor = .timeoutLifetime
        call.nextAt = max(time, call.answeredAt + Int64(call.lifetime) * 1_000_000)
        if call.plan.contains(.watched) {
            call.watchFor = .timeoutSession
            call.nextAt = max(time, call.expiresAt + random.between(0, 900_000))
        }
        let pingAt = time + habits.pingSeconds * 1_500_000
        if habits.pingSeconds > 0 && pingAt < call.nextAt {
            call.watchFor = .timeoutPing
            call.nextAt = pingAt
        }
        let mediaAt = time + 60_000_000
        if habits.watchesMedia && mediaAt < call.nextAt {
            call.watchFor = .timeoutMedia
            call.nextAt = mediaAt
        }
        return nil
    }

    mutating func watch(_ call: inout OpenCall) -> Statement {
        let statement = timeout(call.watchFor, call)
        if statement.parts.contains(.byeSent) || random.chance(0.9) {
            call.phase = .gone
        } else {
            // The proxy was wrong, or nobody has told the parties: one of them hangs up later.
            call.phase = .talk
            call.plan.remove([.hung, .watched])
            call.refreshAt = OpenCall.never
            call.pingAt = OpenCall.never
            call.holdAt = OpenCall.never
            call.endAt = clock + random.between(5_000_000, 400_000_000)
            call.nextAt = call.endAt
        }
        return statement
    }

    private mutating func timeout(_ type: Statement.Kind, _ call: OpenCall) -> Statement {
        var statement = base(type, call)
        statement.parts = .toTag
        if type == .timeoutLifetime {
            statement.parts.insert(.lifetime)
            statement.number = call.lifetime
        }
        if type == .timeoutPing { statement.reason = .ping }
        if sources[Int(call.source)].habits.sendsBye {
            statement.parts.insert(.byeSent)
        } else if random.chance(0.8) {
            statement.parts.insert(.noByeSent)
        }
        return statement
    }

    /// The source is down: what happens now, nobody sees.
    mutating func pass(_ call: inout OpenCall) -> Statement? {
        switch call.phase {
        case .talk where clock >= call.endAt:
            call.plan.insert(.hung)
            return hang(&call)
        case .talk, .watch, .refreshAnswer:
            if call.phase == .refreshAnswer { call.phase = .talk }
            if clock >= call.refreshAt { mark(&call) }
            call.nextAt = clock + 3_000_000
        default:
            call.phase = .gone
        }
        return nil
    }
}

/// Refreshes: a re-INVITE or UPDATE and its answer.
extension Traffic {
    private mutating func refresh(_ call: inout OpenCall) -> Statement {
        let hold = call.plan.contains(.refreshIsHold)
        let refresher = call.refresher == .nobody ? Statement.Party.caller : call.refresher
        var by = hold ? (random.chance(0.5) ? Statement.Party.caller : .callee) : refresher
        let agent = agents[Int(refresher == .caller ? call.callerAgent : call.calleeAgent)]
        if !hold && agent.pace == .otherSide { by = by.opposite }
        call.refreshBy = by
        call.refreshMethod = hold ? .invite : agent.method
        // Each side names the refresher from where it stands; now and then one of them forgets, or swaps.
        call.refreshFields = call.refresher == .nobody ? .none : by == call.refresher ? .uac : .uas
        if random.chance(0.01) { call.refreshFields = call.refreshFields == .uac ? .uas : .none }
        call.refusal = 0
        if random.chance(settings.mix.refreshFails) {
            call.refusal = [491, 408, 481, 422, 500, 488][random.below(6)]
            let asksForMore = call.interval > 0 && !call.plan.contains(.refreshRetried)
            if call.refusal == 422 && !asksForMore { call.refusal = 491 }
        }
        call.phase = .refreshAnswer
        call.nextAt =
            clock
            + (call.refusal == 408 ? random.between(31_900_000, 32_100_000) : random.between(9_000, 140_000))
        var statement = base(.refreshRequested, call)
        statement.cseq = call.nextSequence(of: by)
        statement.method = call.refreshMethod
        statement.by = by
        statement.parts = [.toTag, .cseq, .session]
        statement.session = refreshOffer(&call)
        return stated(statement, call, fromCallee: by == .callee)
    }

    mutating func refreshAnswer(_ call: inout OpenCall) -> Statement {
        var statement = base(call.refusal == 0 ? .refreshAccepted : .refreshFailed, call)
        statement.cseq = call.sequence(of: call.refreshBy)
        statement.method = call.refreshMethod
        statement.by = call.refreshBy
        statement.parts = [.toTag, .cseq]
        statement.code = call.refusal == 0 ? 200 : call.refusal
        call.phase = .talk
        call.plan.remove(.refreshIsHold)
        if call.refusal == 0 {
            statement.parts.insert(.session)
            statement.session = refreshAnswerFields(&call)
            let expiredAt = call.expiresAt
            mark(&call)
            if call.plan.contains(.watched) && random.chance(settings.mix.refreshMissed) {
                call.expiresAt = expiredAt
            }
        } else {
            refreshFailed(&call, &statement)
        }
        schedule(&call)
        return stated(statement, call, fromCallee: call.refreshBy == .caller, alone: call.refusal == 408)
    }

    private mutating func refreshFailed(_ call: inout OpenCall, _ statement: inout Statement) {
        let time = clock
        switch call.refusal {
        case 491:
            call.refreshAt = time + random.between(2_100_000, 4_000_000)
        case 422:
            call.interval = max(call.interval * 2, 90)
            if !random.chance(0.05) {
                statement.parts.insert(.session)
                statement.session.present = .minimum
                statement.session.minimum = call.interval
                call.demanded = call.interval
            }
            call.plan.insert(.refreshRetried)
            call.refreshAt = time + random.between(20_000, 200_000)
        case 408, 481:
            // RFC 4028 (10) has the refresher hang up; some never do.
            if random.chance(0.6) { call.endAt = min(call.endAt, time + random.between(50_000, 3_000_000)) }
        default:
            call.refreshAt = time + random.between(5_000_000, 15_000_000)
        }
    }
}
