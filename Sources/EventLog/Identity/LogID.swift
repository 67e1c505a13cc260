/// A log's identity: 128 random bits, drawn when the log is made. A source that meets another ID after a
/// reconnect knows that it speaks to another ledger.
package struct LogID: Hashable, Sendable, CustomStringConvertible {
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// - Parameter description: 32 hex digits, as `description` has them.
    package init?(_ description: String) {
        guard description.utf8.count == 32, let high = UInt64(description.prefix(16), radix: 16),
            let low = UInt64(description.suffix(16), radix: 16)
        else { return nil }
        self.init(high: high, low: low)
    }

    /// What the keys of calls are made with.
    package var keySeed: UInt64 { low ^ high }

    /// 32 lower-case hex digits.
    package var description: String {
        Self.hex(high) + Self.hex(low)
    }

    private static func hex(_ word: UInt64) -> String {
        let digits = String(word, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

extension LogID {
    /// Drawn from the operating system's source of randomness.
    package static func random() -> LogID {
        var generator = SystemRandomNumberGenerator()
        return LogID(high: generator.next(), low: generator.next())
    }
}
