/// What a header frame says, before it is judged: its known fields, as they stand there.
///
/// Reading allocates nothing. The texts are ranges of the frame's bytes and mean something only with them.
package struct HeaderFields: Sendable {
    /// Why bytes are no header.
    package enum Fault: Error, Sendable {
        case tooLong, notJSON, notAnObject, invalidUTF8, duplicateField, tooManyFields, tooDeep
        /// A known field holds something else than it should, or an integer beyond 64 bits.
        case wrongType

        package var description: StaticString {
            switch self {
            case .tooLong: "the header is longer than 4096 bytes"
            case .notJSON: "the header is no JSON"
            case .notAnObject: "the header is no JSON object"
            case .invalidUTF8: "the header is not UTF-8"
            case .duplicateField: "a field stands twice in the header"
            case .tooManyFields: "the header has too many fields"
            case .tooDeep: "the header is nested too deep"
            case .wrongType: "a field of the header has a wrong type"
            }
        }
    }

    /// A known field that holds an integer.
    package enum Number: Int, CaseIterable, Sendable {
        case version, epoch, firstSequence, count, lastSequence, time, fromSequence, toSequence
        case nextSequence, credit, through, expected

        package var name: StaticString {
            switch self {
            case .version: "v"
            case .epoch: "epoch"
            case .firstSequence: "first_seq"
            case .count: "count"
            case .lastSequence: "last_seq"
            case .time: "time"
            case .fromSequence: "from_seq"
            case .toSequence: "to_seq"
            case .nextSequence: "next_seq"
            case .credit: "credit"
            case .through: "through"
            case .expected: "expected"
            }
        }
    }

    /// A known field that holds text.
    package enum Text: Int, CaseIterable, Sendable {
        case operation, source, reason, code, log

        package var name: StaticString {
            switch self {
            case .operation: "op"
            case .source: "source"
            case .reason: "reason"
            case .code: "code"
            case .log: "log"
            }
        }
    }

    private var numbers = InlineArray<12, Int64>(repeating: 0)
    private var texts = InlineArray<5, HeaderText>(repeating: .empty)
    private var present: UInt32 = 0
    /// Set where a known field had a wrong type. Kept aside, because another version may have other types.
    package internal(set) var hasWrongType = false

    init() {}

    package subscript(_ field: Number) -> Int64? {
        present & (1 << UInt32(field.rawValue)) != 0 ? numbers[field.rawValue] : nil
    }

    package subscript(_ field: Text) -> HeaderText? {
        present & (1 << UInt32(16 + field.rawValue)) != 0 ? texts[field.rawValue] : nil
    }

    /// Notes that the field has been met. False where it was before.
    mutating func meet(_ field: Number) -> Bool { meet(1 << UInt32(field.rawValue)) }
    mutating func meet(_ field: Text) -> Bool { meet(1 << UInt32(16 + field.rawValue)) }

    mutating func set(_ field: Number, _ value: Int64) { numbers[field.rawValue] = value }
    mutating func set(_ field: Text, _ value: HeaderText) { texts[field.rawValue] = value }

    private mutating func meet(_ mark: UInt32) -> Bool {
        guard present & mark == 0 else { return false }
        present |= mark
        return true
    }
}

/// The inside of a string in a header: what stands between its quotes, escapes unresolved.
package struct HeaderText: Hashable, Sendable {
    package let start: Int
    package let end: Int
    package let isEscaped: Bool

    static let empty = HeaderText(start: 0, end: 0, isEscaped: false)

    /// Whether the text is `other`, escapes resolved.
    package func equals(_ other: StaticString, in bytes: borrowing Span<UInt8>) -> Bool {
        guard !isEscaped else { return resolved(in: bytes) == Self.bytes(of: other) }
        guard end - start == other.utf8CodeUnitCount else { return false }
        // Safety: a static text's bytes live for ever; read within its count.
        let text = unsafe UnsafeBufferPointer(start: other.utf8Start, count: other.utf8CodeUnitCount)
        for index in 0..<(end - start) where unsafe bytes[start + index] != text[index] { return false }
        return true
    }

    /// The text with its escapes resolved. The scanner has found them valid.
    package func resolved(in bytes: borrowing Span<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(end - start)
        var offset = start
        while offset < end {
            let byte = bytes[offset]
            guard byte == UInt8(ascii: "\\") else {
                result.append(byte)
                offset += 1
                continue
            }
            switch bytes[offset + 1] {
            case UInt8(ascii: "b"): result.append(0x08)
            case UInt8(ascii: "f"): result.append(0x0C)
            case UInt8(ascii: "n"): result.append(0x0A)
            case UInt8(ascii: "r"): result.append(0x0D)
            case UInt8(ascii: "t"): result.append(0x09)
            case UInt8(ascii: "u"):
                var scalar = JSONCursor.codeUnit(bytes, at: offset, to: end) ?? 0
                offset += 4
                if scalar & 0xFC00 == 0xD800, let low = JSONCursor.codeUnit(bytes, at: offset + 2, to: end) {
                    scalar = 0x10000 + (scalar & 0x3FF) << 10 + low & 0x3FF
                    offset += 6
                }
                result.append(contentsOf: UTF8.encode(Unicode.Scalar(scalar) ?? "\u{FFFD}") ?? .init())
            case let plain: result.append(plain)
            }
            offset += 2
        }
        return result
    }

    private static func bytes(of text: StaticString) -> [UInt8] {
        // Safety: a static text stays where it is, and is copied.
        text.withUTF8Buffer { unsafe Array($0) }
    }
}
