/// A piece of text within a payload: the characters between a string's quotes as they stand there, or the
/// braces of an object and what is between them.
public struct TextRange: Hashable, Sendable {
    /// Where it begins in the payload.
    public let start: UInt32
    @usableFromInline let lengthAndMark: UInt32

    @inlinable
    public init(start: Int, end: Int, isEscaped: Bool) {
        self.start = UInt32(truncatingIfNeeded: start)
        self.lengthAndMark = UInt32(truncatingIfNeeded: end - start) << 1 | (isEscaped ? 1 : 0)
    }

    @inlinable
    public static var empty: TextRange { TextRange(start: 0, end: 0, isEscaped: false) }

    @inlinable
    public var end: Int { Int(start) + length }
    /// Bytes as they stand, escapes unresolved.
    @inlinable
    public var length: Int { Int(lengthAndMark >> 1) }
    /// Whether the text holds a backslash, and so must be unescaped before it is compared or shown.
    @inlinable
    public var isEscaped: Bool { lengthAndMark & 1 != 0 }
}

/// A decoded event: where its fields stand in a payload. It holds no bytes of the payload's, so that decoding
/// allocates nothing; it means something only together with the payload that it was decoded from.
///
/// One is made once and filled with one event after another. It is large, and has memory of its own so that
/// it is nowhere copied by the way.
@safe
public struct EventView: ~Copyable, @unchecked Sendable {
    /// What the event states.
    public var type: EventType = .unknown
    /// The fields that it has.
    public var present = FieldSet(rawValue: 0)
    /// The event's own bytes within the payload.
    public var start = 0
    public var end = 0
    // Safety: a place for each field, all initialised in init, freed in deinit; each access is checked. The
    // view is their only owner, can't be copied, and changes them in what is `mutating` alone: so it may go
    // from thread to thread.
    @usableFromInline let texts: UnsafeMutablePointer<TextRange>
    @usableFromInline let numbers: UnsafeMutablePointer<Int64>

    public init() {
        unsafe texts = .allocate(capacity: Field.textCount)
        unsafe texts.initialize(repeating: .empty, count: Field.textCount)
        unsafe numbers = .allocate(capacity: Field.numberCount)
        unsafe numbers.initialize(repeating: 0, count: Field.numberCount)
    }

    deinit {
        // Safety: this value's own.
        unsafe texts.deallocate()
        unsafe numbers.deallocate()
    }

    /// The text at a bit of `FieldSet`: of no meaning where it is absent.
    @inlinable @inline(__always)
    public func text(at bit: Int) -> TextRange {
        precondition(UInt(bitPattern: bit) < UInt(Field.textCount), "no text's bit")
        // Safety: checked above.
        return unsafe texts[bit]
    }

    /// The number at a bit of `FieldSet`: of no meaning where it is absent.
    @inlinable @inline(__always)
    public func number(at bit: Int) -> Int64 {
        precondition(UInt(bitPattern: bit &- Field.textCount) < UInt(Field.numberCount), "no number's bit")
        // Safety: checked above.
        return unsafe numbers[bit &- Field.textCount]
    }

    @inline(__always)
    mutating func setText(at bit: Int, _ text: TextRange) {
        precondition(UInt(bitPattern: bit) < UInt(Field.textCount), "no text's bit")
        // Safety: checked above.
        unsafe texts[bit] = text
    }

    @inline(__always)
    mutating func setNumber(at bit: Int, _ number: Int64) {
        precondition(UInt(bitPattern: bit &- Field.textCount) < UInt(Field.numberCount), "no number's bit")
        // Safety: checked above.
        unsafe numbers[bit &- Field.textCount] = number
    }

    /// Another one that says the same of the same payload.
    package func copied() -> EventView {
        var copy = EventView()
        (copy.type, copy.present, copy.start, copy.end) = (type, present, start, end)
        // Safety: as many of each in one as in the other.
        unsafe copy.texts.update(from: texts, count: Field.textCount)
        unsafe copy.numbers.update(from: numbers, count: Field.numberCount)
        return copy
    }
}

extension EventView {
    @inlinable @inline(__always)
    public func has(_ field: Field) -> Bool { present.has(field) }

    /// Where a text field stands; null where it is absent.
    @inlinable @inline(__always)
    public func text(_ field: Field) -> TextRange? {
        field.isText && present.has(field) ? text(at: Int(field.rawValue)) : nil
    }

    /// A number field's value; null where it is absent.
    @inlinable @inline(__always)
    public func number(_ field: Field) -> Int64? {
        !field.isText && present.has(field) ? number(at: Int(field.rawValue)) : nil
    }

    /// A boolean field's value; null where it is absent.
    @inlinable
    public func flag(_ field: Field) -> Bool? {
        number(field).map { $0 != 0 }
    }

    @inlinable
    public var time: Timestamp { Timestamp(rawValue: number(.time) ?? 0) }

    @inlinable
    public var by: Side? {
        number(.by).flatMap { Side(rawValue: UInt8(truncatingIfNeeded: $0)) }
    }

    @inlinable
    public func refresher(_ field: Field) -> Refresher? {
        number(field).flatMap { Refresher(rawValue: UInt8(truncatingIfNeeded: $0)) }
    }
}
