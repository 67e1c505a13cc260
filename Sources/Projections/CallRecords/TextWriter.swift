/// Writes text, JSON mostly, into memory that was taken for all of it at once: asking for room piece by piece
/// costs more than the pieces.
@safe
struct TextWriter: ~Copyable {
    // Safety: whoever makes a writer lends it the memory for as long as it lives; each store is checked
    // against the room.
    private let base: UnsafeMutablePointer<UInt8>
    private let capacity: Int
    private(set) var count = 0

    @unsafe
    @inline(__always)
    init(_ memory: UnsafeMutableBufferPointer<UInt8>) {
        // Safety: room for something was taken, so that there is an address.
        unsafe base = memory.baseAddress.unsafelyUnwrapped
        capacity = memory.count
    }

    @inline(__always)
    mutating func append(_ byte: UInt8) {
        precondition(count < capacity, "more text than room was made for")
        // Safety: checked above.
        unsafe base[count] = byte
        count &+= 1
    }

    /// - Parameter bytes: no part of what is written to.
    @unsafe
    @inline(__always)
    mutating func append(_ bytes: UnsafeBufferPointer<UInt8>) {
        guard let start = bytes.baseAddress else { return }
        precondition(bytes.count <= capacity &- count, "more text than room was made for")
        // Safety: checked above.
        unsafe (base + count).update(from: start, count: bytes.count)
        count &+= bytes.count
    }

    @inline(__always)
    mutating func append(_ text: StaticString) {
        // Safety: the program's own text, which never goes away.
        unsafe append(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    mutating func append(_ bytes: [UInt8]) {
        // Safety: lent for the call.
        unsafe bytes.withUnsafeBufferPointer { unsafe append($0) }
    }

    mutating func append(_ word: String) {
        // Safety: lent for the call.
        unsafe word.utf8.span.withUnsafeBufferPointer { unsafe append($0) }
    }

    /// One of our own words as a JSON string; nothing in it needs an escape.
    mutating func append(quoted word: String?) {
        guard let word else { return append("null" as StaticString) }
        append(UInt8(ascii: "\""))
        append(word)
        append(UInt8(ascii: "\""))
    }

    /// Appends a number; there must be room for the longest.
    mutating func append(decimal value: UInt64) {
        precondition(Self.decimalMax <= capacity &- count, "more text than room was made for")
        if value < 10 { return append(UInt8(truncatingIfNeeded: value) &+ UInt8(ascii: "0")) }
        let size = Self.digits(value)
        var place = count &+ size
        var rest = value
        // Safety: from the number's last place to its first, all within the room that was checked.
        while rest >= 100 {
            let next = rest / 100
            place &-= 2
            unsafe put(pair: rest &- next &* 100, at: place)
            rest = next
        }
        if rest >= 10 {
            unsafe put(pair: rest, at: place &- 2)
        } else {
            unsafe base[place &- 1] = UInt8(truncatingIfNeeded: rest) &+ UInt8(ascii: "0")
        }
        count &+= size
    }

    /// Writes a number below 100 as two digits.
    @unsafe
    @inline(__always)
    private func put(pair: UInt64, at place: Int) {
        let tens = (pair &* 103) >> 10
        // Safety: the caller has checked the place.
        unsafe base[place] = UInt8(truncatingIfNeeded: tens) &+ UInt8(ascii: "0")
        unsafe base[place &+ 1] = UInt8(truncatingIfNeeded: pair &- tens &* 10) &+ UInt8(ascii: "0")
    }

    /// How many digits a number has that is not 0.
    @inline(__always)
    private static func digits(_ value: UInt64) -> Int {
        // 1233 / 4096 is the logarithm of 2 to base 10, rounded down: right, or one too few.
        let guess = ((64 &- value.leadingZeroBitCount) &* 1233) >> 12
        return guess &+ (value >= powers[guess] ? 1 : 0)
    }

    private static let powers: [20 of UInt64] = {
        var powers = InlineArray<20, UInt64>(repeating: 1)
        for place in 1..<20 { powers[place] = powers[place - 1] * 10 }
        return powers
    }()

    /// How many digits a number may have.
    static let decimalMax = 20
}

extension [UInt8] {
    /// Appends what `body` writes.
    ///
    /// - Parameter textMax: how many bytes that may be.
    @inline(__always)
    mutating func write(upTo textMax: Int, _ body: (inout TextWriter) -> Void) {
        append(addingCapacity: textMax) { text in
            // Safety: the writer initialises what it counts, from the start, and does not leave this closure.
            unsafe text.withUnsafeMutableBufferPointer { memory, count in
                var writer = unsafe TextWriter(memory)
                body(&writer)
                count = writer.count
            }
        }
    }
}
