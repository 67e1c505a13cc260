/// The inside of a JSON string: checking and resolving its escapes (RFC 8259 section 7).
package enum JSONText {
    /// Checks the escapes between `start` and `end`, which the scanner has found to be one string's inside.
    static func fault(in bytes: PaddedBytes, from start: Int, to end: Int) -> EventFault.Code? {
        var offset = start
        while offset < end {
            guard bytes[offset] == UInt8(ascii: "\\") else {
                offset += 1
                continue
            }
            guard offset + 1 < end else { return .notJSON }
            switch bytes[offset + 1] {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"),
                UInt8(ascii: "f"), UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
                offset += 2
            case UInt8(ascii: "u"):
                guard let unit = codeUnit(in: bytes, at: offset, to: end) else { return .notJSON }
                offset += 6
                if isLow(unit) { return .loneSurrogate }
                guard isHigh(unit) else { continue }
                guard offset + 1 < end, bytes[offset] == UInt8(ascii: "\\"),
                    bytes[offset + 1] == UInt8(ascii: "u")
                else { return .loneSurrogate }
                guard let second = codeUnit(in: bytes, at: offset, to: end) else { return .notJSON }
                guard isLow(second) else { return .loneSurrogate }
                offset += 6
            default:
                return .notJSON
            }
        }
        return nil
    }

    /// Hands each byte of the text to `body`, escapes resolved. The text must have been found valid.
    @inline(__always)
    static func forEachByte(
        of text: TextRange, in bytes: PaddedBytes, _ body: (UInt8) -> Void
    ) {
        var offset = Int(text.start)
        let end = text.end
        while offset < end {
            let byte = bytes[offset]
            guard text.isEscaped, byte == UInt8(ascii: "\\") else {
                body(byte)
                offset += 1
                continue
            }
            switch bytes[offset + 1] {
            case UInt8(ascii: "b"): body(0x08)
            case UInt8(ascii: "f"): body(0x0C)
            case UInt8(ascii: "n"): body(0x0A)
            case UInt8(ascii: "r"): body(0x0D)
            case UInt8(ascii: "t"): body(0x09)
            case UInt8(ascii: "u"):
                offset += emitScalar(in: bytes, at: offset, to: end, body)
                continue
            case let plain: body(plain)
            }
            offset += 2
        }
    }

    /// How many bytes the text has with its escapes resolved.
    package static func length(of text: TextRange, in bytes: PaddedBytes) -> Int {
        guard text.isEscaped else { return text.length }
        var count = 0
        forEachByte(of: text, in: bytes) { _ in count += 1 }
        return count
    }

    /// Appends the text, escapes resolved.
    package static func append(_ text: TextRange, in bytes: PaddedBytes, to target: inout [UInt8]) {
        guard text.isEscaped else {
            // Safety: the bytes are only read, during this call.
            unsafe target.append(contentsOf: bytes.pointer(at: Int(text.start), to: text.end))
            return
        }
        var start = Int(text.start)
        // What stands between escapes is copied whole.
        while let escape = EventDecoder.offset(of: UInt8(ascii: "\\"), in: bytes, from: start, to: text.end) {
            // Safety: the bytes are only read, during this call.
            unsafe target.append(contentsOf: bytes.pointer(at: start, to: escape))
            if bytes[escape + 1] == UInt8(ascii: "u") {
                start = escape + emitScalar(in: bytes, at: escape, to: text.end) { target.append($0) }
            } else {
                start = escape + 2
                let one = TextRange(start: escape, end: start, isEscaped: true)
                forEachByte(of: one, in: bytes) { target.append($0) }
            }
        }
        // Safety: as above.
        unsafe target.append(contentsOf: bytes.pointer(at: start, to: text.end))
    }

    package static func string(_ text: TextRange, in bytes: PaddedBytes) -> String {
        var resolved: [UInt8] = []
        append(text, in: bytes, to: &resolved)
        return String(decoding: resolved, as: UTF8.self)
    }

    /// Appends `text` as a JSON string: quotes around it, and escaped only what RFC 8259 says must be.
    package static func appendQuoted(_ text: some Sequence<UInt8>, to target: inout [UInt8]) {
        appendQuoted(Array(text)[...], to: &target)
    }

    package static func appendQuoted(_ text: ArraySlice<UInt8>, to target: inout [UInt8]) {
        target.append(UInt8(ascii: "\""))
        appendEscaped(text, to: &target)
        target.append(UInt8(ascii: "\""))
    }

    /// The inside of a JSON string: runs that need no escape are copied whole.
    package static func appendEscaped(_ text: ArraySlice<UInt8>, to target: inout [UInt8]) {
        // Safety: read during the call only; the target is another array.
        unsafe text.withUnsafeBufferPointer { bytes in
            var start = 0
            for index in 0..<bytes.count {
                let byte = unsafe bytes[index]
                guard byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else {
                    continue
                }
                unsafe target.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[start..<index]))
                start = index + 1
                appendEscape(of: byte, to: &target)
            }
            unsafe target.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[start...]))
        }
    }

    private static func appendEscape(of byte: UInt8, to target: inout [UInt8]) {
        target.append(UInt8(ascii: "\\"))
        switch byte {
        case 0x08: target.append(UInt8(ascii: "b"))
        case 0x09: target.append(UInt8(ascii: "t"))
        case 0x0A: target.append(UInt8(ascii: "n"))
        case 0x0C: target.append(UInt8(ascii: "f"))
        case 0x0D: target.append(UInt8(ascii: "r"))
        case 0x00..<0x20:
            target.append(contentsOf: "u00".utf8)
            target.append(hexDigits[Int(byte >> 4)])
            target.append(hexDigits[Int(byte & 15)])
        default: target.append(byte)
        }
    }

    private static let hexDigits = Array("0123456789abcdef".utf8)

    /// Returns how many bytes of the escaped text it took.
    private static func emitScalar(
        in bytes: PaddedBytes, at offset: Int, to end: Int, _ body: (UInt8) -> Void
    ) -> Int {
        var value = codeUnit(in: bytes, at: offset, to: end) ?? 0xFFFD
        var taken = 6
        if isHigh(value), let second = codeUnit(in: bytes, at: offset + 6, to: end) {
            value = 0x10000 + (value - 0xD800) << 10 + (second - 0xDC00)
            taken = 12
        }
        for byte in UTF8.encode(Unicode.Scalar(value) ?? "\u{FFFD}") ?? UTF8.encodedReplacementCharacter {
            body(byte)
        }
        return taken
    }

    /// The code unit of the `\uXXXX` at `offset`; null where it is none.
    private static func codeUnit(in bytes: PaddedBytes, at offset: Int, to end: Int) -> UInt32? {
        guard offset + 6 <= end else { return nil }
        return HexDigit.codeUnit(bytes[offset + 2], bytes[offset + 3], bytes[offset + 4], bytes[offset + 5])
    }

    private static func isHigh(_ unit: UInt32) -> Bool { (0xD800...0xDBFF).contains(unit) }
    private static func isLow(_ unit: UInt32) -> Bool { (0xDC00...0xDFFF).contains(unit) }
}
