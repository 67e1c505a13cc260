internal import Events

/// Reads what `FactEncoder` packs. The bytes are our own: damage in them is a bug of ours and traps.
@safe
struct PackedReader {
    // Safety: whoever makes a reader keeps the bytes alive and unchanged while it is used.
    private let base: UnsafePointer<UInt8>
    private let count: Int
    private var offset = 0
    private(set) var baseTime: Int64 = 0
    private(set) var basePosition: UInt64 = 0

    @unsafe
    init(_ bytes: UnsafeBufferPointer<UInt8>) {
        precondition(bytes.count >= FactEncoder.headBytes)
        count = bytes.count
        // Safety: the head's 16 bytes are there, so that there is a first.
        unsafe base = bytes.baseAddress.unsafelyUnwrapped
        let start = unsafe UnsafeRawPointer(base)
        baseTime = unsafe start.loadUnaligned(as: Int64.self)
        basePosition = unsafe start.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
        offset = FactEncoder.headBytes
    }

    var hasMore: Bool { offset < count }

    @inline(__always)
    private mutating func byte() -> UInt8 {
        precondition(offset < count, "a packed call ends early")
        // Safety: checked above.
        let value = unsafe base[offset]
        offset &+= 1
        return value
    }

    @inline(__always)
    mutating func varint() -> UInt64 {
        let first = byte()
        // Most are a length or a small number.
        if first < 0x80 { return UInt64(first) }
        var value = UInt64(first & 0x7F)
        var shift: UInt64 = 7
        while true {
            let next = byte()
            value |= UInt64(next & 0x7F) &<< shift
            if next < 0x80 { return value }
            shift &+= 7
        }
    }

    @inline(__always)
    mutating func signed() -> Int64 {
        let value = varint()
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    @inline(__always)
    mutating func text() -> TextSlice {
        text(length: Int(varint()))
    }

    @inline(__always)
    private mutating func text(length: Int) -> TextSlice {
        let slice = TextSlice(start: offset, length: length)
        precondition(length <= count - offset, "a packed text runs over the end")
        offset += length
        return slice
    }

    /// Reads the next fact; `tags` grows by To tags that are new.
    @inline(__always)
    mutating func fact(into fact: inout Fact, tags: inout [TextSlice], lastTag: inout Int32) {
        guard let type = EventType(place: byte()) else { preconditionFailure("no such packed type") }
        fact.type = type
        fact.position = Position(rawValue: basePosition &+ UInt64(bitPattern: signed()))
        fact.time = Timestamp(rawValue: baseTime &+ signed())
        fact.sourceEpoch = UInt32(varint())
        fact.seq = Int64(bitPattern: varint())
        fact.present = FieldSet(rawValue: varint() << 2)
        var rest = fact.present.rawValue
        while rest != 0 {
            let place = rest.trailingZeroBitCount
            rest &= rest &- 1
            if place >= Self.numberPlace {
                fact.setNumber(at: place, signed())
            } else if place == Field.toTag.place {
                let length = Int(varint())
                if length > 0 { lastTag = number(of: text(length: length), in: &tags) }
                fact.tag = lastTag
            } else {
                let slice = text()
                fact.setText(at: place, start: Int(slice.start), length: Int(slice.length))
            }
        }
    }

    /// Numbers stand behind all texts.
    private static var numberPlace: Int { Field.time.place }

    private func number(of tag: TextSlice, in tags: inout [TextSlice]) -> Int32 {
        for (number, known) in tags.enumerated() where areEqual(known, tag) { return Int32(number) }
        tags.append(tag)
        return Int32(tags.count - 1)
    }

    private func areEqual(_ left: TextSlice, _ right: TextSlice) -> Bool {
        guard left.length == right.length else { return false }
        // Safety: both slices were checked when they were read.
        return unsafe TextBytes.areEqual(
            base + Int(left.start), base + Int(right.start), count: Int(left.length))
    }
}
