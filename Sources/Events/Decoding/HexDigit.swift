/// The digits of `\uXXXX` in JSON (RFC 8259 section 7).
package enum HexDigit {
    /// The code unit that four digits stand for; null where one of them is none.
    package static func codeUnit(
        _ first: UInt8, _ second: UInt8, _ third: UInt8, _ fourth: UInt8
    ) -> UInt32? {
        guard let first = value(first), let second = value(second), let third = value(third),
            let fourth = value(fourth)
        else { return nil }
        return first << 12 | second << 8 | third << 4 | fourth
    }

    /// What a digit stands for; null where the byte is none.
    @inline(__always)
    private static func value(_ byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - 0x30)
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte - 0x57)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte - 0x37)
        default: nil
        }
    }
}
