import Testing

@testable import Projections

/// Numbers are written as Swift itself writes them: tried on both sides of every power of ten.
struct TextWriterTests {
    @Test func numbersAreWrittenInFull() {
        var powers: [UInt64] = [1]
        while powers.count < 20 { powers.append(powers[powers.count - 1] * 10) }
        let around = powers.flatMap { [$0 - 1, $0, $0 + 1, $0 + $0 / 2] }
        for value in around + [UInt64.max, .max - 1, UInt64(Int64.max)] {
            var text: [UInt8] = [UInt8(ascii: ">")]
            text.write(upTo: TextWriter.decimalMax) { $0.append(decimal: value) }
            #expect(String(decoding: text, as: UTF8.self) == ">\(value)")
        }
    }

    /// A name keeps its index however many come after it, and as many times as it is asked for.
    @Test func namesKeepTheirIndexes() {
        var places = NamePlaces()
        var names: [[UInt8]] = []
        for number in 0..<2_000 {
            let name = Array("agent \(number % 700)".utf8)
            let index = places.index(of: name[...]) { name[...].isSame(as: names[$0]) }
            if index == names.count { names.append(name) }
            #expect(names[index] == name)
        }
        #expect(names.count == 700)
    }
}
