extension EventBytes {
    /// The JSON of one statement, without a line end. `agents` is what the statement's user agents index.
    mutating func append(_ statement: borrowing Statement, agents: borrowing [UserAgent]) {
        reserve(TrafficLimits.eventBytesReserved)
        append(Self.opening(of: statement.type))
        append(decimal: UInt64(statement.time))
        if statement.type.rawValue >= Statement.Kind.sourceStarted.rawValue {
            appendSource(statement)
        } else {
            appendIdentity(statement, agents: agents)
            appendTransaction(statement)
            if statement.parts.contains(.parties) { appendParties(statement) }
            if statement.parts.contains(.callerAgent) {
                append(",\"user_agent\":\"")
                append(agents[Int(statement.callerAgent)].name)
                append(byte: UInt8(ascii: "\""))
            }
            if statement.parts.contains(.calleeAgent) {
                append(",\"user_agent\":\"")
                append(agents[Int(statement.calleeAgent)].name)
                append(byte: UInt8(ascii: "\""))
            }
            if statement.parts.contains(.session) { appendSession(statement.session) }
            appendRest(statement)
        }
        append(byte: UInt8(ascii: "}"))
    }

    private static func opening(of type: Statement.Kind) -> StaticString {
        switch type {
        case .trying: "{\"type\":\"dialog.trying\",\"time\":"
        case .early: "{\"type\":\"dialog.early\",\"time\":"
        case .confirmed: "{\"type\":\"dialog.confirmed\",\"time\":"
        case .acked: "{\"type\":\"dialog.acked\",\"time\":"
        case .alive: "{\"type\":\"dialog.alive\",\"time\":"
        case .failed: "{\"type\":\"dialog.failed\",\"time\":"
        case .terminated: "{\"type\":\"dialog.terminated\",\"time\":"
        case .refreshRequested: "{\"type\":\"refresh.requested\",\"time\":"
        case .refreshAccepted: "{\"type\":\"refresh.accepted\",\"time\":"
        case .refreshFailed: "{\"type\":\"refresh.failed\",\"time\":"
        case .timeoutEarly: "{\"type\":\"timeout.early\",\"time\":"
        case .timeoutSession: "{\"type\":\"timeout.session\",\"time\":"
        case .timeoutLifetime: "{\"type\":\"timeout.lifetime\",\"time\":"
        case .timeoutNoAck: "{\"type\":\"timeout.no_ack\",\"time\":"
        case .timeoutPing: "{\"type\":\"timeout.ping\",\"time\":"
        case .timeoutMedia: "{\"type\":\"timeout.media\",\"time\":"
        case .sourceStarted: "{\"type\":\"source.started\",\"time\":"
        case .sourceHeartbeat: "{\"type\":\"source.heartbeat\",\"time\":"
        case .sourceStopped: "{\"type\":\"source.stopped\",\"time\":"
        }
    }

    private mutating func appendSource(_ statement: borrowing Statement) {
        switch statement.type {
        case .sourceStarted: append(",\"user_agent\":\"kamailio (5.6.3 (x86_64/linux))\"")
        case .sourceHeartbeat:
            append(",\"active\":")
            append(decimal: UInt64(statement.number))
        default: break
        }
    }

    @inline(__always)
    private mutating func appendIdentity(_ statement: borrowing Statement, agents: borrowing [UserAgent]) {
        let seed = statement.seed
        let style = agents[Int(statement.callerAgent)].identities
        append(",\"callid\":\"")
        appendCallID(seed, style, caller: statement.caller)
        append("\",\"from_tag\":\"")
        appendTag(RandomStream.mixed(seed &+ 2), style)
        append(byte: UInt8(ascii: "\""))
        if statement.parts.contains(.toTag) {
            append(",\"to_tag\":\"")
            let leg = RandomStream.mixed(seed &+ 3 &+ UInt64(statement.leg))
            appendTag(leg, agents[Int(statement.calleeAgent)].identities)
            append(byte: UInt8(ascii: "\""))
        }
    }

    @inline(__always)
    private mutating func appendTransaction(_ statement: borrowing Statement) {
        if statement.parts.contains(.cseq) {
            append(",\"cseq\":")
            append(decimal: UInt64(statement.cseq))
        }
        switch statement.method {
        case .none: break
        case .invite: append(",\"method\":\"INVITE\"")
        case .update: append(",\"method\":\"UPDATE\"")
        }
        switch statement.by {
        case .nobody: break
        case .caller: append(",\"by\":\"caller\"")
        case .callee: append(",\"by\":\"callee\"")
        case .proxy: append(",\"by\":\"proxy\"")
        case .admin: append(",\"by\":\"admin\"")
        }
        if statement.code != 0 {
            append(",\"sip_code\":")
            append(decimal: UInt64(statement.code))
            append(",\"sip_reason\":\"")
            append(Self.phrase(of: statement.code))
            append(byte: UInt8(ascii: "\""))
        }
        switch statement.reason {
        case .none: break
        case .normal: append(",\"reason\":\"Q.850;cause=16;text=\\\"Normal call clearing\\\"\"")
        case .sessionExpired: append(",\"reason\":\"SIP;cause=408;text=\\\"Session timer expired\\\"\"")
        case .cancelled: append(",\"reason\":\"SIP;cause=487;text=\\\"ORIGINATOR_CANCEL\\\"\"")
        case .congestion: append(",\"reason\":\"Q.850;cause=34\"")
        case .ping: append(",\"reason\":\"SIP;cause=481;text=\\\"Ping unanswered\\\"\"")
        case .credit: append(",\"reason\":\"SIP;cause=402;text=\\\"Credit used up\\\"\"")
        }
    }

    private mutating func appendParties(_ statement: borrowing Statement) {
        append(",\"from_uri\":\"sip:+4930")
        append(digits: 1_000_000 + statement.caller &* 37 % 8_999_993, count: 7)
        append("@voice.example.net\",\"to_uri\":\"sip:+4989")
        append(digits: 1_000_000 + statement.callee &* 37 % 8_999_993, count: 7)
        append("@voice.example.net\",\"request_uri\":\"sip:+4989")
        append(digits: 1_000_000 + statement.callee &* 37 % 8_999_993, count: 7)
        append(byte: UInt8(ascii: "@"))
        appendHost(statement.callee)
        append(":5060\",\"src_ip\":\"")
        appendHost(statement.caller)
        append(byte: UInt8(ascii: "\""))
    }

    @inline(__always)
    private mutating func appendSession(_ fields: Statement.Session) {
        if fields.present.contains(.expires) {
            append(",\"session_expires\":")
            append(decimal: UInt64(fields.expires))
        }
        switch fields.refresher {
        case .none: break
        case .uac: append(",\"refresher\":\"uac\"")
        case .uas: append(",\"refresher\":\"uas\"")
        }
        if fields.present.contains(.minimum) {
            append(",\"min_se\":")
            append(decimal: UInt64(fields.minimum))
        }
        if fields.present.contains(.supported) {
            append(",\"supported_timer\":")
            append(fields.supported ? "true" : "false")
        }
        if fields.present.contains(.require) {
            append(",\"require_timer\":")
            append(fields.require ? "true" : "false")
        }
        if fields.present.contains(.forwardedExpires) {
            append(",\"fwd_session_expires\":")
            append(decimal: UInt64(fields.forwardedExpires))
        }
        switch fields.forwardedRefresher {
        case .none: break
        case .uac: append(",\"fwd_refresher\":\"uac\"")
        case .uas: append(",\"fwd_refresher\":\"uas\"")
        }
        if fields.present.contains(.forwardedMinimum) {
            append(",\"fwd_min_se\":")
            append(decimal: UInt64(fields.forwardedMinimum))
        }
    }

    @inline(__always)
    private mutating func appendRest(_ statement: borrowing Statement) {
        if statement.parts.contains(.lifetime) {
            append(",\"lifetime\":")
            append(decimal: UInt64(statement.number))
        }
        if statement.parts.contains(.byeSent) { append(",\"bye_sent\":true") }
        if statement.parts.contains(.noByeSent) { append(",\"bye_sent\":false") }
        if statement.parts.contains(.worker) {
            append(",\"worker\":")
            append(decimal: statement.seed & 7)
        }
        if statement.parts.contains(.account) {
            append(",\"extra\":{\"account\":\"acc-")
            append(digits: statement.caller, count: 6)
            append("\",\"trunk\":\"carrier-")
            append(byte: UInt8(ascii: "a") + UInt8(statement.callee & 7))
            append("\",\"rate\":0.0")
            append(decimal: UInt64(90 + statement.callee % 9 * 5))
            append(byte: UInt8(ascii: "}"))
        }
        if statement.parts.contains(.quality) {
            append(",\"extra\":{\"mos\":4.")
            append(digits: UInt32(truncatingIfNeeded: statement.seed >> 20) % 50, count: 2)
            append(byte: UInt8(ascii: "}"))
        }
    }

    private static func phrase(of code: UInt16) -> StaticString {
        switch code {
        case 180: "Ringing"
        case 181: "Call Is Being Forwarded"
        case 183: "Session Progress"
        case 199: "Early Dialog Terminated"
        case 200: "OK"
        case 302: "Moved Temporarily"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 407: "Proxy Authentication Required"
        case 408: "Request Timeout"
        case 410: "Gone"
        case 422: "Session Interval Too Small"
        case 480: "Temporarily Unavailable"
        case 481: "Call/Transaction Does Not Exist"
        case 484: "Address Incomplete"
        case 486: "Busy Here"
        case 487: "Request Terminated"
        case 488: "Not Acceptable Here"
        case 491: "Request Pending"
        case 500: "Server Internal Error"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 600: "Busy Everywhere"
        case 603: "Decline"
        case 607: "Unwanted"
        case 608: "Rejected"
        default: "Unknown"
        }
    }
}
