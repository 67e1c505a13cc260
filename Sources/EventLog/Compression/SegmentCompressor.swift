internal import Events

/// Puts a compressed segment in the place of a sealed plain one.
///
/// The compressed file is made under another name, synced, read again and held against the plain one byte by
/// byte; only then it gets its name, and only once that is durable the plain one goes. At each moment the
/// plain file is there or a proven compressed one. Whoever has the plain file open goes on reading it.
struct SegmentCompressor: ~Copyable {
    private let files: LogFiles
    private let segment: SegmentID
    private let options: CompressionOptions
    private let newPath: String
    private let path: String
    private var zstd: ZstdCompressor
    private var table = BlockTable()
    private var hash = HashStream()
    private var unsyncedBytes = 0

    init(_ files: LogFiles, _ segment: SegmentID, _ options: CompressionOptions) {
        self.files = files
        self.segment = segment
        self.options = options
        newPath = files.directory + "/" + segment.compressedNewName
        path = files.directory + "/" + segment.compressedName
        zstd = ZstdCompressor(level: options.level)
    }

    /// - Parameter goesOn: is asked between two blocks.
    /// - Returns: null where it was told to stop; then all is as before.
    /// - Throws: `damaged` where the plain segment is; `noSpace`; `system`. The plain segment stays.
    mutating func replace(while goesOn: () -> Bool) throws(LogError) -> CompressedSegmentReport? {
        let plain = try SegmentReading(
            plain: segment, of: files.id, in: files.directory, storage: files.storage)
        guard let end = files.successor(of: segment)?.first else {
            preconditionFailure("a sealed segment has an heir")
        }
        let fileBytes: Int
        do throws(LogError) {
            let file = try files.storage.open(newPath, .make)
            guard try write(plain, until: end, to: file, while: goesOn),
                try prove(against: plain, while: goesOn)
            else {
                try files.storage.remove(newPath)
                return nil
            }
            fileBytes = try file.size()
            try files.storage.rename(newPath, to: path)
        } catch {
            // The room that it takes may be what is missing; opening the log removes it too.
            try? files.storage.remove(newPath)
            throw error
        }
        try files.storage.syncDirectory(files.directory)
        try files.storage.remove(plain.path)
        files.noteReplaced(segment)
        return CompressedSegmentReport(
            path: path, plainBytes: plain.segmentBytes, compressedBytes: fileBytes, level: options.level)
    }

    /// Writes blocks of whole frames, then the zeros behind them, the table, and last the header.
    private mutating func write(
        _ plain: SegmentReading, until end: Position, to file: any StorageFile, while goesOn: () -> Bool
    ) throws(LogError) -> Bool {
        var scan = SegmentScan(plain)
        // The segment's own header goes with the first frame.
        var start = 0
        var first = segment.first
        while let found = try scan.frame(before: end) {
            let isFull = scan.offset - start > options.blockBytes
            guard isFull, found.offset > max(start, SegmentHeader.bytes) else { continue }
            try add(start..<found.offset, first: first, of: found.window, to: file)
            start = found.offset
            first = found.header.position
            if !goesOn() { return false }
        }
        guard scan.next == end else { throw scan.damage("the segment goes on beyond its end at \(end)") }
        let endOffset = scan.offset
        try add(start..<endOffset, first: first, of: try plain.window(at: start), to: file)
        try plain.checkZeros(from: endOffset)
        for start in stride(from: endOffset, to: plain.segmentBytes, by: options.blockBytes) {
            let bytes = start..<min(start + options.blockBytes, plain.segmentBytes)
            try add(bytes, first: end, of: try plain.window(at: start), to: file)
            if !goesOn() { return false }
        }
        try file.writeAll(table.encoded, at: table.fileEnd)
        let header = CompressedHeader(
            log: files.id, segment: segment, end: end, segmentBytes: plain.segmentBytes,
            endOffset: endOffset, plainHash: hash.digest, level: options.level,
            blockBytes: options.blockBytes, tableOffset: table.fileEnd, blockCount: table.blocks.count,
            tableHash: table.encoded.xxh3())
        try file.writeAll(header.encoded, at: 0)
        try file.sync()
        return true
    }

    private mutating func add(
        _ bytes: Range<Int>, first: Position, of window: SegmentWindow, to file: any StorageFile
    ) throws(LogError) {
        hash.add(window, bytes)
        let packed = try zstd.compress(window, bytes, path: newPath)
        let offset = table.fileEnd
        try file.writeAll(Array(packed), at: offset)
        table.add(
            BlockTable.Block(
                first: first, plain: bytes, packed: offset..<offset + packed.count,
                hash: Array(packed).xxh3()))
        unsyncedBytes += packed.count
        // In pieces, so that a sync of the log never waits for all of it.
        if unsyncedBytes >= LogLimits.compressedUnsyncedMax {
            try file.sync()
            unsyncedBytes = 0
        }
    }

    /// Reads the new file as any reader would, and holds it against the plain one.
    private func prove(against plain: SegmentReading, while goesOn: () -> Bool) throws(LogError) -> Bool {
        let made: CompressedSegment
        do throws(LogError) {
            made = try CompressedSegment(
                path: newPath, segment: segment, of: files.id, storage: files.storage,
                memory: BlockMemory())
        } catch {
            throw unproven(error.offset ?? 0, error.detail)
        }
        var zstd = ZstdDecompressor()
        for (index, block) in made.table.blocks.enumerated() {
            let window: SegmentWindow
            do throws(LogError) {
                window = try made.unpack(index, with: &zstd)
            } catch {
                throw unproven(block.packed.lowerBound, error.detail)
            }
            guard window.isEqual(to: try plain.window(at: block.plain.lowerBound), in: block.plain) else {
                throw unproven(block.packed.lowerBound, "byte for byte it differs from \(plain.path)")
            }
            if !goesOn() { return false }
        }
        guard made.header.segmentBytes == plain.segmentBytes, made.header.plainHash == hash.digest else {
            throw unproven(0, "its header says something else than \(plain.path)")
        }
        return true
    }

    /// No acknowledged byte is in danger: the plain segment is as it was.
    private func unproven(_ offset: Int, _ reason: String) -> LogError {
        LogError(
            .system, path: newPath, offset: offset,
            "What was just compressed does not come back as it was, and the plain segment stays: \(reason) "
                + "Check the machine's memory and disk.")
    }
}
