internal import Events

/// A place in a JSON text (RFC 8259) and how to get over what stands there: for headers and for the envelopes
/// of imported events, which are too short to be worth a pass of simdjson.
struct JSONCursor {
    var offset = 0

    // MARK: Values

    /// An integer of 64 bits; null, and taken, where some other value stands there.
    mutating func takeInteger(_ bytes: borrowing Span<UInt8>) throws(HeaderFields.Fault) -> Int64? {
        let first = peek(bytes)
        guard first == UInt8(ascii: "-") || Self.isDigit(first) else {
            try skipValue(bytes, depth: 0)
            return nil
        }
        return try takeNumber(bytes)
    }

    /// Takes a number; its value, where it is an integer of 64 bits.
    mutating func takeNumber(_ bytes: borrowing Span<UInt8>) throws(HeaderFields.Fault) -> Int64? {
        let isNegative = peek(bytes) == UInt8(ascii: "-")
        if isNegative { offset += 1 }
        let start = offset
        var value: Int64 = 0
        var isBeyond = false
        while Self.isDigit(peek(bytes)) {
            let digit = Int64(bytes[offset] - UInt8(ascii: "0"))
            let (product, first) = value.multipliedReportingOverflow(by: 10)
            let (sum, second) = product.subtractingReportingOverflow(digit)
            isBeyond = isBeyond || first || second
            value = sum
            offset += 1
        }
        guard offset > start, offset == start + 1 || bytes[start] != UInt8(ascii: "0") else { throw .notJSON }
        var isInteger = true
        if peek(bytes) == UInt8(ascii: ".") {
            isInteger = false
            offset += 1
            try skipDigits(bytes)
        }
        if peek(bytes) | 0x20 == UInt8(ascii: "e") {
            isInteger = false
            offset += 1
            if peek(bytes) == UInt8(ascii: "+") || peek(bytes) == UInt8(ascii: "-") { offset += 1 }
            try skipDigits(bytes)
        }
        // Summed up below zero, where there is room for one more.
        guard isInteger, !isBeyond, isNegative || value != .min else { return nil }
        return isNegative ? value : -value
    }

    mutating func skipDigits(_ bytes: borrowing Span<UInt8>) throws(HeaderFields.Fault) {
        guard Self.isDigit(peek(bytes)) else { throw .notJSON }
        while Self.isDigit(peek(bytes)) { offset += 1 }
    }

    mutating func skipValue(
        _ bytes: borrowing Span<UInt8>, depth: Int
    ) throws(HeaderFields.Fault) {
        guard depth <= Limits.headerDepthMax else { throw .tooDeep }
        switch peek(bytes) {
        case UInt8(ascii: "\""): _ = try takeString(bytes)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): _ = try takeNumber(bytes)
        case UInt8(ascii: "t"): try skipLiteral("true", bytes)
        case UInt8(ascii: "f"): try skipLiteral("false", bytes)
        case UInt8(ascii: "n"): try skipLiteral("null", bytes)
        case UInt8(ascii: "["): try skipContainer(bytes, UInt8(ascii: "]"), hasKeys: false, depth: depth)
        case UInt8(ascii: "{"): try skipContainer(bytes, UInt8(ascii: "}"), hasKeys: true, depth: depth)
        default: throw .notJSON
        }
    }

    mutating func skipContainer(
        _ bytes: borrowing Span<UInt8>, _ closing: UInt8, hasKeys: Bool, depth: Int
    ) throws(HeaderFields.Fault) {
        offset += 1
        skipSpace(bytes)
        if peek(bytes) == closing {
            offset += 1
            return
        }
        while true {
            skipSpace(bytes)
            if hasKeys {
                _ = try takeString(bytes)
                skipSpace(bytes)
                guard peek(bytes) == UInt8(ascii: ":") else { throw .notJSON }
                offset += 1
                skipSpace(bytes)
            }
            try skipValue(bytes, depth: depth + 1)
            skipSpace(bytes)
            let next = peek(bytes)
            offset += 1
            if next == closing { return }
            guard next == UInt8(ascii: ",") else { throw .notJSON }
        }
    }

    mutating func skipLiteral(
        _ text: StaticString, _ bytes: borrowing Span<UInt8>
    ) throws(HeaderFields.Fault) {
        let end = offset + text.utf8CodeUnitCount
        guard end <= bytes.count,
            HeaderText(start: offset, end: end, isEscaped: false).equals(text, in: bytes)
        else { throw .notJSON }
        offset = end
    }

    // MARK: Strings

    mutating func takeString(_ bytes: borrowing Span<UInt8>) throws(HeaderFields.Fault) -> HeaderText {
        guard peek(bytes) == UInt8(ascii: "\"") else { throw .notJSON }
        offset += 1
        let start = offset
        var isEscaped = false
        while offset < bytes.count {
            switch bytes[offset] {
            case UInt8(ascii: "\""):
                offset += 1
                return HeaderText(start: start, end: offset - 1, isEscaped: isEscaped)
            case UInt8(ascii: "\\"):
                isEscaped = true
                try skipEscape(bytes)
            case 0x00..<0x20: throw .notJSON
            case 0x20..<0x80: offset += 1
            default: try skipScalar(bytes)
            }
        }
        throw .notJSON
    }

    mutating func skipEscape(_ bytes: borrowing Span<UInt8>) throws(HeaderFields.Fault) {
        guard offset + 1 < bytes.count else { throw .notJSON }
        switch bytes[offset + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            offset += 2
        case UInt8(ascii: "u"):
            guard let unit = Self.codeUnit(bytes, at: offset, to: bytes.count) else { throw .notJSON }
            offset += 6
            if unit & 0xFC00 == 0xDC00 { throw .invalidUTF8 }
            guard unit & 0xFC00 == 0xD800 else { return }
            guard let low = Self.codeUnit(bytes, at: offset, to: bytes.count), low & 0xFC00 == 0xDC00 else {
                throw .invalidUTF8
            }
            offset += 6
        default: throw .notJSON
        }
    }

    /// The code unit of the `\uXXXX` at `offset`; null where it is none.
    static func codeUnit(_ bytes: borrowing Span<UInt8>, at offset: Int, to end: Int) -> UInt32? {
        guard offset + 6 <= end, bytes[offset] == UInt8(ascii: "\\"), bytes[offset + 1] == UInt8(ascii: "u")
        else {
            return nil
        }
        return HexDigit.codeUnit(bytes[offset + 2], bytes[offset + 3], bytes[offset + 4], bytes[offset + 5])
    }

    /// Skips one character of more than one byte (RFC 3629 section 4).
    mutating func skipScalar(_ bytes: borrowing Span<UInt8>) throws(HeaderFields.Fault) {
        let first = bytes[offset]
        let length: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch first {
        case 0xC2...0xDF: length = 2
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: length = 3
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        case 0xF1...0xF3: length = 4
        default: throw .invalidUTF8
        }
        guard offset + length <= bytes.count, second.contains(bytes[offset + 1]) else { throw .invalidUTF8 }
        for place in 2..<max(length, 2) where bytes[offset + place] & 0xC0 != 0x80 { throw .invalidUTF8 }
        offset += length
    }

    // MARK: Bytes

    /// The next byte; 0, which is no part of JSON outside its strings, where there is none.
    @inline(__always)
    func peek(_ bytes: borrowing Span<UInt8>) -> UInt8 {
        offset < bytes.count ? bytes[offset] : 0
    }

    @inline(__always)
    mutating func skipSpace(_ bytes: borrowing Span<UInt8>) {
        while offset < bytes.count {
            switch bytes[offset] {
            case 0x20, 0x09, 0x0A, 0x0D: offset += 1
            default: return
            }
        }
    }

    @inline(__always)
    static func isDigit(_ byte: UInt8) -> Bool {
        byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
    }
}
