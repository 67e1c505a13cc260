/// Who states a fact: a proxy, or one worker of it. 1 to 64 bytes of `A-Z a-z 0-9 . _ : / -`, held inline.
public struct SourceName: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The greatest number of bytes of a name.
    public static let lengthMax = 64

    /// The name under which the ledger itself speaks; no proxy may take it.
    public static let ledger = SourceName("ledger".utf8.span)!

    package let length: UInt8
    package let bytes: InlineArray<64, UInt8>

    /// Null where `text` is empty, too long, or holds a byte that a name may not hold.
    public init?(_ text: borrowing Span<UInt8>) {
        guard (1...Self.lengthMax).contains(text.count) else { return nil }
        var bytes = InlineArray<64, UInt8>(repeating: 0)
        for index in text.indices {
            guard Self.isAllowed(text[index]) else { return nil }
            bytes[index] = text[index]
        }
        self.length = UInt8(text.count)
        self.bytes = bytes
    }

    /// Null where `text` is no valid name.
    public init?(_ text: String) {
        self.init(text.utf8.span)
    }

    /// The name that stands in a payload; null where it is none.
    package init?(_ text: TextRange, in bytes: PaddedBytes) {
        var resolved: [UInt8] = []
        JSONText.append(text, in: bytes, to: &resolved)
        self.init(resolved.span)
    }

    public var isLedger: Bool { length == 6 && self == Self.ledger }

    public var description: String {
        var text = ""
        for index in 0..<Int(length) {
            text.unicodeScalars.append(Unicode.Scalar(bytes[index]))
        }
        return text
    }

    public static func == (left: SourceName, right: SourceName) -> Bool {
        guard left.length == right.length else { return false }
        for offset in stride(from: 0, to: Int(left.length), by: 8)
        where left.word(at: offset) != right.word(at: offset) { return false }
        return true
    }

    /// The eight bytes from a multiple of eight on, as they lie in memory; what is behind a name is zero.
    @inline(__always)
    package func word(at offset: Int) -> UInt64 {
        precondition(offset >= 0 && offset <= Self.lengthMax - 8)
        // Safety: within the 64 bytes, checked above.
        return unsafe withUnsafeBytes(of: bytes) {
            unsafe $0.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
        }
    }

    /// As UTF-8 bytes, the order in which records list sources.
    public static func < (left: SourceName, right: SourceName) -> Bool {
        for index in 0..<Int(min(left.length, right.length)) where left.bytes[index] != right.bytes[index] {
            return left.bytes[index] < right.bytes[index]
        }
        return left.length < right.length
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(length)
        var word: UInt64 = 0
        for index in 0..<Int(length) {
            word = word << 8 | UInt64(bytes[index])
            if index & 7 == 7 {
                hasher.combine(word)
                word = 0
            }
        }
        hasher.combine(word)
    }

    static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: ":"), UInt8(ascii: "/"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
