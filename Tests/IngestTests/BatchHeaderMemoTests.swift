import Events
import Testing

@testable import Ingest

/// Whatever was read before, a header is read as it would be alone.
struct BatchHeaderMemoTests {
    private static func text(_ body: () throws(Refusal) -> Request) -> String {
        do throws(Refusal) {
            return "\(try body())"
        } catch {
            return "\(error)"
        }
    }

    private static func compare(_ headers: [String]) {
        var memo = BatchHeaderMemo()
        for (place, header) in headers.enumerated() {
            let bytes = Array(header.utf8)
            let remembered = text { () throws(Refusal) in try memo.read(bytes.span) }
            let alone = text { () throws(Refusal) in try Request.read(bytes.span) }
            #expect(remembered == alone, "\(header), read behind \(headers[..<place])")
        }
    }

    private static func batch(_ first: String, _ count: Int = 64, source: String = "p1") -> String {
        #"{"v":1,"op":"batch","source":"\#(source)","epoch":7,"first_seq":\#(first),"count":\#(count)}"#
    }

    @Test func batchesOfASourceAreReadOneAfterTheOther() {
        Self.compare(["1", "65", "129", "9", "1000", "999999999999999999"].map { Self.batch($0) })
        Self.compare([
            Self.batch("1"), Self.batch("65", 1), Self.batch("66", 1), Self.batch("1", source: "p2"),
        ])
    }

    @Test(arguments: [
        "0", "-1", "01", "1.0", "1e1", "", "x", "1 ", " 1", "null", #""1""#, "1,\"x\":2",
        "9223372036854775806", "9223372036854775807", "99999999999999999999", "1}", "1,\"count\":2",
    ])
    func whatIsNoPlainNumberIsReadWhole(first: String) {
        Self.compare([Self.batch("5"), Self.batch(first), Self.batch("6"), Self.batch(first)])
        Self.compare([Self.batch(first), Self.batch("5"), Self.batch(first)])
    }

    @Test func aNameThatStandsTwiceIsNotTakenForTheField() {
        let nested =
            #"{"v":1,"x":{"first_seq":5},"op":"batch","source":"p","epoch":7,"first_seq" :5,"count":1}"#
        Self.compare([nested, nested.replacing("{\"first_seq\":5}", with: "{\"first_seq\":6}")])
        Self.compare([nested, nested.replacing("\"first_seq\" :5", with: "\"first_seq\" :6")])
        let text = #"{"v":1,"x":"first_seq:","op":"batch","source":"p","epoch":7,"first_seq":5,"count":1}"#
        Self.compare([text, text.replacing("\"first_seq\":5", with: "\"first_seq\":6")])
        let escaped =
            #"{"v":1,"op":"batch","source":"p","epoch":7,"first\u005fseq":5,"y":{"first_seq":5},"count":1}"#
        Self.compare([escaped, escaped.replacing("{\"first_seq\":5}", with: "{\"first_seq\":6}")])
    }

    @Test func otherRequestsInBetweenChangeNothing() {
        Self.compare([
            Self.batch("1"), #"{"v":1,"op":"heartbeat","source":"p1","epoch":7,"last_seq":64,"time":1}"#,
            Self.batch("65"), "", "{", Self.batch("129"), #"{"v":1,"op":"hello","source":"p1","epoch":7}"#,
        ])
    }

    @Test func theSameHeaderIsNotTakenApartAgain() throws {
        var memo = BatchHeaderMemo()
        let (first, second) = (Array(Self.batch("1").utf8), Array(Self.batch("65").utf8))
        #expect(memo.remembered(first.span) == nil)
        _ = try memo.read(first.span)
        #expect(memo.remembered(second.span) == 65)
    }
}
