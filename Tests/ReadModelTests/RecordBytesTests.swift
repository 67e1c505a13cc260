import Testing

@testable import Projections
@testable import ReadModel

/// A row is laid out as SQLite's file format says (section 2.1), read here by a reader of its own: tried with
/// as many columns as a row may have, and texts that end anywhere around where the memory has to grow.
struct RecordBytesTests {
    @Test func numbersBehindALongTextAreWhole() {
        var record = RecordBytes()
        for length in [0, 1, 57, 58, 8_185, 8_186] + Array(64_000..<66_200) {
            var batch = RowBatch()
            batch.append([UInt8](repeating: UInt8(ascii: "x"), count: length))
            let numbers = (1..<64).map { $0 % 9 == 0 ? Int64.min : Int64.max - Int64($0) }
            for number in numbers { batch.integer(number) }
            batch.end(.insertFinding)
            record.lay(batch.cells[...], of: batch.text)
            #expect(Self.read(record) == [.text(length)] + numbers.map { .integer($0) }, "\(length)")
        }
    }

    @Test func everyKindOfCellIsReadAsItWas() {
        let numbers: [Int64] = [
            0, 1, -1, 2, 127, 128, -128, -129, 32_767, 32_768, -32_769, 8_388_607, 8_388_608, -8_388_609,
            .init(Int32.max), .init(Int32.max) + 1, 1 << 47 - 1, 1 << 47, .max, .min,
        ]
        var batch = RowBatch()
        var expected: [Value] = []
        for (place, number) in numbers.enumerated() {
            batch.integer(number)
            batch.null()
            batch.append([UInt8](repeating: 7, count: place * 11))
            expected += [.integer(number), .null, .text(place * 11)]
        }
        batch.end(.insertFinding)
        var record = RecordBytes()
        record.lay(batch.cells[...], of: batch.text)
        #expect(Self.read(record) == expected)
    }

    private enum Value: Equatable {
        case null
        case integer(Int64)
        /// Of so many bytes.
        case text(Int)
    }

    private static func read(_ record: borrowing RecordBytes) -> [Value] {
        let bytes = unsafe [UInt8](record.bytes)
        var place = 0
        func varint() -> Int {
            var value = 0
            while true {
                let byte = bytes[place]
                place += 1
                value = value << 7 | Int(byte & 0x7F)
                if byte < 0x80 { return value }
            }
        }
        let headerBytes = varint()
        var types: [Int] = []
        while place < headerBytes { types.append(varint()) }
        #expect(place == headerBytes)
        func integer(_ count: Int) -> Value {
            var value = Int64(Int8(bitPattern: bytes[place]))
            for offset in 1..<max(count, 1) { value = value << 8 | Int64(bytes[place + offset]) }
            place += count
            return .integer(value)
        }
        let values: [Value] = types.map { type in
            switch type {
            case 0: return .null
            case 1...4: return integer(type)
            case 5: return integer(6)
            case 6: return integer(8)
            case 8, 9: return .integer(Int64(type - 8))
            default:
                place += (type - 13) / 2
                return .text((type - 13) / 2)
            }
        }
        #expect(place == bytes.count)
        return values
    }
}
