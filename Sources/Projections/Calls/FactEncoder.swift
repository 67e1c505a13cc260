internal import Events

/// Packs events of a call into bytes: the form in which calls are kept in memory and in the read model.
///
/// A packed call is: time and position of the first event that came (eight bytes each), Call-ID and From tag
/// (length and text), then its facts in the order in which they came. Numbers are LEB128; those that may be
/// negative are zigzag-coded. A To tag is a length and a text, or a 0 where it is that of the fact before
/// that has one.
@safe
struct FactEncoder: ~Copyable {
    // Safety: allocated in init, freed in deinit; every write checks the room first.
    private var base: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    /// A text with its escapes resolved; kept for its storage.
    private var resolved: [UInt8] = []
    private(set) var count = 0
    /// Where the To tag of the last fact begins and how long it is; length 0 where it repeats the one before.
    private(set) var tagOffset = 0
    private(set) var tagLength = 0

    /// Time and position of the first event, before anything else.
    static let headBytes = 16

    /// The fields that a packed fact may hold; Call-ID, From tag and time have places of their own.
    private static let packed = FieldSet(
        Field.allCases.filter {
            ![.callID, .fromTag, .time, .gapSource, .ofSource, .raw, .policy, .active].contains($0)
                && $0.rawValue < Field.gapEpoch.rawValue
        }.map { FieldSet($0) })

    init() {
        capacity = 4096
        unsafe base = .allocate(capacity: capacity)
    }

    deinit {
        // Safety: this value's own.
        unsafe base.deallocate()
    }

    /// What was packed last; valid until the next call.
    var bytes: UnsafeBufferPointer<UInt8> {
        unsafe UnsafeBufferPointer(start: base, count: count)
    }

    /// Packs a call's head.
    mutating func encodeHead(_ view: borrowing EventView, in text: PaddedBytes, at position: Position) {
        count = 0
        // Safety: there is always room for that much.
        unsafe UnsafeMutableRawPointer(base).storeBytes(of: view.time.rawValue, as: Int64.self)
        unsafe UnsafeMutableRawPointer(base).storeBytes(
            of: position.rawValue, toByteOffset: 8, as: UInt64.self)
        count = Self.headBytes
        append(view.text(.callID) ?? .empty, in: text)
        append(view.text(.fromTag) ?? .empty, in: text)
    }

    /// Packs an event.
    ///
    /// - Parameters:
    ///   - repeatsTag: whether its To tag is that of the fact before that has one.
    ///   - isFirst: whether it goes behind the head that was packed just before.
    mutating func encode(
        _ view: borrowing EventView, in text: PaddedBytes, at position: Position, sourceEpoch: UInt32,
        seq: SequenceNumber, baseTime: Int64, basePosition: UInt64, repeatsTag: Bool, isFirst: Bool = false
    ) {
        if !isFirst { count = 0 }
        tagLength = 0
        makeRoom(Self.numbersMax)
        let present = view.present.intersection(Self.packed)
        // Safety: the room was made.
        var end = unsafe base + count
        unsafe end.pointee = view.type.rawValue
        unsafe end += 1
        unsafe Self.put(Self.zigzag(Int64(bitPattern: position.rawValue &- basePosition)), at: &end)
        unsafe Self.put(Self.zigzag(view.time.rawValue &- baseTime), at: &end)
        unsafe Self.put(UInt64(sourceEpoch), at: &end)
        unsafe Self.put(UInt64(bitPattern: seq.rawValue), at: &end)
        // Bits 0 and 1 are the head's.
        unsafe Self.put(present.rawValue >> 2, at: &end)
        count = unsafe end - base
        appendTexts(view, present, in: text, repeatsTag)
        makeRoom(Self.numbersMax)
        unsafe end = base + count
        var rest = present.rawValue & ~Self.textBits
        while rest != 0 {
            unsafe Self.put(Self.zigzag(view.number(at: rest.trailingZeroBitCount)), at: &end)
            rest &= rest &- 1
        }
        count = unsafe end - base
    }

    /// The bits of texts, which come first.
    private static let textBits: UInt64 = (1 << UInt64(Field.textCount)) - 1

    private mutating func appendTexts(
        _ view: borrowing EventView, _ present: FieldSet, in text: PaddedBytes, _ repeatsTag: Bool
    ) {
        var rest = present.rawValue & Self.textBits
        while rest != 0 {
            let bit = rest.trailingZeroBitCount
            rest &= rest &- 1
            if bit == Field.toTag.place {
                appendTag(view.text(at: bit), in: text, repeats: repeatsTag)
            } else {
                append(view.text(at: bit), in: text)
            }
        }
    }

    private mutating func appendTag(_ tag: TextRange, in text: PaddedBytes, repeats: Bool) {
        if repeats { return append(.empty, in: text) }
        append(tag, in: text)
        tagLength = tag.isEscaped ? JSONText.length(of: tag, in: text) : tag.length
        tagOffset = count - tagLength
    }

    @inline(__always)
    private mutating func append(_ range: TextRange, in text: PaddedBytes) {
        if range.isEscaped { return appendEscaped(range, in: text) }
        let length = range.length
        makeRoom(length)
        // Safety: the room was made, and some more; the payload is another allocation, and has padding.
        var end = unsafe base + count
        unsafe Self.put(UInt64(length), at: &end)
        let source = unsafe UnsafeRawPointer(text.pointer(at: Int(range.start), to: range.end).baseAddress)
        if let source = unsafe source {
            var offset = 0
            while offset < length {
                unsafe UnsafeMutableRawPointer(end).storeBytes(
                    of: source.loadUnaligned(fromByteOffset: offset, as: SIMD16<UInt8>.self),
                    toByteOffset: offset, as: SIMD16<UInt8>.self)
                offset &+= 16
            }
        }
        count = unsafe end - base &+ length
    }

    @inline(never)
    private mutating func appendEscaped(_ range: TextRange, in text: PaddedBytes) {
        resolved.removeAll(keepingCapacity: true)
        JSONText.append(range, in: text, to: &resolved)
        makeRoom(resolved.count)
        // Safety: the room was made; the array is another allocation.
        var end = unsafe base + count
        unsafe Self.put(UInt64(resolved.count), at: &end)
        unsafe resolved.withUnsafeBufferPointer {
            if let source = $0.baseAddress { unsafe end.update(from: source, count: $0.count) }
        }
        count = unsafe end - base + resolved.count
    }

    /// Writes a number behind what was written last.
    @unsafe
    @inline(__always)
    private static func put(_ value: UInt64, at end: inout UnsafeMutablePointer<UInt8>) {
        var rest = value
        while rest >= 0x80 {
            // Safety: the caller has made room.
            unsafe end.pointee = UInt8(truncatingIfNeeded: rest) | 0x80
            unsafe end += 1
            rest >>= 7
        }
        unsafe end.pointee = UInt8(truncatingIfNeeded: rest)
        unsafe end += 1
    }

    /// More than all numbers of a fact take, ten bytes each.
    private static let numbersMax = 512
    /// So much is always left behind what was asked for: a number, and what a text is copied beyond its end.
    private static let spareBytes = 64

    @inline(__always)
    private mutating func makeRoom(_ more: Int) {
        if count &+ more &+ Self.spareBytes > capacity { grow(more) }
    }

    private mutating func grow(_ more: Int) {
        let larger = max(capacity * 2, count + more + Self.spareBytes)
        let next = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
        // Safety: both are this value's own, and what is copied fits.
        unsafe next.update(from: base, count: count)
        unsafe base.deallocate()
        unsafe base = next
        capacity = larger
    }

    @inline(__always)
    static func zigzag(_ value: Int64) -> UInt64 {
        UInt64(bitPattern: value << 1) ^ UInt64(bitPattern: value >> 63)
    }
}
