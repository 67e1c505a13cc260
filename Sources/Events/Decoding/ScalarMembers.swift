/// Walks the members of a valid JSON object whose values are strings and numbers, such as `extra`.
package struct ScalarMembers {
    package struct Member {
        package let key: TextRange
        /// A string's inside, or a number as it was written.
        package let value: TextRange
        package let isString: Bool
    }

    private let bytes: PaddedBytes
    private var offset: Int

    package init(_ object: PaddedBytes) {
        bytes = object
        offset = 0
        skip(to: UInt8(ascii: "{"))
    }

    package mutating func next() -> Member? {
        while offset < bytes.count, bytes[offset] != UInt8(ascii: "\"") {
            if bytes[offset] == UInt8(ascii: "}") { return nil }
            offset += 1
        }
        guard offset < bytes.count else { return nil }
        let key = takeString()
        skip(to: UInt8(ascii: ":"))
        while Self.isSpace(bytes[offset]) { offset += 1 }
        if bytes[offset] == UInt8(ascii: "\"") {
            return Member(key: key, value: takeString(), isString: true)
        }
        let start = offset
        while offset < bytes.count, !Self.endsNumber(bytes[offset]) { offset += 1 }
        return Member(
            key: key, value: TextRange(start: start, end: offset, isEscaped: false), isString: false)
    }

    private mutating func takeString() -> TextRange {
        let start = offset + 1
        var isEscaped = false
        offset = start
        while offset < bytes.count, bytes[offset] != UInt8(ascii: "\"") {
            if bytes[offset] == UInt8(ascii: "\\") {
                isEscaped = true
                offset += 1
            }
            offset += 1
        }
        offset += 1
        return TextRange(start: start, end: offset - 1, isEscaped: isEscaped)
    }

    /// Behind the next such byte.
    private mutating func skip(to byte: UInt8) {
        while offset < bytes.count, bytes[offset] != byte { offset += 1 }
        offset += 1
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09 || byte == 0x0D || byte == 0x0A
    }

    private static func endsNumber(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: ",") || byte == UInt8(ascii: "}") || isSpace(byte)
    }
}
