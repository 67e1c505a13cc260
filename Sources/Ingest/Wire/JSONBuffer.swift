internal import Events

/// Where JSON is written: memory that is taken once and used again.
struct JSONBuffer {
    private(set) var bytes: [UInt8] = []

    init() {
        bytes.reserveCapacity(Limits.headerBytesMax)
    }

    mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
    }

    mutating func append(_ text: StaticString) {
        // Safety: a static text's bytes live for ever; read within its count.
        unsafe bytes.append(
            contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    mutating func append(_ text: [UInt8]) {
        bytes.append(contentsOf: text)
    }

    mutating func append(_ name: SourceName) {
        for index in 0..<Int(name.length) { bytes.append(name.bytes[index]) }
    }

    /// The members `source` and `epoch`.
    mutating func append(_ origin: SourceEpoch) {
        append(#","source":""#)
        append(origin.source)
        append(#"","epoch":"#)
        append(origin.epoch.rawValue)
    }

    mutating func append(_ number: Int64) {
        var digits = InlineArray<20, UInt8>(repeating: 0)
        var place = 20
        var rest = number.magnitude
        repeat {
            place -= 1
            digits[place] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
        } while rest > 0
        if number < 0 { bytes.append(UInt8(ascii: "-")) }
        for index in place..<20 { bytes.append(digits[index]) }
    }

    mutating func appendQuoted(_ text: [UInt8]) {
        JSONText.appendQuoted(text, to: &bytes)
    }

    mutating func append(byte: UInt8) {
        bytes.append(byte)
    }
}
