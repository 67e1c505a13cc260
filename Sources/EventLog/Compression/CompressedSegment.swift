internal import Events

/// A compressed segment's file: its blocks are unpacked one by one, in any order.
///
/// Opening it holds header and table against their checksums; unpacking a block holds the block against its
/// own. Any number of threads may use it.
final class CompressedSegment: Sendable {
    let path: String
    let header: CompressedHeader
    let table: BlockTable
    let fileBytes: Int
    private let mapping: SegmentWindow
    private let memory: BlockMemory

    /// - Throws: `missing`, `damaged`, `versionUnknown`, `system`.
    init(
        path: String, segment: SegmentID, of log: LogID, storage: any Storage, memory: BlockMemory
    ) throws(LogError) {
        self.path = path
        self.memory = memory
        let file = try storage.open(path, .read)
        header = try CompressedHeader.read(from: file)
        guard header.log == log, header.segment == segment else {
            throw LogError(
                .damaged, path: path, offset: 0,
                "This segment belongs elsewhere: to log \(header.log) as \(header.segment). Put back the right file."
            )
        }
        let tableBytes = BlockTable.headerBytes + header.blockCount * BlockTable.entryBytes
        fileBytes = header.tableOffset + tableBytes
        let size = try file.size()
        guard size == fileBytes else {
            throw LogError.damage(
                path, at: min(size, fileBytes),
                "the compressed segment has \(size) bytes where \(fileBytes) are due")
        }
        guard let table = BlockTable(try file.read(tableBytes, at: header.tableOffset), of: header) else {
            throw LogError.damage(
                path, at: header.tableOffset, "the compressed segment's table of blocks is wrong")
        }
        self.table = table
        mapping = SegmentWindow(try file.map(fileBytes))
    }

    /// Which block holds an offset of the plain segment.
    func index(holding offset: Int) -> Int {
        guard let index = table.index(holding: offset) else {
            preconditionFailure("an offset within the segment")
        }
        return index
    }

    func unpack(_ index: Int, with zstd: inout ZstdDecompressor) throws(LogError) -> SegmentWindow {
        let block = table.blocks[index]
        guard mapping.hash(block.packed, seed: 0) == block.hash else {
            throw damage(index, "its checksum is wrong")
        }
        let buffer = memory.take(block.plain.count)
        // Safety: the buffer has room for the block and its padding, and nobody else has it yet; the packed
        // bytes lie within the mapping, as the table was checked. The window keeps the loan.
        let fault = unsafe zstd.unpack(
            mapping.base + block.packed.lowerBound, bytes: block.packed.count, to: buffer.base,
            count: block.plain.count)
        buffer.zeroPadding(behind: block.plain.count)
        let window = unsafe SegmentWindow(
            base: UnsafeRawPointer(buffer.base), range: block.plain, owner: BlockLoan(buffer, of: memory))
        if let fault { throw damage(index, fault) }
        return window
    }

    private func damage(_ index: Int, _ reason: String) -> LogError {
        .damage(
            path, at: table.blocks[index].packed.lowerBound,
            "the compressed block of \(table.positions(of: index, end: header.end)): \(reason)")
    }
}
