/// A log's identity: 128 random bits, drawn when the log is made. A source that meets another ID after a
/// reconnect knows that it speaks to another ledger.
package struct LogID: Hashable, Sendable, CustomStringConvertible {
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

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
