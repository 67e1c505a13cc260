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

    mutating func append(decimal value: UInt64) {
        var size = 1
        var limit: UInt64 = 10
        while value >= limit {
            size &+= 1
            if size == Self.decimalMax { break }
            limit &*= 10
        }
        precondition(size <= capacity &- count, "more text than room was made for")
        var place = count &+ size
        var rest = value
        repeat {
            place &-= 1
            let next = rest / 10
            // Safety: from the number's last place, checked above, to its first.
            unsafe base[place] = UInt8(truncatingIfNeeded: rest &- next &* 10) &+ UInt8(ascii: "0")
            rest = next
        } while rest > 0
        count &+= size
    }

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
