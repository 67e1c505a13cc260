/// The digits of `\uXXXX` in JSON (RFC 8259 section 7).
package enum HexDigit {
    /// What a digit stands for; null where the byte is none.
    @inline(__always)
    package static func value(_ byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - 0x30)
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte - 0x57)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte - 0x37)
        default: nil
        }
    }
}
