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
        let names = DecoderNames.all
        let sequence = NameSequence()
        var (start, count) = (0, 0)
        while let end = payload[start...].firstIndex(of: 0x0A) {
            var view = EventView()
            view.start = start
            var line = PlainLine(buffer.bytes, names: names, sequence: sequence)
            if line.take(into: &view) { count += 1 }
            start = end + 1
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
        (#""callid":"é😀""#, #""callid":"\u00e9""#),
        (#""callid":"94e5""#, #""callid":"94e5\"#),
        (#""reason":"Q"#, #""reason":"\ud83d\ude00 ü Q"#),
        (#""reason":"Q"#, #""reason":"\ud83d Q"#),
        (#""reason":"Q"#, #""reason":"ü\"#),
        (#""reason":"Q"#, #""reason":"ü\é"#),
        (#""time":12345678,"#, #""time":1234567,"#),
        (#""time":12345678,"#, #""time":123456789012345,"#),
        (#""time":12345678,"#, #""time":9000000000000000,"#),
        (#""time":12345678,"#, #""time":12345678901234567,"#),
        (#""time":12345678,"#, #""time":012345678,"#),
        (#""time":12345678,"#, #""time":,"#),
        (#""rate":0.0100"#, #""rate":0."#),
        (#""rate":0.0100"#, #""rate":-0.123456789012345E+12"#),
        (#""rate":0.0100"#, #""rate":1e"#),
        (#""rate":0.0100"#, #""rate":-"#),
        (#""rate":0.0100"#, #""":0"#),
        (#""rate":0.0100"#, #""räte":0"#),
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

    /// Characters that begin and end where UTF-8's rules change, and sequences that break them.
    @Test(
        arguments: [
            [0xC1, 0xBF], [0xC2, 0x80], [0xDF, 0xBF], [0xC2, 0x7F], [0xC2, 0xC0], [0xE0, 0x9F, 0xBF],
            [0xE0, 0xA0, 0x80],
            [0xE1, 0x80, 0x80], [0xEC, 0xBF, 0xBF], [0xED, 0x9F, 0xBF], [0xED, 0xA0, 0x80],
            [0xEE, 0x80, 0x80],
            [0xEF, 0xBF, 0xBF], [0xEF, 0xBF], [0xF0, 0x8F, 0xBF, 0xBF], [0xF0, 0x90, 0x80, 0x80],
            [0xF1, 0x80, 0x80, 0x80], [0xF3, 0xBF, 0xBF, 0xBF], [0xF4, 0x8F, 0xBF, 0xBF],
            [0xF4, 0x90, 0x80, 0x80],
            [0xF5, 0x80, 0x80, 0x80], [0xF1, 0x80, 0x80], [0x80], [0xFF], [0xF1, 0x80, 0xC0, 0x80],
            [0xE1, 0xC0, 0x80],
        ] as [[UInt8]])
    func bothReadTheSameBeyondASCII(sequence: [UInt8]) {
        for before in 0..<18 {
            let text = [UInt8](repeating: UInt8(ascii: "a"), count: before) + sequence
            for behind in ["", "bcd"] {
                Self.compare(
                    Array(#"{"type":"source.started","time":1,"user_agent":""#.utf8) + text
                        + Array(#"\#(behind)"}\#n"#.utf8), "\(sequence)")
            }
        }
    }

    /// Lines made of listed fields in any order, with values of any length, then whole or broken at random.
    @Test(arguments: 0..<8)
    func bothReadTheSameInWhateverFieldsStandThere(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var plainCount = 0
        for _ in 0..<1_000 {
            var payload: [UInt8] = []
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                payload += LineMaker.line(using: &random) + [0x0A]
            }
            plainCount += Self.plainCount(payload)
            Self.compare(payload, "seed \(seed), whole")
            for _ in 0..<Int.random(in: 1...2, using: &random) {
                let place = Int.random(in: 0..<payload.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: payload[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                case 1: payload.remove(at: place)
                default: payload.insert(payload[Int.random(in: 0..<payload.count, using: &random)], at: place)
                }
                if payload.isEmpty { break }
            }
            Self.compare(payload, "seed \(seed), broken")
        }
        #expect(plainCount > 500, "seed \(seed): hardly a line is plain, so little was compared")
    }

    /// What stands behind a payload in memory is never taken for a part of it.
    @Test func whatStandsBehindThePayloadCountsForNothing() {
        let behind = Array(repeating: Self.whole, count: 2).flatMap(\.self)
        for count in stride(from: 0, through: Self.whole.count, by: 1) {
            let buffer = PaddedBuffer(copying: behind)
            var decoder = EventDecoder()
            var view = EventView()
            decoder.begin(buffer.bytes.prefix(count))
            var seen: [Int] = []
            while decoder.next(into: &view, from: .proxy) != nil { seen.append(view.end) }
            let ends = Self.whole[..<count].indices.filter { Self.whole[$0] == 0x0A }
            let rest = count > 0 && Self.whole[count - 1] != 0x0A ? [count] : []
            #expect(seen == ends + rest, "\(count) bytes")
        }
    }
}

/// Makes lines of listed fields.
private enum LineMaker {
    static func line(using random: inout SeededGenerator) -> [UInt8] {
        var names = Field.allCases.filter {
            Int.random(in: 0..<($0.isLedgers ? 200 : 4), using: &random) == 0
        }.map(\.name)
        names += ["type", "time"]
        if Int.random(in: 0..<8, using: &random) == 0 { names.append(names[0]) }
        names.shuffle(using: &random)
        let members = names.map { name in
            let isOdd = Int.random(in: 0..<40, using: &random) == 0
            return #""\#(name)":\#(isOdd ? odd(using: &random) : value(of: name, using: &random))"#
        }
        return Array("{\(members.joined(separator: ","))}".utf8)
    }

    private static func odd(using random: inout SeededGenerator) -> String {
        pick(
            [
                "null", "[]", "{}", " 1", "1 ", "-1", "1.0", "01", "true", #""\u0041""#, #""\ud800""#,
                "\"\t\"", "\"\"",
            ],
            &random)
    }

    private static func value(of name: String, using random: inout SeededGenerator) -> String {
        guard let field = Field.allCases.first(where: { $0.name == name }) else {
            return #""\#(pick(EventType.allCases, &random).name)""#
        }
        switch field.shape {
        case .text(let range): return text(isBounded: range.upperBound != .max, using: &random)
        case .sourceName: return text(isBounded: true, using: &random)
        case .scalars:
            return #"{"a":\#(text(isBounded: false, using: &random)),"bc":\#(number(19, &random)).5}"#
        case .integer(let range): return number(range.upperBound < 1 << 32 ? 9 : 16, &random)
        case .statusCode: return number(3, &random)
        case .boolean: return pick(["true", "false"], &random)
        case .side: return #""\#(pick(Side.allCases, &random).name)""#
        case .refresher: return #""\#(pick(Refresher.allCases, &random).name)""#
        }
    }

    private static func text(isBounded: Bool, using random: inout SeededGenerator) -> String {
        let plain = ["a", "b:", "<sip:", "@example.net", "0", ";"]
        let others = ["é", "😀", #"\""#, #"\\"#, #"\u00e9"#, "ü"]
        let isOdd = Int.random(in: 0..<(isBounded ? 20 : 4), using: &random) == 0
        let pieces = (0..<Int.random(in: 1...12, using: &random)).map { _ in
            pick(isOdd ? plain + others : plain, &random)
        }
        return #""\#(pieces.joined())""#
    }

    private static func number(_ digitsMax: Int, _ random: inout SeededGenerator) -> String {
        String(
            "\(UInt64.random(in: 0...UInt64.max, using: &random))".prefix(
                Int.random(in: 1...digitsMax, using: &random)))
    }

    private static func pick<Choice>(_ choices: [Choice], _ random: inout SeededGenerator) -> Choice {
        choices[Int.random(in: 0..<choices.count, using: &random)]
    }
}
