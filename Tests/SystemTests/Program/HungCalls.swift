/// Lines for `import`: calls that end in every way there is, and policies over time.
enum HungCalls {
    static let start: Int64 = 1_772_600_000_000_000
    /// Seconds from the end of one call to that of the next.
    static let spacing: Int64 = 10

    /// Calls that end one way after the other; every eighth stays unanswered.
    static func lines(_ count: Int, epoch: Int = 1) -> String {
        var lines = ""
        var number = 0
        func add(_ event: String) {
            number += 1
            lines += #"{"source":"ams","epoch":\#(epoch),"seq":\#(number),"event":\#(event)}"# + "\n"
        }
        for call in 0..<count {
            for event in events(of: call, endingAt: start + Int64(call) * spacing * 1_000_000) { add(event) }
        }
        return lines
    }

    static let ends = [
        #""type":"dialog.terminated","by":"caller""#, #""type":"timeout.session","bye_sent":true"#,
        #""type":"timeout.lifetime""#, #""type":"dialog.terminated","by":"admin""#,
        #""type":"timeout.no_ack""#,
        #""type":"timeout.ping""#, #""type":"timeout.media""#, #""type":"dialog.failed""#,
    ]

    /// Answered 307.4 s before the end, with a session timer of 200 s and a proof of life 100 s after the
    /// answer.
    static func events(of call: Int, endingAt end: Int64) -> [String] {
        let key = #""callid":"call-\#(call)@example.com","from_tag":"f\#(call)""#
        let answer = end - 307_400_000
        let trying =
            #"{"type":"dialog.trying","time":\#(answer - 2_000_000),\#(key),"cseq":1,"#
            + #""from_uri":"sip:alice@example.com","to_uri":"sip:bob@example.com"}"#
        let how = ends[call % ends.count]
        if how.contains("dialog.failed") {
            return [trying, #"{\#(how),"time":\#(end),\#(key),"cseq":1,"sip_code":486,"by":"callee"}"#]
        }
        return [
            trying,
            #"{"type":"dialog.confirmed","time":\#(answer),\#(key),"to_tag":"t","cseq":1,"sip_code":200,"#
                + #""session_expires":200,"refresher":"uac"}"#,
            #"{"type":"dialog.alive","time":\#(answer + 100_000_000),\#(key),"to_tag":"t"}"#,
            #"{\#(how),"time":\#(end),\#(key),"to_tag":"t"}"#,
        ]
    }

    /// A `ledger.policy` that is in force for what ends from that call on.
    static func policy(_ text: String, from call: Int, seq: Int) -> String {
        let time = start + Int64(call) * spacing * 1_000_000
        let quoted = text.replacing("\"", with: "\\\"")
        return #"{"source":"ledger","epoch":1,"seq":\#(seq),"event":{"type":"ledger.policy","time":\#(time),"#
            + #""policy":"\#(quoted)"}}"# + "\n"
    }
}
