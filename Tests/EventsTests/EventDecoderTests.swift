import Testing

@testable import Events

/// Each rule of the events' page, from both sides: what must be taken, and what must be refused with which
/// reason.
struct EventDecoderTests {
    static let call = #""callid":"c1@host","from_tag":"f1""#

    static func decode(
        _ text: String, from speaker: EventDecoder.Speaker = .proxy, latest: Timestamp = .last
    ) -> [String] {
        let buffer = PaddedBuffer(copying: Array(text.utf8))
        var decoder = EventDecoder()
        decoder.begin(buffer.bytes)
        var view = EventView()
        var outcomes: [String] = []
        while let line = decoder.next(into: &view, from: speaker, latest: latest) {
            switch line {
            case .event: outcomes.append("ok:\(view.type.name)")
            case .fault(let fault): outcomes.append(fault.description)
            }
        }
        return outcomes
    }

    @Test(arguments: [
        (#"{"type":"dialog.trying","time":1,CALL,"cseq":1}"#, "ok:dialog.trying"),
        (#" { "type" : "dialog.trying" , "time" : 1 , CALL , "cseq" : 0 } "#, "ok:dialog.trying"),
        (#"{"type":"dialog.trying","time":1,CALL}"#, "missing_field:cseq"),
        (#"{"type":"dialog.trying","time":1,CALL,"cseq":null}"#, "missing_field:cseq"),
        (#"{"type":"dialog.trying","time":1,CALL,"cseq":2147483647}"#, "ok:dialog.trying"),
        (#"{"type":"dialog.trying","time":1,CALL,"cseq":2147483648}"#, "out_of_range:cseq"),
        (#"{"type":"dialog.trying","time":1,CALL,"cseq":-1}"#, "out_of_range:cseq"),
        (#"{"type":"dialog.trying","time":1,CALL,"cseq":-0}"#, "ok:dialog.trying"),
        (#"{"type":"dialog.trying","time":1,CALL,"cseq":1.0}"#, "wrong_type:cseq"),
        (#"{"type":"dialog.trying","time":1,CALL,"cseq":1e0}"#, "wrong_type:cseq"),
        (#"{"type":"dialog.trying","time":1,CALL,"cseq":01}"#, "not_json"),
        (#"{"type":"dialog.trying","time":1,CALL,"cseq":"1"}"#, "wrong_type:cseq"),
        (#"{"type":"dialog.trying","time":1,CALL,"cseq":true}"#, "wrong_type:cseq"),
        (#"{"type":"dialog.trying","time":1,CALL,"cseq":1,"cseq":1}"#, "duplicate_key"),
        (#"{"type":"dialog.trying","time":1,CALL,"cseq":1,"\u0063seq":1}"#, "duplicate_key"),
        (#"{"type":"dialog.trying","time":1,CALL,"cseq":1,"x":1,"x":2}"#, "duplicate_key"),
        (#"{"type":"dialog.trying","time":1,CALL,"cseq":1,"x":{"a":{"b":1,"b":2}}}"#, "duplicate_key"),
        (
            #"{"type":"dialog.trying","time":1,CALL,"cseq":1,"x":{"a":{"b":1},"b":2},"y":[{"b":1},{"b":1}]}"#,
            "ok:dialog.trying"
        ),
        (#"{"type":"dialog.trying","time":1,CALL,"cseq":1} {}"#, "not_json"),
        (#"{"type":"dialog.trying","time":1,CALL,"cseq":1}x"#, "not_json"),
        (#"{"type":"dialog.trying","time":1,CALL,"cseq":1,}"#, "not_json"),
        (#"{"type":"dialog.trying","time":1,CALL,"cseq":1"#, "not_json"),
        (#"{"type":"dialog.trying","time":253402300799999999,CALL,"cseq":1}"#, "ok:dialog.trying"),
        (#"{"type":"dialog.trying","time":253402300800000000,CALL,"cseq":1}"#, "out_of_range:time"),
        (#"{"type":"dialog.trying","time":1,"callid":"","from_tag":"f","cseq":1}"#, "out_of_range:callid"),
        (
            #"{"type":"dialog.trying","time":1,"callid":"\ud83d\ude00","from_tag":"f","cseq":1}"#,
            "ok:dialog.trying"
        ),
        (#"{"type":"dialog.trying","time":1,"callid":"\ud83d","from_tag":"f","cseq":1}"#, "lone_surrogate"),
        (#"{"type":"dialog.trying","time":1,"callid":"\ude00x","from_tag":"f","cseq":1}"#, "lone_surrogate"),
        (#"{"type":"dialog.trying","time":1,"callid":"\x","from_tag":"f","cseq":1}"#, "not_json"),
        (#"{"type":"dialog.early","time":1,CALL,"cseq":1,"sip_code":100}"#, "out_of_range:sip_code"),
        (#"{"type":"dialog.early","time":1,CALL,"cseq":1,"sip_code":101}"#, "ok:dialog.early"),
        (#"{"type":"dialog.early","time":1,CALL,"cseq":1,"sip_code":199}"#, "ok:dialog.early"),
        (#"{"type":"dialog.early","time":1,CALL,"cseq":1,"sip_code":200}"#, "out_of_range:sip_code"),
        (#"{"type":"dialog.failed","time":1,CALL,"cseq":1,"sip_code":486}"#, "missing_field:by"),
        (#"{"type":"dialog.failed","time":1,CALL,"cseq":1,"sip_code":486,"by":"nobody"}"#, "out_of_range:by"),
        (#"{"type":"dialog.failed","time":1,CALL,"cseq":1,"sip_code":486,"by":"proxy"}"#, "ok:dialog.failed"),
        (#"{"type":"source.heartbeat","time":1,"session_expires":-1}"#, "out_of_range:session_expires"),
        (#"{"type":"some.other","time":1,"session_expires":-1}"#, "ok:"),
        (#"{"type":"some.other","time":1,"session_expires":-1,"session_expires":-1}"#, "duplicate_key"),
        (#"{"type":"some.other"}"#, "missing_field:time"),
        (#"{"type":"some.other","time":"1"}"#, "wrong_type:time"),
        (#"{"type":7,"time":1}"#, "wrong_type:type"),
        (#"{"time":1}"#, "missing_field:type"),
        (#"{"type":"ledger.tick","time":1}"#, "reserved:type"),
        (#"{"type":"ledger.other","time":1}"#, "reserved:type"),
        (#"{"type":"ledger","time":1}"#, "ok:"),
        (#"{"type":"d\u0069alog.trying","time":1,CALL,"cseq":1}"#, "ok:dialog.trying"),
        (
            #"{"type":"dialog.trying","time":1,CALL,"cseq":1,"extra":{"a":"b","c":-1.5e+3}}"#,
            "ok:dialog.trying"
        ),
        (#"{"type":"dialog.trying","time":1,CALL,"cseq":1,"extra":{}}"#, "ok:dialog.trying"),
        (#"{"type":"dialog.trying","time":1,CALL,"cseq":1,"extra":{"a":null}}"#, "wrong_type:extra"),
        (#"{"type":"dialog.trying","time":1,CALL,"cseq":1,"extra":{"a":[]}}"#, "wrong_type:extra"),
        (#"{"type":"dialog.trying","time":1,CALL,"cseq":1,"extra":[]}"#, "wrong_type:extra"),
        (#"{"type":"dialog.trying","time":1,CALL,"cseq":1,"extra":{"a":1,"a":1}}"#, "duplicate_key"),
        (#"{"type":"dialog.trying","time":1,CALL,"cseq":1,"extra":null}"#, "ok:dialog.trying"),
        (#"{"type":"dialog.trying","time":1,CALL,"cseq":1,"x":tru}"#, "not_json"),
        (#"{"type":"dialog.trying","time":1,CALL,"cseq":1,"x":truee}"#, "not_json"),
        (#"{"type":"dialog.trying","time":1,CALL,"cseq":1,"x":NaN}"#, "not_json"),
        (#"{"type":"dialog.trying","time":1,CALL,"cseq":1,"x":[1,,2]}"#, "not_json"),
        (#"{"type":"dialog.trying","time":1,CALL,"cseq":1,"x":[1 2]}"#, "not_json"),
        (#"{"type":"dialog.trying","time":1,CALL,"cseq":1,"x":{"a" 1}}"#, "not_json"),
        (#"{"type":"dialog.trying","time":1,CALL,"cseq":1,"x":"a" "b"}"#, "not_json"),
        ("[]", "not_an_object"), ("7", "not_an_object"), ("", ""), ("{}", "missing_field:type"),
        ("nonsense", "not_json"),
    ])
    func aLineIsJudged(text: String, expected: String) {
        let line = text.replacing("CALL", with: Self.call)
        #expect(Self.decode(line) == (expected.isEmpty ? [] : [expected]), "\(line)")
    }

    @Test func theLedgerSpeaksOnlyItsOwnTypes() {
        #expect(Self.decode(#"{"type":"ledger.tick","time":1}"#, from: .ledger) == ["ok:ledger.tick"])
        #expect(Self.decode(#"{"type":"ledger.new","time":1}"#, from: .ledger) == ["ok:"])
        #expect(Self.decode(#"{"type":"source.stopped","time":1}"#, from: .ledger) == ["reserved:type"])
    }

    @Test func aTimeBeyondTheLatestIsFuture() {
        let line = #"{"type":"source.stopped","time":1001}"#
        #expect(Self.decode(line, latest: Timestamp(rawValue: 1001)) == ["ok:source.stopped"])
        #expect(Self.decode(line, latest: Timestamp(rawValue: 1000)) == ["future"])
    }

    @Test func aLongLineIsRefusedAndItsNeighboursAreNot() {
        let good = #"{"type":"source.stopped","time":1}"#
        let head = #"{"type":"source.stopped","time":1,"x":""#
        let full = head + String(repeating: "x", count: 65_536 - head.utf8.count - 2) + "\"}"
        let tooLong = head + String(repeating: "x", count: 65_537 - head.utf8.count - 2) + "\"}"
        #expect(
            Self.decode([good, full, tooLong, good].joined(separator: "\n") + "\n")
                == ["ok:source.stopped", "ok:source.stopped", "too_long", "ok:source.stopped"])
    }

    @Test func aBadLineLeavesItsNeighboursAlone() {
        let good = #"{"type":"source.stopped","time":1,"k":"v\n"}"#
        for (bad, reason) in [
            ("{\"type\":\"a", "not_json"), ("\"", "not_json"), ("", "not_json"), ("}", "not_json"),
            ("{\"a\":\"\u{1}\"}", "not_json"), ("{\"a\":1\\", "not_json"),
            ("{\"type\":\"x\",\"time\":2", "not_json"),
        ] {
            #expect(
                Self.decode("\(good)\n\(bad)\n\(good)\n") == [
                    "ok:source.stopped", reason, "ok:source.stopped",
                ],
                "\(bad)")
        }
    }

    @Test func invalidUTF8IsNamed() {
        var text = Array(#"{"type":"x","time":1,"a":""#.utf8)
        text.append(0xFF)
        text.append(contentsOf: Array("\"}\n".utf8))
        text.append(contentsOf: Array(#"{"type":"x","time":1}"#.utf8))
        let buffer = PaddedBuffer(copying: text)
        var decoder = EventDecoder()
        decoder.begin(buffer.bytes)
        var view = EventView()
        guard case .fault(let fault) = decoder.next(into: &view, from: .proxy) else {
            Issue.record("invalid UTF-8 was taken")
            return
        }
        #expect(fault.description == "invalid_utf8")
        guard case .event = decoder.next(into: &view, from: .proxy) else {
            Issue.record("the line after it was refused")
            return
        }
    }

    @Test func nestingHasNoLimitButTheLength() {
        for depth in [1, 63, 64, 65, 128, 32_000] {
            let open = String(repeating: "[", count: depth)
            let close = String(repeating: "]", count: depth)
            let line = #"{"type":"x","time":1,"a":"# + open + close + "}"
            #expect(Self.decode(line) == ["ok:"], "depth \(depth)")
            #expect(Self.decode(#"{"type":"x","time":1,"a":"# + open + "}") == ["not_json"], "depth \(depth)")
        }
    }

    @Test func manyKeysAreComparedWithEachOther() {
        let keys = (0..<5000).map { "\"k\($0)\":0" }
        let line = #"{"type":"x","time":1,"a":{"# + keys.joined(separator: ",")
        #expect(Self.decode(line + "}}") == ["ok:"])
        #expect(Self.decode(line + ",\"k4321\":1}}") == ["duplicate_key"])
        #expect(Self.decode(line + ",\"\\u006b4321\":1}}") == ["duplicate_key"])
    }

    @Test func fieldsAreFoundWhereTheyStand() throws {
        let text =
            #"{"type":"dialog.confirmed","time":12,"callid":"a\"b","from_tag":"f","to_tag":"t","cseq":3,"#
            + #""sip_code":200,"session_expires":1800,"refresher":"uas","fwd_session_expires":0,"#
            + #""supported_timer":true,"require_timer":false,"extra":{"x":1.50}}"#
        let buffer = PaddedBuffer(copying: Array(text.utf8))
        var decoder = EventDecoder()
        decoder.begin(buffer.bytes)
        var view = EventView()
        guard case .event? = decoder.next(into: &view, from: .proxy) else {
            Issue.record("a good event was refused")
            return
        }
        let (callID, extra) = (view.text(.callID) ?? .empty, view.text(.extra) ?? .empty)
        #expect(JSONText.string(callID, in: buffer.bytes) == "a\"b")
        #expect(JSONText.string(extra, in: buffer.bytes) == #"{"x":1.50}"#)
        #expect(view.number(.sessionExpires) == 1800)
        #expect(view.refresher(.refresher) == .uas)
        #expect(view.flag(.supportedTimer) == true)
        #expect(view.flag(.requireTimer) == false)
        #expect(view.flag(.byeSent) == nil)
        #expect(view.time.rawValue == 12)
    }
}
