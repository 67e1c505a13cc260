import EventLog
import Events
import Testing

/// Damage in a compressed segment is refused and located: file, byte, positions.
@Suite("Damage in compressed segments")
struct CompressedDamageTests {
    /// A block as the table of a file has it.
    private struct Block {
        let first: UInt64
        let offset: Int
        let bytes: Int
        var end: UInt64 = 0
    }

    private static func number(_ bytes: [UInt8], _ offset: Int, _ count: Int = 8) -> UInt64 {
        (0..<count).reduce(0) { $0 | UInt64(bytes[offset + $1]) << UInt64(8 * $1) }
    }

    /// The table, read as the format has it.
    private static func blocks(_ bytes: [UInt8]) -> [Block] {
        let table = Int(number(bytes, 96)) + 8
        let count = Int(number(bytes, 104, 4))
        var blocks = (0..<count).map { index in
            let entry = table + index * 40
            return Block(
                first: number(bytes, entry), offset: Int(number(bytes, entry + 16)),
                bytes: Int(number(bytes, entry + 28, 4)))
        }
        for index in blocks.indices {
            blocks[index].end = index + 1 < count ? blocks[index + 1].first : number(bytes, 56)
        }
        return blocks
    }

    private static func compressed(_ place: Place) throws -> Ledger {
        let log = try place.open()
        let ledger = try Ledger.filled(log)
        try log.maintain()
        try log.compress()
        log.close()
        return ledger
    }

    @Test(
        "A flipped bit in any block is found by who needs the block, located, and bothers nobody else",
        arguments: Backend.allCases)
    func everyBlock(_ backend: Backend) throws {
        let place = backend.makePlace()
        let ledger = try Self.compressed(place)
        var generator = SeededGenerator(seed: 5)
        var tried = 0
        for path in place.compressedPaths {
            let blocks = Self.blocks(try place.bytes(path))
            #expect(blocks.count > 3 && blocks[0].offset == 128)
            for block in blocks {
                let offset = block.offset + Int.random(in: 0..<block.bytes, using: &generator)
                try place.damage(path) { $0[offset] ^= 1 << UInt8(offset % 8) }
                defer { try? place.damage(path) { $0[offset] ^= 1 << UInt8(offset % 8) } }
                let log = try place.openReadOnly()
                let refusal = #expect(throws: LogError.self) { _ = try LogVerifier(log).run() }
                #expect(refusal?.code == .damaged && refusal?.path == path)
                #expect(refusal?.offset == block.offset)
                tried += 1
                // Behind the last frame there is nothing to be read.
                guard block.first < block.end else {
                    #expect(refusal?.detail.contains("no position, behind \(block.end - 1)") == true)
                    #expect(try Ledger.read(log) == ledger.entries)
                    continue
                }
                let positions = "positions \(block.first) to \(block.end - 1)"
                #expect(refusal?.detail.contains(positions) == true, "\(refusal?.detail ?? "")")
                let error = #expect(throws: LogError.self) { _ = try Ledger.read(log) }
                #expect(error == refusal)
                var fetcher = log.fetcher()
                for entry in ledger.entries where entry.position.rawValue % 5 == 0 {
                    if (block.first..<block.end).contains(entry.position.rawValue) {
                        let fetched = #expect(throws: LogError.self) {
                            _ = try fetcher.event(at: entry.position)
                        }
                        #expect(fetched == refusal)
                    } else {
                        #expect(try fetcher.event(at: entry.position).bytes.array == entry.line)
                    }
                }
            }
        }
        #expect(tried > 20)
        #expect(try Ledger.read(try place.openReadOnly()) == ledger.entries)
    }

    @Test(
        "A flipped bit in header or table, and a file that is cut, are refused", arguments: Backend.allCases)
    func headerAndTable(_ backend: Backend) throws {
        let place = backend.makePlace()
        let ledger = try Self.compressed(place)
        let path = place.compressedPaths[1]
        let bytes = try place.bytes(path)
        let table = Int(Self.number(bytes, 96))
        for offset in Array(0..<128) + Array(table..<bytes.count) {
            try place.damage(path) { $0[offset] ^= 1 << UInt8(offset % 8) }
            let error = #expect(throws: LogError.self) { _ = try Ledger.read(try place.openReadOnly()) }
            #expect(error?.code == .damaged && error?.path == path, "byte \(offset)")
            #expect(error?.offset == (offset < 128 ? 0 : table))
            try place.damage(path) { $0[offset] ^= 1 << UInt8(offset % 8) }
        }
        for count in [0, 1, 127, 128, table, bytes.count - 1] {
            try place.replace(path, with: Array(bytes[..<count]))
            let error = #expect(throws: LogError.self) { _ = try Ledger.read(try place.openReadOnly()) }
            #expect(error?.code == .damaged && error?.path == path, "cut at \(count)")
            #expect(throws: LogError.self) { _ = try LogVerifier(try place.openReadOnly()).run() }
        }
        try place.replace(path, with: try place.bytes(place.compressedPaths[0]))
        let stray = #expect(throws: LogError.self) { _ = try Ledger.read(try place.openReadOnly()) }
        #expect(stray?.code == .damaged && stray?.detail.contains("belongs elsewhere") == true)
        try place.replace(path, with: bytes)
        #expect(try Ledger.read(try place.openReadOnly()) == ledger.entries)
        try place.storage.remove(path)
        let missing = #expect(throws: LogError.self) { _ = try place.openReadOnly() }
        #expect(missing?.code == .damaged && missing?.detail.contains("missing") == true)
    }

    @Test(
        "A last segment that is gone is missed though all others are compressed", arguments: Backend.allCases)
    func liveSegmentIsGone(_ backend: Backend) throws {
        let place = backend.makePlace()
        _ = try Self.compressed(place)
        try place.storage.remove(place.segmentPaths[0])
        for hasMark in [true, false] {
            if !hasMark { try place.storage.remove(place.data + "/log/end") }
            for isReadOnly in [true, false] {
                let error = #expect(throws: LogError.self) {
                    _ = isReadOnly ? try place.openReadOnly() : try place.open()
                }
                #expect(error?.code == .damaged && error?.detail.contains("missing") == true)
            }
        }
    }
}
