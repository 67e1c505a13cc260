internal import Events

/// Where the blocks of a compressed segment lie, in its file and in the plain segment, and the position that
/// each begins with.
struct BlockTable: Equatable, Sendable {
    struct Block: Equatable, Sendable {
        /// The position of the first event; in blocks of zeros behind the last frame the one that is due.
        let first: Position
        /// Where it lies in the plain segment.
        let plain: Range<Int>
        /// Where it lies in the file.
        let packed: Range<Int>
        /// Of the bytes in the file.
        let hash: UInt64
    }

    private(set) var blocks: [Block] = []

    static let entryBytes = 40
    /// Before the entries, for zstd's own tools: they skip the table.
    static let headerBytes = 8

    init() {}

    mutating func add(_ block: Block) {
        blocks.append(block)
    }

    /// Where the file goes on.
    var fileEnd: Int { blocks.last?.packed.upperBound ?? CompressedHeader.bytes }

    /// What stands in the file behind the last block.
    var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.put(CompressedHeader.skippableMagic)
        writer.put(UInt32(blocks.count * Self.entryBytes))
        for block in blocks {
            writer.put(block.first.rawValue)
            writer.put(UInt64(block.plain.lowerBound))
            writer.put(UInt64(block.packed.lowerBound))
            writer.put(UInt32(block.plain.count))
            writer.put(UInt32(block.packed.count))
            writer.put(block.hash)
        }
        return writer.bytes
    }

    /// Null where the bytes are no table of whole blocks, one after the other, of that segment.
    init?(_ bytes: [UInt8], of header: CompressedHeader) {
        guard bytes.count == Self.headerBytes + header.blockCount * Self.entryBytes,
            bytes.xxh3() == header.tableHash
        else { return nil }
        var reader = ByteReader(bytes)
        _ = reader.take(UInt64.self)
        var plainEnd = 0
        var fileEnd = CompressedHeader.bytes
        var position = header.segment.first
        for _ in 0..<header.blockCount {
            let first = Position(rawValue: reader.take())
            let plainStart = reader.take(UInt64.self)
            let fileStart = reader.take(UInt64.self)
            let plainBytes = Int(reader.take(UInt32.self))
            let fileBytes = Int(reader.take(UInt32.self))
            guard plainStart == UInt64(plainEnd), fileStart == UInt64(fileEnd), plainBytes > 0,
                fileBytes > 0, first >= position, first <= header.end
            else { return nil }
            let plain = plainEnd..<plainEnd + plainBytes
            let packed = fileEnd..<fileEnd + fileBytes
            blocks.append(Block(first: first, plain: plain, packed: packed, hash: reader.take()))
            (plainEnd, fileEnd, position) = (plain.upperBound, packed.upperBound, first)
        }
        guard plainEnd == header.segmentBytes, fileEnd == header.tableOffset,
            blocks.first?.first == header.segment.first
        else { return nil }
    }

    /// Which block holds an offset of the plain segment; null behind its end.
    func index(holding offset: Int) -> Int? {
        guard let last = blocks.last, offset >= 0, offset < last.plain.upperBound else { return nil }
        return lastIndex { $0.plain.lowerBound <= offset }
    }

    /// A frame at or before a position: the first one of the block that it lies in.
    func nearest(_ position: Position) -> SparseIndex.Entry? {
        guard let index = lastIndex(where: { $0.first <= position }) else { return nil }
        let block = blocks[index]
        return SparseIndex.Entry(
            position: block.first, offset: max(block.plain.lowerBound, SegmentHeader.bytes))
    }

    /// The last block for which it holds; it holds for all before.
    private func lastIndex(where holds: (Block) -> Bool) -> Int? {
        var low = 0
        var high = blocks.count
        while low < high {
            let middle = (low + high) / 2
            if holds(blocks[middle]) { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? nil : low - 1
    }

    /// Which positions a block holds, for people.
    func positions(of index: Int, end: Position) -> String {
        let first = blocks[index].first
        let next = index + 1 < blocks.count ? blocks[index + 1].first : end
        guard next > first else { return "no position, behind \(end.rawValue - 1)" }
        return "positions \(first) to \(next.rawValue - 1)"
    }
}
