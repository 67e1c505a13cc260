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
        makeRoom(Self.headBytes)
        // Safety: the room was made.
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
        makeRoom(64)
        put(view.type.rawValue)
        append(Self.zigzag(Int64(bitPattern: position.rawValue &- basePosition)))
        append(Self.zigzag(view.time.rawValue &- baseTime))
        append(UInt64(sourceEpoch))
        append(UInt64(bitPattern: seq.rawValue))
        let present = view.present.intersection(Self.packed)
        // Bits 0 and 1 are the head's.
        append(present.rawValue >> 2)
        var rest = present.rawValue
        while rest != 0 {
            let bit = rest.trailingZeroBitCount
            rest &= rest &- 1
            if bit < Field.textCount {
                let range = view.textUnchecked(bit)
                if bit == Int(Field.toTag.rawValue) {
                    appendTag(range, in: text, repeats: repeatsTag)
                } else {
                    append(range, in: text)
                }
            } else {
                makeRoom(10)
                append(Self.zigzag(view.numberUnchecked(bit)))
            }
        }
    }

    private mutating func appendTag(_ tag: TextRange, in text: PaddedBytes, repeats: Bool) {
        if repeats {
            makeRoom(1)
            put(0)
            return
        }
        append(tag, in: text)
        tagLength = tag.isEscaped ? JSONText.length(of: tag, in: text) : tag.length
        tagOffset = count - tagLength
    }

    private mutating func append(_ range: TextRange, in text: PaddedBytes) {
        if range.isEscaped { return appendEscaped(range, in: text) }
        let length = range.length
        makeRoom(length + 10)
        append(UInt64(length))
        if let source = unsafe text.pointer(at: Int(range.start), to: range.end).baseAddress {
            // Safety: the room was made; the payload is another allocation.
            unsafe (base + count).update(from: source, count: length)
        }
        count += length
    }

    private mutating func appendEscaped(_ range: TextRange, in text: PaddedBytes) {
        resolved.removeAll(keepingCapacity: true)
        JSONText.append(range, in: text, to: &resolved)
        let length = resolved.count
        makeRoom(length + 10)
        append(UInt64(length))
        // Safety: the room was made; the array is another allocation.
        unsafe resolved.withUnsafeBufferPointer {
            if let source = $0.baseAddress { unsafe (base + count).update(from: source, count: length) }
        }
        count += length
    }

    private mutating func append(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            put(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        put(UInt8(rest))
    }

    @inline(__always)
    private mutating func put(_ byte: UInt8) {
        precondition(count < capacity)
        // Safety: checked above.
        unsafe base[count] = byte
        count &+= 1
    }

    private mutating func makeRoom(_ more: Int) {
        guard count + more + 64 > capacity else { return }
        let larger = max(capacity * 2, count + more + 64)
        let next = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
        // Safety: both are this value's own, and what is copied fits.
        unsafe next.update(from: base, count: count)
        unsafe base.deallocate()
        unsafe base = next
        capacity = larger
    }

    static func zigzag(_ value: Int64) -> UInt64 {
        UInt64(bitPattern: value << 1) ^ UInt64(bitPattern: value >> 63)
    }
}
