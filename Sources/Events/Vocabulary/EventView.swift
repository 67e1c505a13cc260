/// A piece of text within a payload: the characters between a string's quotes as they stand there, or the
/// braces of an object and what is between them.
package struct TextRange: Hashable, Sendable {
    package let start: UInt32
    @usableFromInline let lengthAndMark: UInt32

    @inlinable
    package init(start: Int, end: Int, isEscaped: Bool) {
        self.start = UInt32(truncatingIfNeeded: start)
        self.lengthAndMark = UInt32(truncatingIfNeeded: end - start) << 1 | (isEscaped ? 1 : 0)
    }

    package static let empty = TextRange(start: 0, end: 0, isEscaped: false)

    @inlinable
    package var end: Int { Int(start) + length }
    /// Bytes as they stand, escapes unresolved.
    @inlinable
    package var length: Int { Int(lengthAndMark >> 1) }
    /// Whether the text holds a backslash, and so must be unescaped before it is compared or shown.
    @inlinable
    package var isEscaped: Bool { lengthAndMark & 1 != 0 }
}

/// A decoded event: where its fields stand in a payload. It holds no bytes of its own, so that decoding
/// allocates nothing; it means something only together with the payload that it was decoded from.
package struct EventView: Sendable {
    package var type: EventType = .unknown
    package var present = FieldSet(rawValue: 0)
    /// The event's own bytes within the payload.
    package var start = 0
    package var end = 0
    @usableFromInline var texts = InlineArray<16, TextRange>(repeating: .empty)
    @usableFromInline var numbers = InlineArray<23, Int64>(repeating: 0)

    @inlinable
    package init() {}

    @inlinable @inline(__always)
    package func has(_ field: Field) -> Bool { present.has(field) }

    /// Where a text field stands; null where it is absent.
    @inlinable @inline(__always)
    package func text(_ field: Field) -> TextRange? {
        field.isText && present.has(field) ? texts[Int(field.rawValue)] : nil
    }

    /// A number field's value; null where it is absent.
    @inlinable @inline(__always)
    package func number(_ field: Field) -> Int64? {
        !field.isText && present.has(field) ? numbers[Int(field.rawValue) - Field.textCount] : nil
    }

    /// A boolean field's value; null where it is absent.
    @inlinable
    package func flag(_ field: Field) -> Bool? {
        number(field).map { $0 != 0 }
    }

    @inlinable
    package var time: Timestamp { Timestamp(rawValue: number(.time) ?? 0) }

    @inlinable
    package var by: Side? {
        number(.by).flatMap { Side(rawValue: UInt8(truncatingIfNeeded: $0)) }
    }

    @inlinable
    package func refresher(_ field: Field) -> Refresher? {
        number(field).flatMap { Refresher(rawValue: UInt8(truncatingIfNeeded: $0)) }
    }

    /// What the proxy sent on where it says so, else what it received; null where that is none or 0
    /// (schemas/events.schema.json, "effective").
    @inlinable
    package var effectiveSessionExpires: Int64? {
        let value = number(.forwardedSessionExpires) ?? number(.sessionExpires) ?? 0
        return value > 0 ? value : nil
    }

    @inlinable
    package var effectiveMinSE: Int64? {
        let value = number(.forwardedMinSE) ?? number(.minSE) ?? 0
        return value > 0 ? value : nil
    }

    @inlinable
    package var effectiveRefresher: Refresher? {
        refresher(.forwardedRefresher) ?? refresher(.refresher)
    }
}

extension EventView {
    /// The text at a bit of `FieldSet`, which must be a text's that is present.
    @inlinable @inline(__always)
    package func textUnchecked(_ bit: Int) -> TextRange { texts[bit] }

    /// The number at a bit of `FieldSet`, which must be a number's that is present.
    @inlinable @inline(__always)
    package func numberUnchecked(_ bit: Int) -> Int64 { numbers[bit - Field.textCount] }
}
