import Testing

@testable import Events
@testable import Projections
@testable import Simulation

/// The extra of a call has every key once, in the order of their bytes, with the value that came last: tried
/// with objects of every spelling, spaced and unspaced, with and without escapes, against a dictionary.
struct ExtraMembersTests {
    /// What stands in the objects, and what is to be written of it.
    private static let keys: [(spelled: String, key: String)] = [
        ("a", "a"), ("", ""), ("account", "account"), ("account2", "account2"), ("accounts", "accounts"),
        ("longer than eight", "longer than eight"), ("longer than ten", "longer than ten"), ("é", "é"),
        ("a b", "a b"), (#"\u0061"#, "a"), (#"a\u0000"#, #"a\u0000"#), (#"q\""#, #"q\""#),
    ]
    private static let values: [(spelled: String, written: String)] = [
        ("0", "0"), ("-1.50", "-1.50"), ("1e+5", "1e+5"), (#""""#, #""""#), (#""x,y}""#, #""x,y}""#),
        (#""a b: c""#, #""a b: c""#), (#""\u0061\/b""#, #""a/b""#), (#""\t""#, #""\t""#),
    ]
    private static let spaces = ["", "", "", " ", "\t ", "\n"]

    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func laterMembersOverride(seed: UInt64) {
        var random = RandomStream(seed: seed)
        var members = ExtraMembers()
        for _ in 0..<50 {
            var expected: [String: String] = [:]
            members.removeAll()
            for _ in 0..<random.below(4) { merge(object(&random, &expected), into: &members) }
            var written: [UInt8] = []
            members.append(to: &written)
            let wanted = expected.sorted { Self.bytes($0.key).lexicographicallyPrecedes(Self.bytes($1.key)) }
                .map { "\"\($0.key)\":\($0.value)" }.joined(separator: ",")
            #expect(String(decoding: written, as: UTF8.self) == "{\(wanted)}", "seed \(seed)")
        }
    }

    /// A key's bytes, its one escape resolved.
    private static func bytes(_ key: String) -> [UInt8] {
        key == #"a\u0000"# ? [UInt8(ascii: "a"), 0] : key == #"q\""# ? Array("q\"".utf8) : Array(key.utf8)
    }

    /// An object of a few members; no key twice, which no event may have.
    private func object(_ random: inout RandomStream, _ expected: inout [String: String]) -> String {
        var members: [String] = []
        var seen: Set<String> = []
        func space() -> String { Self.spaces[random.below(Self.spaces.count)] }
        for _ in 0..<random.below(6) {
            let key = Self.keys[random.below(Self.keys.count)]
            let value = Self.values[random.below(Self.values.count)]
            guard seen.insert(key.key).inserted else { continue }
            expected[key.key] = value.written
            members.append("\(space())\"\(key.spelled)\"\(space()):\(space())\(value.spelled)\(space())")
        }
        return members.isEmpty ? "{\(space())}" : "{\(members.joined(separator: ","))}"
    }

    private func merge(_ object: String, into members: inout ExtraMembers) {
        let buffer = PaddedBuffer(copying: Array(object.utf8))
        members.merge(buffer.bytes)
    }
}
