/// An event as a source states it, with where the log holds it.
package struct StatedEvent: Sendable {
    package var position: UInt64
    package var source: String
    package var epoch: Int64
    package var seq: Int64
    package var json: String
}

/// Random events of a few calls, made to collide: few tags, few times, every type, repeats and skew.
package struct CollidingCalls {
    package var random: RandomStream
    private let prefix: String

    /// - Parameter prefix: what the Call-IDs begin with, so that several sets can share a log.
    package init(seed: UInt64, prefix: String = "") {
        random = RandomStream(seed: seed)
        self.prefix = prefix
    }

    package mutating func events(count: Int) -> [StatedEvent] {
        var events: [StatedEvent] = []
        var seqs: [String: Int64] = [:]
        for index in 0..<count {
            let isLedgers = Int.random(in: 0..<14, using: &random) == 0
            let source = isLedgers ? "ledger" : pick(["proxy-a", "proxy-b", "proxy-a/1"])
            let epoch: Int64 = pick([1, 2])
            let seq = (seqs["\(source)\(epoch)"] ?? 0) + 1
            seqs["\(source)\(epoch)"] = seq
            events.append(
                StatedEvent(
                    position: UInt64(index + 1), source: source, epoch: epoch, seq: seq,
                    json: isLedgers ? expired() : event()))
        }
        return events
    }

    private mutating func pick<Value>(_ values: [Value]) -> Value {
        values[Int.random(in: 0..<values.count, using: &random)]
    }

    private mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }

    /// Times around multiples of a few seconds, some a microsecond off.
    private mutating func time() -> Int64 {
        1_000_000_000_000_000 + Int64.random(in: 0..<40, using: &random) * 10_000_000
            + pick([-1, 0, 0, 0, 1])
    }

    private mutating func call() -> String {
        #""callid":"\#(prefix)\#(pick(["c1", "c2"]))","from_tag":"\#(pick(["f", "f", "g"]))""#
    }

    private mutating func toTag() -> String { #","to_tag":"\#(pick(["t1", "t1", "t2"]))""# }

    private mutating func session() -> String {
        var text = ""
        if chance(70) { text += #","session_expires":\#(pick([0, 20, 50, 89, 90, 97, 100, 1800]))"# }
        if chance(60) { text += #","refresher":"\#(pick(["uac", "uas"]))""# }
        if chance(30) { text += #","min_se":\#(pick([0, 60, 90, 120]))"# }
        if chance(20) { text += #","fwd_session_expires":\#(pick([0, 60, 120, 1800]))"# }
        if chance(10) { text += #","fwd_refresher":"\#(pick(["uac", "uas"]))""# }
        if chance(10) { text += #","fwd_min_se":\#(pick([0, 90]))"# }
        if chance(30) { text += #","supported_timer":\#(pick([true, false]))"# }
        if chance(30) { text += #","require_timer":\#(pick([true, false]))"# }
        return text
    }

    private mutating func expired() -> String {
        let tag = chance(70) ? toTag() : ""
        return #"{"type":"ledger.expired","time":\#(time()),\#(call())\#(tag),"deadline":\#(time())}"#
    }

    private mutating func event() -> String {
        let head = #""time":\#(time()),\#(call())"#
        let cseq = #","cseq":\#(Int.random(in: 1...3, using: &random))"#
        let by = #","by":"\#(pick(["caller", "callee", "proxy", "admin"]))""#
        let extra = chance(15) ? #","extra":{"\#(pick(["a", "b"]))":\#(pick(["1.50", "\"x\"", "1e5"]))}"# : ""
        switch Int.random(in: 0..<16, using: &random) {
        case 0, 1:
            let agent = chance(50) ? #","user_agent":"\#(pick(["A", "B"]))""# : ""
            return #"{"type":"dialog.trying",\#(head)\#(cseq)\#(session())\#(agent)\#(extra)}"#
        case 2: return #"{"type":"dialog.early",\#(head)\#(cseq),"sip_code":\#(pick([180, 183, 199]))}"#
        case 3, 4:
            let lifetime = chance(30) ? #","lifetime":\#(pick([0, 100, 43200]))"# : ""
            return
                #"{"type":"dialog.confirmed",\#(head)\#(toTag())\#(cseq),"sip_code":200\#(session())\#(lifetime)\#(extra)}"#
        case 5: return #"{"type":"dialog.acked",\#(head)\#(toTag())}"#
        case 6: return #"{"type":"dialog.alive",\#(head)\#(toTag())}"#
        case 7:
            let minimum = chance(60) ? #","min_se":\#(pick([60, 90, 120]))"# : ""
            let code = pick([302, 401, 404, 408, 422, 422, 422, 486, 487, 500, 503])
            return #"{"type":"dialog.failed",\#(head)\#(cseq),"sip_code":\#(code)\#(by)\#(minimum)}"#
        case 8: return #"{"type":"dialog.terminated",\#(head)\#(toTag())\#(by)\#(extra)}"#
        case 9, 10: return refresh("refresh.requested", head, cseq, by, "")
        case 11, 12: return refresh("refresh.accepted", head, cseq, by, "")
        case 13:
            let minimum = chance(50) ? #","min_se":120"# : ""
            return refresh(
                "refresh.failed", head, cseq, by, #","sip_code":\#(pick([408, 422, 481]))\#(minimum)"#)
        default:
            let type = pick(["early", "session", "lifetime", "no_ack", "ping", "media"])
            let tag = type == "early" ? (chance(50) ? cseq : "") : toTag()
            let bye = chance(50) ? #","bye_sent":\#(pick([true, false]))"# : ""
            return #"{"type":"timeout.\#(type)",\#(head)\#(tag)\#(bye)}"#
        }
    }

    private mutating func refresh(
        _ type: String, _ head: String, _ cseq: String, _ by: String, _ rest: String
    ) -> String {
        let method = #","method":"\#(pick(["INVITE", "UPDATE"]))""#
        let session = rest.isEmpty ? session() : ""
        return #"{"type":"\#(type)",\#(head)\#(toTag())\#(cseq)\#(method)\#(by)\#(session)\#(rest)}"#
    }
}
