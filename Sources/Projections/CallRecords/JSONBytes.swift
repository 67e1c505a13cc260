/// Writing JSON of our own piece by piece: words and numbers that need no escape.
extension [UInt8] {
    mutating func append(_ text: StaticString) {
        // Safety: the program's own text, which never goes away.
        unsafe append(
            contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    mutating func append(decimal value: UInt64) {
        var digits = InlineArray<20, UInt8>(repeating: 0)
        var first = 20
        var rest = value
        repeat {
            first &-= 1
            digits[first] = UInt8(truncatingIfNeeded: rest % 10) &+ UInt8(ascii: "0")
            rest /= 10
        } while rest > 0
        append(addingCapacity: 20 - first) { text in
            for place in first..<20 { text.append(digits[place]) }
        }
    }

    /// One of our own words as a JSON string.
    mutating func append(quoted word: String?) {
        guard let word else { return append("null" as StaticString) }
        append(UInt8(ascii: "\""))
        // Safety: lent for the call.
        unsafe word.utf8.span.withUnsafeBufferPointer { unsafe append(contentsOf: $0) }
        append(UInt8(ascii: "\""))
    }
}
