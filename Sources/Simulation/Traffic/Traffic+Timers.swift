/// What the parties and their proxy make of session timers (RFC 4028).
extension Traffic {
    /// The session fields of the call's next INVITE.
    mutating func offer(_ call: inout OpenCall) -> Statement.Session {
        let agent = agents[Int(call.callerAgent)]
        var fields = Statement.Session()
        fields.present = .supported
        fields.supported = agent.timer == .supported
        if agent.interval > 0 {
            let demanded = agent.retries == .ignoresMinimum ? 0 : call.demanded
            fields.present.insert(.expires)
            fields.expires = max(agent.interval, demanded)
            fields.minimum = max(agent.minimum, demanded)
            if fields.minimum > 0 { fields.present.insert(.minimum) }
            fields.refresher = agent.asks
        }
        if sources[Int(call.source)].habits.insertsTimer && !call.plan.contains(.scanner) {
            let without = fields.effectiveExpires == 0
            let lowers = fields.expires > 1_800 && fields.minimum <= 1_800
            if lowers || without && (fields.supported || random.chance(0.2)) {
                fields.present.insert(.forwardedExpires)
                fields.forwardedExpires = 1_800
            }
        }
        if random.chance(settings.mix.proxyMeddles) { meddle(&fields) }
        call.offered = fields.effectiveExpires
        call.offeredMinimum = fields.effectiveMinimum
        call.asked = fields.effectiveRefresher
        return fields
    }

    /// Changes a request as a proxy must not (RFC 4028, 8.1).
    private mutating func meddle(_ fields: inout Statement.Session) {
        guard fields.present.contains(.expires) else { return }
        switch random.below(4) {
        case 0:
            fields.present.insert(.forwardedExpires)
            fields.forwardedExpires = fields.expires * 2
        case 1:
            fields.present.insert(.forwardedExpires)
            fields.forwardedExpires = 75
        case 2:
            fields.present.insert(.forwardedMinimum)
            fields.forwardedMinimum = fields.minimum == 0 ? 120 : 0
        default:
            fields.forwardedRefresher = fields.refresher == .uac ? .uas : .uac
        }
    }

    /// Whether the callee answers the INVITE with 422.
    mutating func isRefusedForInterval(_ call: OpenCall) -> Bool {
        let caller = agents[Int(call.callerAgent)]
        let accepts = agents[Int(call.calleeAgent)].accepts
        guard accepts > 0, caller.timer == .supported, call.offered > 0 else { return false }
        // Some refuse once more although the caller has done as they said.
        return call.offered < accepts || call.demanded > 0 && call.intervalTries == 1 && random.chance(0.03)
    }

    func interval(of call: OpenCall) -> Int64 { Int64(call.interval) * 1_000_000 }

    mutating func refuseInterval(_ call: inout OpenCall, _ statement: inout Statement) {
        call.intervalTries += 1
        if !random.chance(0.03) {
            let minimum = agents[Int(call.calleeAgent)].accepts
            statement.parts.insert(.session)
            statement.session.present = .minimum
            statement.session.minimum = minimum
            call.demanded = max(call.demanded, minimum)
        }
        if call.intervalTries > 1 || agents[Int(call.callerAgent)].retries == .givesUp { call.phase = .gone }
    }

    /// The session fields of the 2xx, and what is agreed by them.
    mutating func answer(_ call: inout OpenCall) -> Statement.Session {
        let caller = agents[Int(call.callerAgent)]
        let callee = agents[Int(call.calleeAgent)]
        let callerSupports = caller.timer == .supported
        var fields = Statement.Session()
        if callee.timer == .supported {
            fields.present = .supported
            fields.supported = true
            let wanted = callerSupports ? callee.interval : 0
            let interval = call.offered > 0 ? call.offered : wanted
            if interval > 0 { accept(interval, callee, call, &fields, callerSupports) }
        } else if callerSupports && call.offered > 0 && sources[Int(call.source)].habits.insertsTimer {
            fields.present.insert(.forwardedExpires)
            fields.forwardedExpires = call.offered
            fields.forwardedRefresher = .uac
        }
        call.interval = fields.effectiveExpires
        switch fields.effectiveRefresher {
        case .none: call.refresher = .nobody
        case .uac: call.refresher = .caller
        case .uas: call.refresher = .callee
        }
        return fields
    }

    private mutating func accept(
        _ interval: UInt32, _ callee: UserAgent, _ call: OpenCall, _ fields: inout Statement.Session,
        _ callerSupports: Bool
    ) {
        fields.present.insert(.expires)
        fields.expires = interval
        let chosen: Statement.Refresher = call.asked != .none ? call.asked : callee.asks == .uas ? .uas : .uac
        fields.refresher = callerSupports ? chosen : .uas
        var requires = fields.refresher == .uac
        switch callee.answers {
        case .properly: break
        case .raises: fields.expires = interval * 2
        case .fallsBelowMinimum: fields.expires = call.offeredMinimum > 0 ? call.offeredMinimum - 1 : interval
        case .omitsRefresher:
            fields.refresher = .none
            requires = false
        case .overridesRefresher:
            fields.refresher = fields.refresher == .uac ? .uas : .uac
            requires = fields.refresher == .uac
        case .omitsRequire: requires = false
        case .halves: fields.expires = max(interval / 2, 45)
        }
        fields.present.insert(.require)
        fields.require = requires
    }

    /// The session fields of a refresh.
    mutating func refreshOffer(_ call: inout OpenCall) -> Statement.Session {
        var fields = Statement.Session()
        guard call.interval > 0 else { return fields }
        fields.present = [.expires, .supported]
        fields.expires = call.interval
        fields.supported = true
        fields.refresher = call.refreshFields
        if call.demanded > 0 {
            fields.present.insert(.minimum)
            fields.minimum = call.demanded
            fields.expires = max(call.interval, call.demanded)
            call.interval = fields.expires
        }
        if random.chance(settings.mix.proxyMeddles) { meddle(&fields) }
        return fields
    }

    mutating func refreshAnswerFields(_ call: inout OpenCall) -> Statement.Session {
        var fields = Statement.Session()
        guard call.interval > 0 else { return fields }
        fields.present = [.expires, .require]
        fields.expires = call.interval
        fields.refresher = call.refreshFields
        fields.require = call.refreshFields == .uac
        switch call.refreshFields {
        case .none: call.refresher = .nobody
        case .uac: call.refresher = call.refreshBy
        case .uas: call.refresher = call.refreshBy.opposite
        }
        return fields
    }

    /// The session is refreshed now: when it expires, and when it will be refreshed next.
    mutating func mark(_ call: inout OpenCall) {
        call.refreshAt = OpenCall.never
        guard call.interval > 0 else {
            call.expiresAt = 0
            return
        }
        let interval = interval(of: call)
        let allowance = min(32_000_000, interval / 3)
        call.expiresAt = clock + interval
        let agent = agents[Int(call.refresher == .callee ? call.calleeAgent : call.callerAgent)]
        var pace = agent.pace
        if random.chance(0.03) {
            pace = [UserAgent.Pace.early, .late, .critical, .overdue, .never][random.below(5)]
        }
        switch pace {
        case .half, .otherSide:
            call.refreshAt = clock + interval / 2 - random.between(0, min(2_000_000, interval / 20))
        case .early: call.refreshAt = clock + interval * 3 / 10
        case .late: call.refreshAt = clock + (interval / 2 + 10_000_000 + interval - allowance) / 2
        case .critical: call.refreshAt = clock + interval - allowance / 2
        case .overdue: call.refreshAt = clock + interval + random.between(500_000, 5_000_000)
        case .never:
            // The other side may hang up then; half of them do.
            let givesUpAt = call.expiresAt - allowance
            if call.endAt > givesUpAt && random.chance(0.5) {
                call.endAt = givesUpAt
                call.plan.insert(.endsForExpiry)
            }
        }
    }
}
