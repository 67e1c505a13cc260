/// Bytes that somebody else keeps alive, followed by at least `padding` more that may be read (and mean
/// nothing).
///
/// The padding lets a decoder load whole words anywhere in the text without asking how near its end is.
/// Offsets are checked against `count + padding` on each access.
@safe
public struct PaddedBytes: @unchecked Sendable {
    // Safety: immutable view; whoever makes it promises that nobody writes to the bytes while it is in use.
    @usableFromInline let base: UnsafePointer<UInt8>
    /// How many bytes there are, the padding left out.
    public let count: Int

    /// How many bytes beyond `count` must be readable.
    public static let padding = 64

    /// - Parameter base: `count + padding` readable bytes that outlive every use of this value.
    @unsafe
    @inlinable
    public init(base: UnsafePointer<UInt8>, count: Int) {
        unsafe self.base = base
        self.count = count
    }

    /// A piece of bytes that are padded as a whole.
    ///
    /// - Parameter bytes: ends with `padding` bytes of which no slice is made.
    @unsafe
    package init(slice bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound + Self.padding <= bytes.count)
        unsafe self.init(base: bytes.baseAddress.unsafelyUnwrapped + range.lowerBound, count: range.count)
    }

    @inlinable
    public subscript(offset: Int) -> UInt8 {
        precondition(UInt(bitPattern: offset) < UInt(bitPattern: count &+ 64))
        // Safety: within the padded bytes, checked above.
        return unsafe base[offset]
    }

    /// The eight bytes from `offset` on, the first one lowest.
    @inlinable
    public func word(at offset: Int) -> UInt64 {
        precondition(UInt(bitPattern: offset) < UInt(bitPattern: count &+ 57))
        // Safety: the last of the eight lies within the padded bytes, checked above.
        return unsafe UInt64(
            littleEndian: UnsafeRawPointer(base).loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    /// The four bytes from `offset` on, the first one lowest.
    @inlinable
    public func halfWord(at offset: Int) -> UInt32 {
        precondition(UInt(bitPattern: offset) < UInt(bitPattern: count &+ 61))
        // Safety: the last of the four lies within the padded bytes, checked above.
        return unsafe UInt32(
            littleEndian: UnsafeRawPointer(base).loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }

    /// The bytes from `start` up to `end`, for as long as the whole stays alive.
    @unsafe
    @inlinable
    public func pointer(at start: Int, to end: Int) -> UnsafeBufferPointer<UInt8> {
        precondition(start >= 0 && start <= end && end <= count)
        return unsafe UnsafeBufferPointer(start: base + start, count: end - start)
    }

    /// The same bytes up to `end` only.
    @inlinable
    public func prefix(_ end: Int) -> PaddedBytes {
        precondition(end >= 0 && end <= count)
        // Safety: what followed is still there, as padding.
        return unsafe PaddedBytes(base: base, count: end)
    }
}

/// Owns padded bytes: a buffer that a batch is copied into so that it can be decoded.
@safe
package struct PaddedBuffer: ~Copyable {
    // Safety: allocated in init, freed in deinit, never handed out but through `bytes` and
    // `withMutableBytes`.
    private let base: UnsafeMutablePointer<UInt8>
    package let capacity: Int
    package private(set) var count = 0

    package init(capacity: Int) {
        self.capacity = capacity
        // Safety: owned from here to deinit; zeroed, so that padding is never uninitialised memory.
        unsafe base = .allocate(capacity: capacity + PaddedBytes.padding)
        unsafe base.initialize(repeating: 0, count: capacity + PaddedBytes.padding)
    }

    deinit {
        // Safety: allocated in init.
        unsafe base.deallocate()
    }

    /// A view that must not outlive this buffer's next change.
    package var bytes: PaddedBytes {
        // Safety: padded in init; callers keep the buffer as long as the view.
        unsafe PaddedBytes(base: UnsafePointer(base), count: count)
    }

    package mutating func removeAll() {
        count = 0
    }

    /// False, and nothing appended, where the room does not suffice.
    package mutating func append(_ text: borrowing Span<UInt8>) -> Bool {
        guard text.count <= capacity - count else { return false }
        let target = unsafe base + count
        // Safety: the room was checked; source and target are different allocations.
        unsafe text.withUnsafeBufferPointer { source in
            guard let start = source.baseAddress else { return }
            unsafe target.update(from: start, count: source.count)
        }
        count += text.count
        return true
    }
}

extension PaddedBuffer {
    /// A buffer that holds just these bytes.
    package init(copying text: [UInt8]) {
        self.init(capacity: text.count)
        let isAppended = append(text.span)
        precondition(isAppended, "room was made")
    }
}
