internal import Events

/// Walks the members of a valid JSON object of strings and numbers in which nothing is escaped: as proxies
/// write it.
@safe
struct PlainMembers {
    struct Member {
        /// The key's first eight bytes, the first one highest, and zeros behind its end.
        let prefix: UInt64
        let key: Range<Int>
        /// Quotes included.
        let value: Range<Int>

        /// Whether nothing but a colon stands between key and value.
        var isCompact: Bool { key.upperBound + 2 == value.lowerBound }
    }

    // Safety: whoever makes a walk keeps the object and its padding alive and unchanged while it is used.
    private let base: UnsafePointer<UInt8>
    private let count: Int
    /// Somewhere before the next member's key.
    private var offset = 1

    /// Null where there is a backslash anywhere.
    @unsafe
    init?(_ object: PaddedBytes) {
        guard let base = unsafe object.pointer(at: 0, to: object.count).baseAddress else { return nil }
        unsafe self.base = base
        count = object.count
        var offset = 0
        while offset < count {
            let found = Self.places(of: UInt8(ascii: "\\"), in: word(at: offset))
            // Whatever lies behind the object's end counts for nothing.
            if found != 0, offset + found.trailingZeroBitCount / 8 < count { return nil }
            offset &+= 8
        }
    }

    mutating func next() -> Member? {
        while offset < count, byte(at: offset) != UInt8(ascii: "\"") { offset &+= 1 }
        guard offset < count else { return nil }
        let key = offset + 1..<endOfString(from: offset + 1)
        var start = key.upperBound + 1
        while byte(at: start) != UInt8(ascii: ":") { start &+= 1 }
        start &+= 1
        while byte(at: start) <= UInt8(ascii: " ") { start &+= 1 }
        var end = start
        if byte(at: start) == UInt8(ascii: "\"") {
            end = endOfString(from: start + 1) + 1
        } else {
            while !Self.endsNumber(byte(at: end)) { end &+= 1 }
        }
        offset = end
        let rest = max(8 - key.count, 0) * 8
        let prefix = (word(at: key.lowerBound).byteSwapped >> UInt64(rest)) << UInt64(rest)
        return Member(prefix: prefix, key: key, value: start..<end)
    }

    @inline(__always)
    private func byte(at offset: Int) -> UInt8 {
        precondition(offset <= count)
        // Safety: the last one is the padding's first.
        return unsafe base[offset]
    }

    @inline(__always)
    private func word(at offset: Int) -> UInt64 {
        precondition(offset <= count)
        // Safety: the padding is longer than a word.
        return unsafe UInt64(
            littleEndian: UnsafeRawPointer(base).loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    private static func endsNumber(_ byte: UInt8) -> Bool {
        byte <= UInt8(ascii: " ") || byte == UInt8(ascii: ",") || byte == UInt8(ascii: "}")
    }

    private func endOfString(from start: Int) -> Int {
        var offset = start
        while true {
            let quotes = Self.places(of: UInt8(ascii: "\""), in: word(at: offset))
            if quotes != 0 { return offset + quotes.trailingZeroBitCount / 8 }
            offset += 8
        }
    }

    /// The high bit of the lowest byte that is this one; higher bytes may be marked without being it.
    @inline(__always)
    private static func places(of byte: UInt8, in word: UInt64) -> UInt64 {
        let difference = word ^ (UInt64(byte) &* ones)
        return (difference &- ones) & ~difference & highs
    }

    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let highs: UInt64 = 0x8080_8080_8080_8080
}
