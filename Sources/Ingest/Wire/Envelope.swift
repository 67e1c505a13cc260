package import Events

/// An event that carries its identity with it: a line of an exported log, or one that came alone by PULL or
/// SUB.
package struct Envelope: Sendable {
    package let origin: SourceEpoch
    package let number: Int64
    /// Where the value of `event` stands, brackets included; null where there is no such field.
    package let event: Range<Int>?

    /// What a JSON object's first level says of its kind.
    enum Kind {
        case envelope(Envelope)
        /// A header of the protocol: it has `op`.
        case header
        /// An object without an identity of its own.
        case plain
        /// No object.
        case other
    }

    /// Looks at an object's first level. Values are found by their brackets and quotes, not judged.
    static func kind(of bytes: borrowing Span<UInt8>) -> Kind {
        var cursor = JSONCursor()
        var source: HeaderText?
        var epoch: Int64?
        var number: Int64?
        var event: Range<Int>?
        var hasOperation = false
        do throws(HeaderFields.Fault) {
            cursor.skipSpace(bytes)
            guard cursor.peek(bytes) == UInt8(ascii: "{") else { return .other }
            cursor.offset += 1
            cursor.skipSpace(bytes)
            if cursor.peek(bytes) == UInt8(ascii: "}") { return .plain }
            while true {
                cursor.skipSpace(bytes)
                let key = try cursor.takeString(bytes)
                cursor.skipSpace(bytes)
                guard cursor.peek(bytes) == UInt8(ascii: ":") else { return .other }
                cursor.offset += 1
                cursor.skipSpace(bytes)
                let start = cursor.offset
                switch key.end - key.start {
                case 2 where key.equals("op", in: bytes):
                    hasOperation = true
                    try cursor.skipBalanced(bytes)
                case 3 where key.equals("seq", in: bytes): number = try cursor.takeIntegerOrSkip(bytes)
                case 5 where key.equals("epoch", in: bytes): epoch = try cursor.takeIntegerOrSkip(bytes)
                case 5 where key.equals("event", in: bytes):
                    try cursor.skipBalanced(bytes)
                    event = start..<cursor.offset
                case 6 where key.equals("source", in: bytes) && cursor.peek(bytes) == UInt8(ascii: "\""):
                    source = try cursor.takeString(bytes)
                default: try cursor.skipBalanced(bytes)
                }
                cursor.skipSpace(bytes)
                let next = cursor.peek(bytes)
                cursor.offset += 1
                if next == UInt8(ascii: ",") { continue }
                guard next == UInt8(ascii: "}") else { return .other }
                break
            }
        } catch {
            return .other
        }
        if let source, let epoch, let number, epoch >= 1, (1...NumberRange.numberMax).contains(number),
            let name = Request.name(source, bytes)
        {
            return .envelope(
                Envelope(
                    origin: SourceEpoch(source: name, epoch: Epoch(rawValue: epoch)), number: number,
                    event: event))
        }
        return hasOperation ? .header : .plain
    }
}

extension JSONCursor {
    /// An integer of 64 bits; null, and skipped, where some other value stands there.
    mutating func takeIntegerOrSkip(_ bytes: borrowing Span<UInt8>) throws(HeaderFields.Fault) -> Int64? {
        let first = peek(bytes)
        guard first == UInt8(ascii: "-") || Self.isDigit(first) else {
            try skipBalanced(bytes)
            return nil
        }
        return try takeNumber(bytes)
    }

    /// Skips a value up to where its brackets are closed, without a look at what is between them.
    mutating func skipBalanced(_ bytes: borrowing Span<UInt8>) throws(HeaderFields.Fault) {
        var depth = 0
        let start = offset
        while offset < bytes.count {
            switch bytes[offset] {
            case UInt8(ascii: "\""):
                offset += 1
                while offset < bytes.count, bytes[offset] != UInt8(ascii: "\"") {
                    offset += bytes[offset] == UInt8(ascii: "\\") ? 2 : 1
                }
                guard offset < bytes.count else { throw .notJSON }
                offset += 1
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                offset += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if depth == 0 {
                    guard offset > start else { throw .notJSON }
                    return
                }
                depth -= 1
                offset += 1
            case UInt8(ascii: ",") where depth == 0, 0x20 where depth == 0, 0x09 where depth == 0,
                0x0A where depth == 0, 0x0D where depth == 0:
                guard offset > start else { throw .notJSON }
                return
            default: offset += 1
            }
            if depth == 0,
                bytes[offset - 1] == UInt8(ascii: "}") || bytes[offset - 1] == UInt8(ascii: "]")
                    || bytes[offset - 1] == UInt8(ascii: "\"")
            {
                return
            }
        }
        throw .notJSON
    }
}
