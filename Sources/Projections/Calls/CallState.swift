package import Events

/// All that the ledger knows of a call: its facts, packed. A cache of the log, from which it can be made anew.
///
/// Layout: Call-ID and From tag (length, bytes), time and position of the first fact that came, then the facts in
/// the order in which they came. Numbers are LEB128; those that may fall below their base are zigzag-coded.
package struct CallState: Sendable {
    package private(set) var bytes: [UInt8] = []
    /// Whether any fact could end the call or one of its legs: only then can there be a record.
    package private(set) var mayHaveEnded = false
    /// To tags in the order of their first appearance, as ranges of `bytes`; found again by `restore`.
    private var tags: [Range<Int32>] = []
    private var baseTime: Int64 = 0
    private var basePosition: UInt64 = 0

    /// The fields that a packed fact may hold, in the order of their bits; the call's own two are in the head.
    static let packedFields: [Field] = Field.allCases.filter {
        ![.callID, .fromTag, .time, .gapSource, .ofSource, .raw, .policy, .active].contains($0)
            && $0.rawValue < Field.gapEpoch.rawValue
    }
    static let packedMask = FieldSet(packedFields.map { FieldSet($0) })

    /// The state of a call of which this is the first event that came.
    package init(_ view: borrowing EventView, in text: PaddedBytes, at position: Position) {
        appendText(view.text(.callID) ?? .empty, in: text)
        appendText(view.text(.fromTag) ?? .empty, in: text)
        baseTime = view.time.rawValue
        basePosition = position.rawValue
        appendVarint(UInt64(bitPattern: baseTime))
        appendVarint(basePosition)
    }

    /// Takes one more event of the call.
    package mutating func append(
        _ view: borrowing EventView, in text: PaddedBytes, at position: Position, sourceEpoch: UInt32,
        seq: SequenceNumber
    ) {
        bytes.append(view.type.rawValue)
        appendVarint(Self.zigzag(Int64(bitPattern: position.rawValue &- basePosition)))
        appendVarint(Self.zigzag(view.time.rawValue &- baseTime))
        appendVarint(UInt64(sourceEpoch))
        appendVarint(UInt64(bitPattern: seq.rawValue))
        let present = view.present.intersection(Self.packedMask)
        // Bits 0 and 1 are the head's.
        appendVarint(present.rawValue >> 2)
        var rest = present.rawValue
        while rest != 0 {
            let bit = rest.trailingZeroBitCount
            rest &= rest &- 1
            guard let field = Field(rawValue: UInt8(bit)) else { continue }
            if field == .toTag, let tag = view.text(.toTag) {
                appendTag(tag, in: text)
            } else if let range = view.text(field) {
                appendText(range, in: text)
            } else if let number = view.number(field) {
                appendVarint(Self.zigzag(number))
            }
        }
        if Self.mayEnd(view.type) { mayHaveEnded = true }
    }

    static func mayEnd(_ type: EventType) -> Bool {
        switch type {
        case .dialogFailed, .dialogTerminated, .timeoutEarly, .timeoutSession, .timeoutLifetime, .timeoutNoAck,
            .timeoutPing, .timeoutMedia, .ledgerExpired:
            true
        default: false
        }
    }

    /// The state that was kept as `bytes`.
    package init(restoring bytes: [UInt8]) {
        self.bytes = bytes
        var reader = PackedReader(bytes)
        _ = reader.text()
        _ = reader.text()
        baseTime = Int64(bitPattern: reader.varint())
        basePosition = reader.varint()
        var fact = Fact()
        var tags: [TextSlice] = []
        while reader.hasMore {
            reader.fact(into: &fact, tags: &tags, baseTime: baseTime, basePosition: basePosition)
            if Self.mayEnd(fact.type) { mayHaveEnded = true }
        }
        self.tags = tags.map { $0.start..<$0.start + $0.length }
    }

    /// A known tag as its number + 1, a new one as 0 and its text.
    private mutating func appendTag(_ tag: TextRange, in text: PaddedBytes) {
        var resolved: [UInt8] = []
        if tag.isEscaped { JSONText.append(tag, in: text, to: &resolved) }
        for (number, known) in tags.enumerated() where matches(known, tag, resolved, text) {
            appendVarint(UInt64(number + 1))
            return
        }
        appendVarint(0)
        appendText(tag, in: text)
        let length = tag.isEscaped ? resolved.count : tag.length
        tags.append(Int32(bytes.count - length)..<Int32(bytes.count))
    }

    private func matches(
        _ known: Range<Int32>, _ tag: TextRange, _ resolved: [UInt8], _ text: PaddedBytes
    ) -> Bool {
        let length = tag.isEscaped ? resolved.count : tag.length
        guard known.count == length else { return false }
        for offset in 0..<length {
            let byte = tag.isEscaped ? resolved[offset] : text[Int(tag.start) + offset]
            if bytes[Int(known.lowerBound) + offset] != byte { return false }
        }
        return true
    }

    private mutating func appendText(_ range: TextRange, in text: PaddedBytes) {
        let length = range.isEscaped ? JSONText.length(of: range, in: text) : range.length
        appendVarint(UInt64(length))
        JSONText.append(range, in: text, to: &bytes)
    }

    private mutating func appendVarint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    private static func zigzag(_ value: Int64) -> UInt64 {
        UInt64(bitPattern: value << 1) ^ UInt64(bitPattern: value >> 63)
    }
}
