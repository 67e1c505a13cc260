/// The names of a call: worked out from its seed each time, since that costs less than keeping them.
extension EventBytes {
    @inline(__always)
    mutating func appendCallID(_ seed: UInt64, _ style: IdentityStyle, caller: UInt32) {
        let low = UInt32(truncatingIfNeeded: seed)
        let high = UInt32(truncatingIfNeeded: seed >> 32)
        switch style {
        case .plain:
            append(hex: low)
            append(hex: high)
            append(byte: UInt8(ascii: "@"))
            appendHost(caller)
        case .asterisk:
            append(hex: low)
            append(hex: high)
            let more = RandomStream.mixed(seed &+ 1)
            append(hex: UInt32(truncatingIfNeeded: more))
            append(hex: UInt32(truncatingIfNeeded: more >> 32))
            append(byte: UInt8(ascii: "@"))
            appendHost(caller)
            append(":5060")
        case .uuid: appendUUID(seed)
        case .decimal:
            append("0_")
            append(digits: low, count: 8)
            append(digits: high, count: 4)
            append(byte: UInt8(ascii: "@"))
            appendHost(caller)
        case .short: appendLetters(seed, count: 10)
        case .grouped:
            append(hex: low)
            append(byte: UInt8(ascii: "-"))
            append(hex: high, count: 4)
            append("0002-")
            append(hex: UInt32(truncatingIfNeeded: RandomStream.mixed(seed &+ 1)))
            append(byte: UInt8(ascii: "@"))
            appendHost(caller)
        }
    }

    @inline(__always)
    mutating func appendTag(_ seed: UInt64, _ style: IdentityStyle) {
        let low = UInt32(truncatingIfNeeded: seed)
        switch style {
        case .plain: append(hex: low)
        case .asterisk:
            append("as")
            append(hex: low)
        case .uuid: appendLetters(seed, count: 12)
        case .decimal:
            append(digits: low, count: 8)
            append(digits: UInt32(truncatingIfNeeded: seed >> 32), count: 2)
        case .short: appendLetters(seed, count: 7)
        case .grouped:
            append(hex: low)
            append(hex: UInt32(truncatingIfNeeded: seed >> 32))
        }
    }

    /// A private address for a subscriber.
    @inline(__always)
    mutating func appendHost(_ subscriber: UInt32) {
        let address = RandomStream.mixed(UInt64(subscriber))
        append("10.")
        append(decimal: address & 31)
        append(byte: UInt8(ascii: "."))
        append(decimal: address >> 8 & 255)
        append(byte: UInt8(ascii: "."))
        append(decimal: address >> 16 & 255)
    }

    private mutating func appendUUID(_ seed: UInt64) {
        let more = RandomStream.mixed(seed &+ 1)
        let third = UInt32(truncatingIfNeeded: more)
        append(hex: UInt32(truncatingIfNeeded: seed))
        append(byte: UInt8(ascii: "-"))
        append(hex: UInt32(truncatingIfNeeded: seed >> 32), count: 4)
        append("-4")
        append(hex: UInt32(truncatingIfNeeded: seed >> 48) << 16, count: 3)
        append("-9")
        append(hex: third, count: 3)
        append(byte: UInt8(ascii: "-"))
        append(hex: UInt32(truncatingIfNeeded: more >> 32))
        append(hex: third << 12, count: 4)
    }

    /// Small letters and digits.
    private mutating func appendLetters(_ seed: UInt64, count: Int) {
        var rest = seed
        for _ in 0..<count {
            let letter = UInt8(truncatingIfNeeded: rest % 36)
            rest /= 36
            append(byte: letter < 10 ? UInt8(ascii: "0") + letter : UInt8(ascii: "a") - 10 + letter)
        }
    }
}
