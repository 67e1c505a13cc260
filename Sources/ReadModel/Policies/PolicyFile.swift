internal import Crypto
package import Projections

/// Reads a billing policy as people write it: a small JSON object in a file.
package enum PolicyFile {
    private static let keys = ["id", "hung_call", "round_ms", "round", "minimum_ms"]
    /// What `round_ms` and `minimum_ms` may be at most: a day.
    private static let millisecondsMax: Int64 = 86_400_000
    /// How long the text of a policy may be where it is given, in bytes: it has to fit into an event.
    package static let bytesMax = 8_192

    /// - Parameter path: what an error names, with the line and what may stand there.
    package static func parse(_ bytes: [UInt8], path: String) throws(ReadModelError) -> BillingPolicy {
        do throws(FlatObject.Fault) {
            return try policy(FlatObject(bytes), hash: hash(bytes))
        } catch {
            throw ReadModelError(
                .configuration,
                "\(path) is no billing policy: line \(error.line): \(error.message). A policy looks like "
                    + BillingPolicy.builtInText)
        }
    }

    private static func policy(_ object: FlatObject, hash: String) throws(FlatObject.Fault) -> BillingPolicy {
        for member in object.members where !keys.contains(member.key) {
            throw FlatObject.Fault(
                line: member.line,
                message: "there is no key “\(member.key)”: it is one of \(keys.joined(separator: ", "))")
        }
        guard let id = try text("id", object) else {
            throw FlatObject.Fault(
                line: 1, message: "“id” is missing: the name under which records cite the policy")
        }
        return BillingPolicy(
            id: id, hash: hash, hungCall: try word("hung_call", object, standard: .lastProof),
            roundMilliseconds: try number("round_ms", object, 1...millisecondsMax, standard: 1000),
            rounding: try word("round", object, standard: .up),
            minimumMilliseconds: try number("minimum_ms", object, 0...millisecondsMax, standard: 0))
    }

    /// Null where the key is absent, or null.
    private static func text(_ key: String, _ object: FlatObject) throws(FlatObject.Fault) -> String? {
        guard let member = object.members.first(where: { $0.key == key }) else { return nil }
        switch member.value {
        case .text(let text): return text
        case .null: return nil
        case .number(let word), .other(let word):
            throw FlatObject.Fault(line: member.line, message: "“\(key)” is \(word): it is a text in quotes")
        }
    }

    private static func word<Word: RawRepresentable & CaseIterable>(
        _ key: String, _ object: FlatObject, standard: Word
    ) throws(FlatObject.Fault) -> Word where Word.RawValue == String {
        guard let text = try text(key, object) else { return standard }
        if let word = Word(rawValue: text) { return word }
        let words = Word.allCases.map(\.rawValue).joined(separator: ", ")
        throw FlatObject.Fault(
            line: object.members.first { $0.key == key }?.line ?? 1,
            message: "“\(key)” is “\(text)”: it is one of \(words)")
    }

    private static func number(
        _ key: String, _ object: FlatObject, _ range: ClosedRange<Int64>, standard: Int64
    ) throws(FlatObject.Fault) -> Int64 {
        guard let member = object.members.first(where: { $0.key == key }) else { return standard }
        let found: String
        switch member.value {
        case .null: return standard
        case .number(let word):
            if let number = Int64(word), range.contains(number) { return number }
            found = word
        case .text(let text): found = "“\(text)”"
        case .other(let word): found = word
        }
        throw FlatObject.Fault(
            line: member.line,
            message:
                "“\(key)” is \(found): it is a whole number from \(range.lowerBound) to \(range.upperBound)")
    }

    /// The first 16 hex digits of the SHA-256 of a file.
    package static func hash(_ data: [UInt8]) -> String {
        let digits = Array("0123456789abcdef")
        return SHA256.hash(data: data).prefix(8).reduce(into: "") {
            $0.append(digits[Int($1 >> 4)])
            $0.append(digits[Int($1 & 15)])
        }
    }
}
