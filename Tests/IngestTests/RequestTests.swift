import Events
import Testing

@testable import Ingest

/// A header is read strictly: what is no header is refused with the code that says why, and what is one is
/// read whole.
struct RequestTests {
    static func read(_ text: String) -> String {
        do throws(Refusal) {
            switch try Request.read(Array(text.utf8).span) {
            case .hello(let origin): return "hello \(origin.source) \(origin.epoch.rawValue)"
            case .batch(let origin, let first, let count):
                return "batch \(origin.source) \(origin.epoch.rawValue) \(first.rawValue) \(count)"
            case .heartbeat(let origin, let last):
                return "heartbeat \(origin.source) \(origin.epoch.rawValue) \(last.rawValue)"
            case .skip(let origin, let range, let reason):
                let words = reason.map {
                    String(decoding: $0.resolved(in: Array(text.utf8).span), as: UTF8.self)
                }
                return
                    "skip \(origin.source) \(origin.epoch.rawValue) \(range.first)-\(range.last) \(words ?? "")"
            }
        } catch {
            return error.code.rawValue
        }
    }

    @Test(arguments: [
        (#"{"v":1,"op":"hello","source":"p1","epoch":7}"#, "hello p1 7"),
        (#" { "epoch" : 7 , "source" : "p1" , "op" : "hello" , "v" : 1 } "#, "hello p1 7"),
        (
            #"{"v":1,"op":"hello","source":"a\/b","epoch":9223372036854775807}"#,
            "hello a/b 9223372036854775807"
        ),
        (#"{"\u0076":1,"op":"h\u0065llo","source":"p1","epoch":7}"#, "hello p1 7"),
        (
            #"{"v":1,"op":"hello","source":"p1","epoch":7,"later":{"a":[1,-2.5e+3,null,true,"x\n"]}}"#,
            "hello p1 7"
        ),
        (#"{"v":1,"op":"batch","source":"p1","epoch":7,"first_seq":5,"count":64}"#, "batch p1 7 5 64"),
        (
            #"{"v":1,"op":"batch","source":"p1","epoch":7,"first_seq":9223372036854775806,"count":1}"#,
            "batch p1 7 9223372036854775806 1"
        ),
        (#"{"v":1,"op":"heartbeat","source":"p1","epoch":7,"last_seq":0,"time":1}"#, "heartbeat p1 7 0"),
        (
            #"{"v":1,"op":"skip","source":"p1","epoch":7,"from_seq":2,"to_seq":4,"reason":"Platte\u0020voll: ü 😀"}"#,
            "skip p1 7 2-4 Platte voll: ü 😀"
        ),
        (
            #"{"v":1,"op":"skip","source":"p1","epoch":7,"from_seq":2,"to_seq":2,"reason":"\ud83d\ude00"}"#,
            "skip p1 7 2-2 😀"
        ),
        // No header.
        ("", "bad_header"),
        ("x", "bad_header"),
        ("[]", "bad_header"),
        ("{", "bad_header"),
        (#"{"v":1,"op":"hello","source":"p1","epoch":7}x"#, "bad_header"),
        (#"{"v":1,"op":"hello","source":"p1","epoch":7,}"#, "bad_header"),
        (#"{"v":1,"op":"hello","source":"p1","epoch":07}"#, "bad_header"),
        (#"{"v":1,"op":"hello","source":"p1","epoch":7,"epoch":7}"#, "bad_header"),
        (#"{"v":1,"op":"hello","source":"p1","epoch":7,"\u0065poch":7}"#, "bad_header"),
        (#"{"v":1,"op":"hello","source":"p1","epoch":7,"x":1,"x":1}"#, "bad_header"),
        (#"{"v":1,"op":"hello","source":"p1","epoch":7,"x":[[[[[[[[[[1]]]]]]]]]]}"#, "bad_header"),
        (#"{"v":1,"op":"hello","source":"p1","epoch":"7"}"#, "bad_header"),
        (#"{"v":1,"op":"hello","source":"p1","epoch":7.0}"#, "bad_header"),
        (#"{"v":1,"op":"hello","source":"p1","epoch":9223372036854775808}"#, "bad_header"),
        (#"{"v":1,"op":"hello","source":"p1","epoch":null}"#, "bad_header"),
        (#"{"v":1,"op":"hello","source":7,"epoch":7}"#, "bad_header"),
        (#"{"v":1,"op":"hello","source":"\ud83d","epoch":7}"#, "bad_header"),
        (#"{"op":"hello","source":"p1","epoch":7}"#, "bad_header"),
        (#"{"v":1,"source":"p1","epoch":7}"#, "bad_header"),
        (#"{"v":1,"op":"hello","epoch":7}"#, "bad_header"),
        (#"{"v":1,"op":"hello","source":"p1"}"#, "bad_header"),
        (#"{"v":1,"op":"batch","source":"p1","epoch":7,"count":64}"#, "bad_header"),
        (#"{"v":1,"op":"batch","source":"p1","epoch":7,"first_seq":5}"#, "bad_header"),
        (#"{"v":1,"op":"heartbeat","source":"p1","epoch":7,"last_seq":0}"#, "bad_header"),
        (#"{"v":1,"op":"skip","source":"p1","epoch":7,"from_seq":2,"to_seq":4}"#, "bad_header"),
        // A header that says what can't be.
        (#"{"v":2,"op":"hello","source":"p1","epoch":7}"#, "unsupported_version"),
        (#"{"v":2,"op":"other","source":["p1"]}"#, "unsupported_version"),
        (#"{"v":0,"op":"hello","source":"p1","epoch":7}"#, "unsupported_version"),
        (#"{"v":1,"op":"Hello","source":"p1","epoch":7}"#, "unknown_op"),
        (#"{"v":1,"op":"ack","source":"p1","epoch":7}"#, "unknown_op"),
        (#"{"v":1,"op":"hello","source":"","epoch":7}"#, "bad_source"),
        (#"{"v":1,"op":"hello","source":"p 1","epoch":7}"#, "bad_source"),
        (#"{"v":1,"op":"hello","source":"ledger","epoch":7}"#, "reserved_source"),
        (#"{"v":1,"op":"hello","source":"p1","epoch":0}"#, "bad_epoch"),
        (#"{"v":1,"op":"hello","source":"p1","epoch":-7}"#, "bad_epoch"),
        (#"{"v":1,"op":"batch","source":"p1","epoch":7,"first_seq":0,"count":1}"#, "bad_seq"),
        (
            #"{"v":1,"op":"batch","source":"p1","epoch":7,"first_seq":9223372036854775806,"count":2}"#,
            "bad_seq"
        ),
        (#"{"v":1,"op":"batch","source":"p1","epoch":7,"first_seq":1,"count":0}"#, "count_mismatch"),
        (#"{"v":1,"op":"batch","source":"p1","epoch":7,"first_seq":1,"count":65536}"#, "batch p1 7 1 65536"),
        (#"{"v":1,"op":"batch","source":"p1","epoch":7,"first_seq":1,"count":65537}"#, "too_large"),
        (#"{"v":1,"op":"heartbeat","source":"p1","epoch":7,"last_seq":-1,"time":1}"#, "bad_seq"),
        (#"{"v":1,"op":"skip","source":"p1","epoch":7,"from_seq":4,"to_seq":2,"reason":""}"#, "bad_seq"),
    ])
    func isReadAsItSays(_ text: String, _ expected: String) {
        #expect(Self.read(text) == expected, "\(text)")
    }

    @Test func isReadUpToTheGreatestSizeAndNoFurther() {
        let start = #"{"v":1,"op":"hello","source":"p1","epoch":7,"x":""#
        let room = Limits.headerBytesMax - start.utf8.count - 2
        #expect(Self.read(start + String(repeating: "a", count: room) + #""}"#) == "hello p1 7")
        #expect(Self.read(start + String(repeating: "a", count: room + 1) + #""}"#) == "bad_header")
    }

    @Test func isRefusedWhereItIsNotUTF8() {
        for bad: [UInt8] in [[0xFF], [0xC3], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80]] {
            var text = Array(#"{"v":1,"op":"hello","source":"p1","epoch":7,"x":""#.utf8)
            text += bad
            text += Array(#""}"#.utf8)
            #expect(throws: Refusal.self) { try Request.read(text.span) }
        }
    }

    @Test(arguments: [
        #"{"v":1,"op":"nonsense","source":"p1","epoch":7}"#,
        #"{"v":1,"op":"batch","source":"p1","epoch":7}"#,
    ])
    func namesItsOriginAlsoWhereItIsRefused(_ text: String) {
        #expect(
            Request.origin(of: Array(text.utf8).span)
                == SourceEpoch(source: SourceName("p1")!, epoch: Epoch(rawValue: 7)))
    }

    @Test func whatASourceWritesTheLedgerReads() {
        let origin = SourceEpoch(
            source: SourceName("sip/1:a-b_c.d")!, epoch: Epoch(rawValue: 1_700_000_000_000_000))
        var header = RequestHeader()
        header.hello(origin)
        #expect(
            Self.read(String(decoding: header.bytes, as: UTF8.self)) == "hello sip/1:a-b_c.d 1700000000000000"
        )
        header.batch(origin, first: 5, count: 64)
        #expect(
            Self.read(String(decoding: header.bytes, as: UTF8.self))
                == "batch sip/1:a-b_c.d 1700000000000000 5 64")
        header.heartbeat(origin, last: 9, time: Timestamp(rawValue: 3))
        #expect(
            Self.read(String(decoding: header.bytes, as: UTF8.self))
                == "heartbeat sip/1:a-b_c.d 1700000000000000 9")
        header.skip(origin, NumberRange(3, 4), reason: "a \"b\"\n")
        #expect(
            Self.read(String(decoding: header.bytes, as: UTF8.self))
                == "skip sip/1:a-b_c.d 1700000000000000 3-4 a \"b\"\n")
    }

    @Test func whatTheLedgerWritesASourceReads() {
        let origin = SourceEpoch(source: SourceName("p1")!, epoch: Epoch(rawValue: 7))
        let log = Array("00ff".utf8)
        func read(_ answer: Answer) -> Reply? {
            var buffer = JSONBuffer()
            answer.encode(to: &buffer, log: log)
            return Reply.read(buffer.bytes.span)
        }
        let five = SequenceNumber(rawValue: 5)
        #expect(read(.welcome(origin, next: five, credit: 9)) == .welcome(log: log, next: 5, credit: 9))
        #expect(read(.ack(origin, through: five, credit: 0)) == .ack(through: 5, credit: 0))
        #expect(read(.nack(origin, expected: five)) == .nack(expected: 5))
        #expect(read(.credit(origin, credit: 3)) == .credit(3))
        #expect(
            read(.error(Refusal(.badFrames, "a \"b\""), nil)) == .error(code: "bad_frames", reason: "a \"b\"")
        )
        #expect(Reply.read(Array(#"{"v":2,"op":"ack","through":1,"credit":1}"#.utf8).span) == nil)
    }
}
