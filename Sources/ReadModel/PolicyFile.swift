internal import Crypto
internal import Foundation
package import Projections

/// Reads a billing policy as people write it: a small JSON object in a file.
package enum PolicyFile {
    // The names are those of the file.
    // swift-format-ignore: AlwaysUseLowerCamelCase
    private struct Content: Decodable {
        var id: String
        var hung_call: String?
        var round_ms: Int64?
        var round: String?
        var minimum_ms: Int64?
    }

    private static let keys: Set<String> = ["id", "hung_call", "round_ms", "round", "minimum_ms"]

    /// - Parameter path: what an error names.
    package static func parse(_ bytes: [UInt8], path: String) throws -> BillingPolicy {
        func fail(_ what: String) -> ReadModelError {
            ReadModelError(
                .configuration,
                "\(path) is no billing policy: \(what). A policy looks like \(BillingPolicy.builtInText)")
        }
        let data = Data(bytes)
        guard let object = try? JSONSerialization.jsonObject(with: data) as? [String: Any] else {
            throw fail("it holds no JSON object")
        }
        if let unknown = object.keys.filter({ !keys.contains($0) }).min() {
            throw fail("there is no key “\(unknown)”")
        }
        let content: Content
        do {
            content = try JSONDecoder().decode(Content.self, from: data)
        } catch {
            throw fail(
                "“id” is required, and a text; “round_ms” and “minimum_ms” are whole numbers")
        }
        guard let hungCall = BillingPolicy.HungCall(rawValue: content.hung_call ?? "last_proof") else {
            throw fail("“hung_call” is last_proof, session_expiry, timeout or hold")
        }
        guard let rounding = BillingPolicy.Rounding(rawValue: content.round ?? "up") else {
            throw fail("“round” is up, down or nearest")
        }
        let round = content.round_ms ?? 1000
        guard (1...86_400_000).contains(round) else { throw fail("“round_ms” is 1 to 86400000") }
        let minimum = content.minimum_ms ?? 0
        guard (0...86_400_000).contains(minimum) else { throw fail("“minimum_ms” is 0 to 86400000") }
        return BillingPolicy(
            id: content.id, hash: hash(bytes), hungCall: hungCall, roundMilliseconds: round,
            rounding: rounding,
            minimumMilliseconds: minimum)
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
