/// A number as it stands in a text (RFC 8259 section 6).
struct JSONNumber {
    /// Where it ends.
    let end: Int
    /// Whether it has neither fraction nor exponent.
    let isInteger: Bool
    /// Its value, where it is an integer of 64 bits.
    let value: Int64?

    /// Null where no number stands at `start`.
    @inline(__always)
    init?(_ bytes: PaddedBytes, from start: Int, to end: Int) {
        var offset = start
        let isNegative = bytes[offset] == UInt8(ascii: "-")
        if isNegative { offset += 1 }
        let digits = offset
        var magnitude: UInt64 = 0
        var overflowed = false
        while offset < end, let digit = Self.digit(bytes[offset]) {
            if offset - digits < 18 {
                magnitude = magnitude &* 10 &+ digit
            } else {
                let (product, first) = magnitude.multipliedReportingOverflow(by: 10)
                let (sum, second) = product.addingReportingOverflow(digit)
                magnitude = sum
                overflowed = overflowed || first || second
            }
            offset += 1
        }
        let count = offset - digits
        guard count > 0, count == 1 || bytes[digits] != UInt8(ascii: "0") else { return nil }
        var isInteger = true
        if offset < end, bytes[offset] == UInt8(ascii: ".") {
            isInteger = false
            offset += 1
            guard let next = Self.skipDigits(bytes, from: offset, to: end) else { return nil }
            offset = next
        }
        if offset < end, bytes[offset] | 0x20 == UInt8(ascii: "e") {
            isInteger = false
            offset += 1
            if offset < end, bytes[offset] == UInt8(ascii: "+") || bytes[offset] == UInt8(ascii: "-") {
                offset += 1
            }
            guard let next = Self.skipDigits(bytes, from: offset, to: end) else { return nil }
            offset = next
        }
        self.end = offset
        self.isInteger = isInteger
        if !isInteger || overflowed || magnitude > UInt64(Int64.max) {
            value = nil
        } else {
            value = isNegative ? -Int64(magnitude) : Int64(magnitude)
        }
    }

    /// Null where not one digit stands there.
    private static func skipDigits(_ bytes: PaddedBytes, from start: Int, to end: Int) -> Int? {
        var offset = start
        while offset < end, digit(bytes[offset]) != nil { offset += 1 }
        return offset > start ? offset : nil
    }

    @inline(__always)
    private static func digit(_ byte: UInt8) -> UInt64? {
        let value = byte &- 0x30
        return value < 10 ? UInt64(value) : nil
    }
}
