/// Reads a header frame: one JSON object (RFC 8259), strictly, in one pass and without allocating.
///
/// Not by simdjson: that wants padding behind the frame, hence a copy, and a header of a hundred bytes is
/// read sooner than copied and scanned.
struct HeaderScanner {
    private var cursor = JSONCursor()
    private var fields = HeaderFields()
    private var unknown = InlineArray<16, HeaderText>(repeating: .empty)
    private var unknownCount = 0

    static func scan(_ bytes: borrowing Span<UInt8>) throws(HeaderFields.Fault) -> HeaderFields {
        guard bytes.count <= Limits.headerBytesMax else { throw .tooLong }
        var scanner = HeaderScanner()
        try scanner.takeHeader(bytes)
        return scanner.fields
    }

    private mutating func takeHeader(_ bytes: borrowing Span<UInt8>) throws(HeaderFields.Fault) {
        cursor.skipSpace(bytes)
        guard cursor.peek(bytes) == UInt8(ascii: "{") else {
            try cursor.skipValue(bytes, depth: 0)
            throw .notAnObject
        }
        cursor.offset += 1
        cursor.skipSpace(bytes)
        if cursor.peek(bytes) == UInt8(ascii: "}") {
            cursor.offset += 1
        } else {
            while true {
                try takeMember(bytes)
                cursor.skipSpace(bytes)
                let next = cursor.peek(bytes)
                cursor.offset += 1
                if next == UInt8(ascii: ",") {
                    cursor.skipSpace(bytes)
                    continue
                }
                guard next == UInt8(ascii: "}") else { throw .notJSON }
                break
            }
        }
        cursor.skipSpace(bytes)
        guard cursor.offset == bytes.count else { throw .notJSON }
    }

    private mutating func takeMember(_ bytes: borrowing Span<UInt8>) throws(HeaderFields.Fault) {
        let key = try cursor.takeString(bytes)
        cursor.skipSpace(bytes)
        guard cursor.peek(bytes) == UInt8(ascii: ":") else { throw .notJSON }
        cursor.offset += 1
        cursor.skipSpace(bytes)
        switch key.isEscaped ? Self.resolved(key, bytes) : Self.known(key, bytes) {
        case .number(let field):
            guard fields.meet(field) else { throw .duplicateField }
            if let value = try cursor.takeInteger(bytes) {
                fields.set(field, value)
            } else {
                fields.hasWrongType = true
            }
        case .text(let field):
            guard fields.meet(field) else { throw .duplicateField }
            if cursor.peek(bytes) == UInt8(ascii: "\"") {
                fields.set(field, try cursor.takeString(bytes))
            } else {
                try cursor.skipValue(bytes, depth: 0)
                fields.hasWrongType = true
            }
        case nil:
            try note(unknown: key, bytes)
            try cursor.skipValue(bytes, depth: 0)
        }
    }

    private enum Known {
        case number(HeaderFields.Number)
        case text(HeaderFields.Text)
    }

    /// The known field of that name, found by its length and its first letter.
    private static func known(_ key: HeaderText, _ bytes: borrowing Span<UInt8>) -> Known? {
        guard key.end > key.start else { return nil }
        let first = bytes[key.start]
        let candidate: Known
        switch (key.end - key.start, first) {
        case (1, UInt8(ascii: "v")): candidate = .number(.version)
        case (2, UInt8(ascii: "o")): candidate = .text(.operation)
        case (3, UInt8(ascii: "l")): candidate = .text(.log)
        case (4, UInt8(ascii: "t")): candidate = .number(.time)
        case (4, UInt8(ascii: "c")): candidate = .text(.code)
        case (5, UInt8(ascii: "e")): candidate = .number(.epoch)
        case (5, UInt8(ascii: "c")): candidate = .number(.count)
        case (6, UInt8(ascii: "s")): candidate = .text(.source)
        case (6, UInt8(ascii: "r")): candidate = .text(.reason)
        case (6, UInt8(ascii: "c")): candidate = .number(.credit)
        case (6, UInt8(ascii: "t")): candidate = .number(.toSequence)
        case (7, UInt8(ascii: "t")): candidate = .number(.through)
        case (8, UInt8(ascii: "l")): candidate = .number(.lastSequence)
        case (8, UInt8(ascii: "f")): candidate = .number(.fromSequence)
        case (8, UInt8(ascii: "n")): candidate = .number(.nextSequence)
        case (8, UInt8(ascii: "e")): candidate = .number(.expected)
        case (9, UInt8(ascii: "f")): candidate = .number(.firstSequence)
        default: return nil
        }
        let isSame =
            switch candidate {
            case .number(let field): key.equals(field.name, in: bytes)
            case .text(let field): key.equals(field.name, in: bytes)
            }
        return isSame ? candidate : nil
    }

    private static func resolved(_ key: HeaderText, _ bytes: borrowing Span<UInt8>) -> Known? {
        let text = key.resolved(in: bytes)
        return known(HeaderText(start: 0, end: text.count, isEscaped: false), text.span)
    }

    private mutating func note(
        unknown key: HeaderText, _ bytes: borrowing Span<UInt8>
    ) throws(HeaderFields.Fault) {
        guard unknownCount < Limits.headerFieldsUnknownMax else { throw .tooManyFields }
        for index in 0..<unknownCount where Self.same(unknown[index], key, bytes) { throw .duplicateField }
        unknown[unknownCount] = key
        unknownCount += 1
    }

    private static func same(_ left: HeaderText, _ right: HeaderText, _ bytes: borrowing Span<UInt8>) -> Bool
    {
        if left.isEscaped || right.isEscaped { return left.resolved(in: bytes) == right.resolved(in: bytes) }
        guard left.end - left.start == right.end - right.start else { return false }
        for index in 0..<(left.end - left.start)
        where bytes[left.start + index] != bytes[right.start + index] { return false }
        return true
    }
}
