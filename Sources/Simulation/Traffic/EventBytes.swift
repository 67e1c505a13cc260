import Events

/// Bytes of events, appended one after the other into memory that is kept from batch to batch.
///
/// It has one owner and grows only in `reserve`, once an event: what the generator appends in between goes
/// straight to memory. A copy per event, or an array that checks for other owners at each byte, would cost
/// more than the generator itself.
@safe
package struct EventBytes: ~Copyable, @unchecked Sendable {
    // Safety: `base` is allocated and freed by this one owner, `count` ≤ `capacity` bytes from it are
    // initialized; nothing hands the pointer out beyond a call, so whoever holds the value may be on any
    // thread.
    private var base: UnsafeMutableRawPointer
    private var capacity: Int
    package private(set) var count: Int

    package init(capacity: Int = TrafficLimits.bufferBytesAtStart) {
        // Safety: uninitialized memory that is only read below `count`.
        unsafe base = .allocate(byteCount: capacity, alignment: 16)
        self.capacity = capacity
        count = 0
    }

    deinit {
        // Safety: allocated in `init` or `grow`, freed nowhere else.
        unsafe base.deallocate()
    }

    package var isEmpty: Bool { count == 0 }

    /// Forgets the bytes and keeps the memory.
    package mutating func removeAll() {
        count = 0
    }

    /// Gives the bytes to `body`; they must not be kept.
    package borrowing func withBytes<Result, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        // Safety: `count` bytes are initialized, and `self` is borrowed while `body` runs.
        let bytes = unsafe UnsafeRawBufferPointer(start: base, count: count)
        return try unsafe body(bytes.bytes)
    }

    /// Makes room for `bytes` more: the `append`s that follow rely on it.
    @inline(__always)
    mutating func reserve(_ bytes: Int) {
        if capacity - count < bytes { grow(bytes) }
    }

    private mutating func grow(_ bytes: Int) {
        capacity = max(capacity * 2, count + bytes)
        // Safety: the new memory is at least `count` long, and `base` is not used again before it is
        // replaced.
        let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
        unsafe larger.copyMemory(from: base, byteCount: count)
        unsafe base.deallocate()
        unsafe base = larger
    }
}

/// Appending. Each of these relies on a `reserve` before it that covers the whole event.
extension EventBytes {
    @inline(__always)
    mutating func append(_ text: StaticString) {
        let length = text.utf8CodeUnitCount
        assert(capacity - count >= length)
        // Safety: a literal's bytes live as long as the program; `reserve` has made room.
        unsafe (base + count).copyMemory(from: text.utf8Start, byteCount: length)
        count += length
    }

    /// The bytes of `other`; makes room itself.
    mutating func append(contentsOf other: borrowing EventBytes) {
        reserve(other.count)
        append(0..<other.count, of: other)
    }

    /// The bytes of `other` in `range`.
    @inline(__always)
    mutating func append(_ range: Range<Int>, of other: borrowing EventBytes) {
        precondition(
            range.lowerBound >= 0 && range.upperBound <= other.count && range.count <= capacity - count)
        // Safety: two owners, so two separate pieces of memory, and both have that much.
        unsafe (base + count).copyMemory(from: other.base + range.lowerBound, byteCount: range.count)
        count += range.count
    }

    mutating func append(name: SourceName) {
        for index in 0..<Int(name.length) {
            append(byte: name.bytes[index])
        }
    }

    @inline(__always)
    mutating func append(byte: UInt8) {
        append(word: UInt64(byte), length: 1)
    }

    /// The `length` lowest bytes of `word`, lowest first. Writes 8 bytes:
    /// `TrafficLimits.eventBytesReserved` has that much to spare.
    @inline(__always)
    mutating func append(word: UInt64, length: Int) {
        assert(capacity - count >= 8)
        // Safety: `reserve` has made room for the 8 bytes.
        unsafe (base + count).storeBytes(of: word.littleEndian, as: UInt64.self)
        count += length
    }

    /// A whole number in decimal, without leading zeros.
    @inline(__always)
    mutating func append(decimal value: UInt64) {
        if value < 100_000_000 {
            append(short: UInt32(truncatingIfNeeded: value))
        } else {
            let high = value / 100_000_000
            if high < 100_000_000 {
                append(short: UInt32(truncatingIfNeeded: high))
            } else {
                append(short: UInt32(truncatingIfNeeded: high / 100_000_000))
                append(eight: UInt32(truncatingIfNeeded: high % 100_000_000))
            }
            append(eight: UInt32(truncatingIfNeeded: value % 100_000_000))
        }
    }

    /// Eight digits, with leading zeros.
    @inline(__always)
    mutating func append(eight value: UInt32) {
        append(word: Self.digits(value) | 0x3030_3030_3030_3030, length: 8)
    }

    /// The last `count` (up to 8) digits of `value`, with leading zeros.
    @inline(__always)
    mutating func append(digits value: UInt32, count: Int) {
        let text = Self.digits(value % 100_000_000) | 0x3030_3030_3030_3030
        append(word: text >> UInt64(8 * (8 - count)), length: count)
    }

    /// Eight hexadecimal digits.
    @inline(__always)
    mutating func append(hex value: UInt32) {
        append(word: Self.hexDigits(value), length: 8)
    }

    /// The first `count` (up to 8) of eight hexadecimal digits.
    @inline(__always)
    mutating func append(hex value: UInt32, count: Int) {
        append(word: Self.hexDigits(value), length: count)
    }

    @inline(__always)
    private mutating func append(short value: UInt32) {
        let text = Self.digits(value)
        let zeros = min(text.trailingZeroBitCount / 8, 7)
        append(word: (text | 0x3030_3030_3030_3030) >> UInt64(8 * zeros), length: 8 - zeros)
    }

    /// The eight decimal digits of a number below 10^8 as bytes 0 to 9, the first digit in the lowest byte:
    /// all of them at once, halving lanes of 4, 2 and 1 digits.
    @inline(__always)
    private static func digits(_ value: UInt32) -> UInt64 {
        let fours = UInt64(value / 10_000) | UInt64(value % 10_000) << 32
        let hundreds = ((fours &* 10486) >> 20) & 0x0000_007F_0000_007F
        let twos = hundreds | (fours &- 100 &* hundreds) << 16
        let tens = ((twos &* 103) >> 10) & 0x000F_000F_000F_000F
        return tens | (twos &- 10 &* tens) << 8
    }

    /// The eight hexadecimal digits of a number as text, the first digit in the lowest byte.
    @inline(__always)
    private static func hexDigits(_ value: UInt32) -> UInt64 {
        var lanes = UInt64(value.byteSwapped)
        lanes = (lanes | lanes << 16) & 0x0000_FFFF_0000_FFFF
        lanes = (lanes | lanes << 8) & 0x00FF_00FF_00FF_00FF
        lanes = (lanes >> 4 | lanes << 8) & 0x0F0F_0F0F_0F0F_0F0F
        let letters = ((lanes &+ 0x0606_0606_0606_0606) >> 4) & 0x0101_0101_0101_0101
        return lanes &+ 0x3030_3030_3030_3030 &+ letters &* 39
    }
}
