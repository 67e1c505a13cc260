/// The plain preset: four events a call.
extension Traffic {
    mutating func plainTrying(_ call: inout OpenCall) -> Statement {
        let draw = random.below(16)
        call.interval = draw < 10 ? 1_800 : draw < 13 ? 600 : 300
        call.callerSequence += 1
        call.phase = .plainConfirmed
        call.nextAt = clock + random.between(1_500_000, 12_000_000)
        var statement = base(.trying, call)
        statement.cseq = call.callerSequence
        statement.parts = [.cseq, .parties, .callerAgent, .session, .account]
        statement.session.present = [.expires, .minimum, .supported]
        statement.session.expires = call.interval
        statement.session.minimum = 90
        statement.session.supported = true
        statement.session.refresher = .uac
        return statement
    }

    mutating func plainConfirmed(_ call: inout OpenCall) -> Statement {
        let time = clock
        let interval = interval(of: call)
        // One refresh at half the interval must be enough.
        let duration = min(settings.durations.drawn(&random), interval * 4 / 3)
        call.endAt = time + duration
        call.phase = .plainMiddle
        call.refreshMethod = duration > interval / 2 ? .update : .none
        call.nextAt = time + (call.refreshMethod == .none ? random.between(10_000, 90_000) : interval / 2)
        call.nextAt = min(call.nextAt, call.endAt)
        var statement = base(.confirmed, call)
        statement.cseq = call.callerSequence
        statement.code = 200
        statement.number = call.interval
        statement.parts = [.toTag, .cseq, .calleeAgent, .session, .lifetime]
        statement.session.present = [.expires, .supported, .require]
        statement.session.expires = call.interval
        statement.session.supported = true
        statement.session.require = true
        statement.session.refresher = .uac
        return statement
    }

    mutating func plainMiddle(_ call: inout OpenCall) -> Statement {
        call.phase = .plainEnd
        call.nextAt = call.endAt
        if call.refreshMethod == .none {
            var statement = base(.acked, call)
            statement.parts = .toTag
            return statement
        }
        var statement = base(.refreshAccepted, call)
        statement.cseq = call.callerSequence + 1
        statement.code = 200
        statement.method = .update
        statement.by = .caller
        statement.parts = [.toTag, .cseq, .session]
        statement.session.present = [.expires, .require]
        statement.session.expires = call.interval
        statement.session.require = true
        statement.session.refresher = .uac
        return statement
    }

    mutating func plainEnd(_ call: inout OpenCall) -> Statement {
        call.phase = .gone
        var statement = base(.terminated, call)
        statement.by = random.chance(0.56) ? .caller : .callee
        statement.reason = .normal
        statement.parts = [.toTag, .quality]
        return statement
    }
}
