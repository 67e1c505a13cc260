package import Events

/// An event that carries its identity with it: a line of an exported log, or one that came alone by PULL or
/// SUB.
package struct Envelope: Sendable {
    package let origin: SourceEpoch
    package let number: Int64
    /// Where the value of `event` stands, brackets included; null where there is no such field.
    ///
    /// White space around the value is no part of it, unless the envelope is written as `events` writes it,
    /// without any, and `event` last. Then all from the colon to the last bracket is the event as it came.
    package let event: Range<Int>?
    /// Whether nothing follows behind it, and no member of the envelope stands there twice. A line of a file
    /// that is not whole is none; an event that came alone is invalid, under its number.
    package let isWhole: Bool

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
        var reading = EnvelopeReading()
        do throws(HeaderFields.Fault) {
            guard try reading.takeObject(bytes) else { return .other }
        } catch {
            return .other
        }
        if let source = reading.source, let epoch = reading.epoch, let number = reading.number, epoch >= 1,
            (1...NumberRange.numberMax).contains(number), let name = Request.name(source, bytes)
        {
            return .envelope(
                Envelope(
                    origin: SourceEpoch(source: name, epoch: Epoch(rawValue: epoch)), number: number,
                    event: reading.event, isWhole: reading.isWhole))
        }
        return reading.hasOperation ? .header : .plain
    }
}

/// The members of an object that may be an envelope, while they are read.
private struct EnvelopeReading {
    private var cursor = JSONCursor()
    private(set) var source: HeaderText?
    private(set) var epoch: Int64?
    private(set) var number: Int64?
    private(set) var event: Range<Int>?
    private(set) var hasOperation = false
    /// Whether nothing follows, and no member of the envelope stands there twice.
    private(set) var isWhole = true
    private var met: UInt8 = 0
    /// Whether there was no white space so far, but around the event.
    private var isDense = true

    private enum Member: UInt8 { case source, epoch, number, event, other }

    /// Reads an object; false where it is none.
    mutating func takeObject(_ bytes: borrowing Span<UInt8>) throws(HeaderFields.Fault) -> Bool {
        cursor.skipSpace(bytes)
        guard cursor.peek(bytes) == UInt8(ascii: "{") else { return false }
        isDense = cursor.offset == 0
        cursor.offset += 1
        skipSpace(bytes)
        if cursor.peek(bytes) == UInt8(ascii: "}") {
            cursor.offset += 1
        } else {
            while true {
                skipSpace(bytes)
                guard let colon = try takeKey(bytes) else { return false }
                let member = try takeValue(of: colon.key, bytes)
                if member == .event { cursor.skipSpace(bytes) } else { skipSpace(bytes) }
                let next = cursor.peek(bytes)
                cursor.offset += 1
                if next == UInt8(ascii: ",") { continue }
                guard next == UInt8(ascii: "}") else { return false }
                if member == .event, isDense { event = colon.end..<cursor.offset - 1 }
                break
            }
        }
        cursor.skipSpace(bytes)
        isWhole = isWhole && cursor.offset >= bytes.count
        return true
    }

    private mutating func skipSpace(_ bytes: borrowing Span<UInt8>) {
        let start = cursor.offset
        cursor.skipSpace(bytes)
        isDense = isDense && cursor.offset == start
    }

    /// - Returns: the key, and where its colon ends; null where there is no colon.
    private mutating func takeKey(
        _ bytes: borrowing Span<UInt8>
    ) throws(HeaderFields.Fault) -> (key: HeaderText, end: Int)? {
        let key = try cursor.takeString(bytes)
        skipSpace(bytes)
        guard cursor.peek(bytes) == UInt8(ascii: ":") else { return nil }
        cursor.offset += 1
        return (key, cursor.offset)
    }

    private mutating func takeValue(
        of key: HeaderText, _ bytes: borrowing Span<UInt8>
    ) throws(HeaderFields.Fault) -> Member {
        let member = Self.member(key, bytes)
        if member == .event { cursor.skipSpace(bytes) } else { skipSpace(bytes) }
        let mark: UInt8 = member == .other ? 0 : 1 << member.rawValue
        isWhole = isWhole && met & mark == 0
        met |= mark
        let start = cursor.offset
        switch member {
        case .number: number = try cursor.takeIntegerOrSkip(bytes)
        case .epoch: epoch = try cursor.takeIntegerOrSkip(bytes)
        case .source where cursor.peek(bytes) == UInt8(ascii: "\""): source = try cursor.takeString(bytes)
        case .source, .event, .other: try cursor.skipBalanced(bytes)
        }
        if member == .event { event = start..<cursor.offset }
        hasOperation = hasOperation || key.equals("op", in: bytes)
        return member
    }

    private static func member(_ key: HeaderText, _ bytes: borrowing Span<UInt8>) -> Member {
        if key.equals("seq", in: bytes) { return .number }
        if key.equals("epoch", in: bytes) { return .epoch }
        if key.equals("event", in: bytes) { return .event }
        return key.equals("source", in: bytes) ? .source : .other
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
