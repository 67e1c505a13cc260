import Testing

@testable import Events
@testable import Projections
@testable import Simulation

/// What is packed of an event is read as it was stated: tried with texts of every length around those at
/// which they are copied in another number of steps, and at which the memory they are packed into has to
/// grow.
struct PackedFactsTests {
    @Test(arguments: [0..<80, 3_300..<3_900, 4_000..<4_120, 8_100..<8_200])
    func textsAreReadAsTheyWere(lengths: Range<Int>) throws {
        for length in lengths {
            for isEscaped in [false, true] {
                let plain = String(repeating: "x", count: max(length - 1, 0)) + (length > 0 ? "y" : "")
                let text = isEscaped ? plain + "\"" : plain
                let written = isEscaped ? plain + "\\\"" : plain
                let calls = FoldedCalls([
                    Self.event(
                        1,
                        #""type":"dialog.trying","cseq":2147483647,"user_agent":"\#(written)","min_se":90"#),
                    Self.event(
                        2,
                        #""type":"dialog.terminated","to_tag":"t","by":"callee","reason":"\#(written)","#
                            + #""user_agent":"behind""#),
                ])
                try calls.eachFold { fold in
                    #expect(fold.facts.count == 2)
                    let (first, last) = (fold.facts[0], fold.facts[1])
                    #expect(Self.text(first.userAgent, fold) == text, "\(length), escaped: \(isEscaped)")
                    #expect(first.cseq == 2_147_483_647 && first.minSE == 90)
                    #expect(Self.text(last.reason, fold) == text, "\(length), escaped: \(isEscaped)")
                    #expect(Self.text(last.userAgent, fold) == "behind")
                    #expect(Self.text(fold.tags[0], fold) == "t" && last.by == .callee)
                }
            }
        }
    }

    /// The list of sources is kept from one call to the next where it is the same.
    @Test func eachCallHasItsOwnSources() throws {
        var common = CallCommon()
        let one = #""type":"dialog.trying","cseq":1"#
        for names in [["a"], ["a"], ["b"], ["b", "a"], ["a"], ["ledger"], ["a"], ["a", "a"]] {
            let calls = FoldedCalls(
                names.enumerated().map { number, name in
                    let statement = name == "ledger" ? #""type":"ledger.expired","deadline":1"# : one
                    return Self.event(UInt64(number + 1), statement, source: name)
                })
            try calls.eachFold { fold in common.gather(fold, sources: calls.sources) }
            let expected = Set(names).subtracting(["ledger"]).sorted().map { "\"\($0)\"" }
            let found = String(decoding: common.sources, as: UTF8.self)
            #expect(found == "[\(expected.joined(separator: ","))]", "\(names)")
        }
    }

    private static func event(
        _ position: UInt64, _ statement: String, source: String = "proxy"
    ) -> StatedEvent {
        StatedEvent(
            position: position, source: source, epoch: 1, seq: Int64(position),
            json: #"{"time":\#(1_700_000_000_000_000 + position),"callid":"c","from_tag":"f",\#(statement)}"#)
    }

    private static func text(_ slice: TextSlice?, _ fold: borrowing CallFold) -> String? {
        slice.map { String(decoding: fold.bytes[$0.range], as: UTF8.self) }
    }
}
