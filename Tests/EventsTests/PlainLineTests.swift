import Testing

@testable import Events

/// The walk over plain lines takes what the walk over all lines takes, and finds the same in it. Held against
/// each other over lines that are plain, nearly plain, and broken at random; the latter is the judge.
struct PlainLineTests {
    private static let sample = [
        #"{"type":"dialog.trying","time":1767225600001000,"callid":"86186f@10.31.239.159","from_tag":"003f","#
            + #""cseq":119,"from_uri":"sip:+49301074111@voice.example.net","user_agent":"PBX 20.5","min_se":90,"#
            + #""session_expires":300,"refresher":"uac","supported_timer":true,"require_timer":false,"#
            + #""extra":{"account":"acc-002003","rate":0.0100,"n":-1e5}}"#,
        #"{"type":"dialog.confirmed","time":1,"callid":"a","from_tag":"b","to_tag":"c","cseq":0,"sip_code":200}"#,
        #"{"type":"dialog.terminated","time":9007199254740993,"callid":"94e5","from_tag":"86","to_tag":"ac","#
            + #""by":"callee","reason":"Q.850;cause=16;text=\"Normal call clearing\"","extra":{"mos":4.44}}"#,
        #"{"by":"admin","time":12345678,"type":"dialog.terminated","callid":"é😀","from_tag":"f","to_tag":"t"}"#,
        #"{"type":"refresh.failed","time":123456789,"callid":"c","from_tag":"f","to_tag":"t","cseq":7,"#
            + #""method":"UPDATE","by":"caller","sip_code":422,"min_se":1800,"fwd_min_se":90,"fwd_refresher":"uas","#
            + #""fwd_session_expires":4294967295}"#,
        #"{"type":"source.heartbeat","time":17672256000010,"active":-3,"worker":"w1","unlisted":[1,{"a":null}]}"#,
        #"{"type":"ledger.tick","time":5}"#,
    ]

    /// What a decoder makes of a payload, field by field.
    private static func reading(_ payload: [UInt8], takesPlainLines: Bool, latest: Timestamp) -> [String] {
        let buffer = PaddedBuffer(copying: payload)
        var decoder = EventDecoder(takesPlainLines: takesPlainLines)
        decoder.begin(buffer.bytes)
        var view = EventView()
        var readings: [String] = []
        while let line = decoder.next(into: &view, from: .proxy, latest: latest) {
            var reading = "\(view.start)-\(view.end)"
            if case .fault(let fault) = line {
                readings.append(reading + " \(fault)")
                continue
            }
            reading += " \(view.type.name)"
            for field in Field.allCases where view.has(field) {
                reading += " \(field.name)="
                if let text = view.text(field) {
                    reading += "\(text.start)+\(text.length)\(text.isEscaped ? "escaped" : "")"
                } else {
                    reading += "\(view.number(field) ?? -1)"
                }
            }
            readings.append(reading)
        }
        return readings
    }

    private static func compare(_ payload: [UInt8], latest: Timestamp = .last, _ what: String) {
        let plain = reading(payload, takesPlainLines: true, latest: latest)
        let judge = reading(payload, takesPlainLines: false, latest: latest)
        #expect(plain == judge, "\(what): \(String(decoding: payload, as: UTF8.self))")
    }

    /// How many of the payload's lines are taken in one go.
    private static func plainCount(_ payload: [UInt8]) -> Int {
        let buffer = PaddedBuffer(copying: payload)
        var scanner = TokenScanner()
        guard case .success(let tokens) = scanner.scan(buffer.bytes, from: 0, to: payload.count) else {
            return 0
        }
        let escape = payload.firstIndex(of: UInt8(ascii: "\\")) ?? payload.count
        var (token, start, count) = (0, 0, 0)
        while start < payload.count {
            while token < tokens.count, tokens[token] < start { token += 1 }
            var view = EventView()
            view.start = start
            var line = PlainLine(
                buffer.bytes, tokens, from: token, nextEscape: escape, names: DecoderNames())
            if line.take(into: &view) { count += 1 }
            start = (payload[start...].firstIndex(of: 0x0A) ?? payload.count) + 1
        }
        return count
    }

    private static let whole = Array((sample.joined(separator: "\n") + "\n").utf8)

    /// Else the two would agree because one of them does nothing.
    @Test func whatSourcesWriteIsPlain() {
        #expect(Self.plainCount(Self.whole) == 5)
    }

    @Test func bothReadTheSameInWhatSourcesWrite() {
        Self.compare(Self.whole, "as written")
        Self.compare(Array(Self.whole.dropLast()), "without the last newline")
        Self.compare(Self.whole, latest: Timestamp(rawValue: 2), "from the future")
    }

    @Test(arguments: [
        (#""time":1767225600001000"#, #""time": 1767225600001000"#),
        (#""cseq":119"#, #""cseq":119 "#),
        (#""cseq":119"#, #""cseq" :119"#),
        (#""cseq":0"#, #""cseq":00"#),
        (#""time":1,"#, #""time":99999999999999999,"#),
        (#""time":1,"#, #""time":1.5,"#),
        (#""callid":"a""#, #""callid":"""#),
        (#""callid":"94e5""#, #""callid":"94\u0065""#),
        (#""extra":{"mos":4.44}"#, #""extra":{"mos":4.44,"mos":1}"#),
        (#"{"mos":4.44}"#, #"{"mos":[]}"#),
        (#"{"mos":4.44}"#, #"{"mos":04}"#),
        (#"{"mos":4.44}"#, #"{}"#),
        (#"4.44}}"#, #"4.44} }"#),
        (#""by":"callee""#, #""by":"calle""#),
        (#"Normal call"#, #"Normal \q call"#),
        (#"clearing\""#, #"clearing\ud800"#),
        (#""account":"acc-002003""#, #""account":"a\"b\\""#),
        (#""account":"acc-002003""#, #""account":"a\x""#),
        (#""account""#, #""acc\u006funt""#),
        (#""cseq":7"#, #""cseq":7,"cseq":7"#),
        (#""by":"admin""#, #""by":null"#),
        (#""sip_code":200"#, #""sip_code":199"#),
        (#"{"account""#, #"{"rate":1,"account""#),
        (#""n":-1e5"#, #""a":1,"b":1,"c":1,"d":1,"e":1,"f":1"#),
        (#""n":-1e5"#, #""a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"n":-1"#),
        (#""type":"dialog.confirmed","#, #""type":"dialog.confirmed","type":"dialog.confirmed","#),
        (#""type":"dialog.confirmed","#, #""#),
        (#""from_tag":"b","#, #""#),
        (#""refresher":"uac""#, #""refresher":true"#),
        (#""min_se":90"#, #""":90"#),
        (#"\#n{"by""#, #"\#n\#n{"by""#),
        (#"}\#n{"by""#, #"}{"by""#),
    ])
    func bothReadTheSameInWhatIsNearlySo(change: (String, String)) throws {
        let text = Self.sample.joined(separator: "\n") + "\n"
        let changed = Self.replacing(change.0, with: change.1, in: text)
        #expect(changed != text, "the sample holds no \(change.0)")
        Self.compare(Array(changed.utf8), "\(change)")
    }

    private static func replacing(_ old: String, with new: String, in text: String) -> String {
        let bytes = Array(text.utf8)
        let wanted = Array(old.utf8)
        for start in bytes.indices where bytes[start...].starts(with: wanted) {
            return String(
                decoding: bytes[..<start] + Array(new.utf8) + bytes[(start + wanted.count)...], as: UTF8.self)
        }
        return text
    }

    /// Bytes changed, taken out and put in at random, each kind at any place.
    @Test(arguments: 0..<8)
    func bothReadTheSameInWhatIsBroken(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let letters = Array(#"{}[],:"\ tfn019-.eExu"#.utf8) + [0x0A, 0x00, 0x1F, 0xC3, 0xFF]
        for _ in 0..<2_000 {
            var payload = Self.whole
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let place = Int.random(in: 0..<payload.count, using: &random)
                let letter = letters[Int.random(in: 0..<letters.count, using: &random)]
                switch Int.random(in: 0..<4, using: &random) {
                case 0: payload.remove(at: place)
                case 1: payload.insert(letter, at: place)
                case 2: payload.swapAt(place, Int.random(in: 0..<payload.count, using: &random))
                default: payload[place] = letter
                }
            }
            Self.compare(payload, "seed \(seed)")
        }
    }
}
