internal import Events

/// The beginning of a compressed segment's file. For zstd's own tools it is a frame to be skipped, so that
/// they can unpack the file to the plain segment.
struct CompressedHeader: Equatable {
    let log: LogID
    let segment: SegmentID
    /// Behind the segment's last event.
    let end: Position
    /// The size of the plain segment.
    let segmentBytes: Int
    /// Behind the last frame; only zeros follow in the plain segment.
    let endOffset: Int
    /// XXH3-64 of the whole plain segment.
    let plainHash: UInt64
    let level: Int
    let blockBytes: Int
    /// Where the table of blocks begins in the file.
    let tableOffset: Int
    let blockCount: Int
    let tableHash: UInt64

    static let bytes = 128
    /// Begins a frame that zstd skips; the next four bytes say how long the rest of it is.
    static let skippableMagic: UInt32 = 0x184D_2A5E
    private static let magic: UInt64 = 0x0A74_735A_6C6F_6254  // "TbolZst\n" read as a little-endian number
    private static let version: UInt32 = 1

    var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.put(Self.skippableMagic)
        writer.put(UInt32(Self.bytes - 8))
        writer.put(Self.magic)
        writer.put(Self.version)
        writer.put(UInt32(Self.bytes))
        writer.put(log.high)
        writer.put(log.low)
        writer.put(UInt64(segment.ordinal))
        writer.put(segment.first.rawValue)
        writer.put(end.rawValue)
        writer.put(UInt64(segmentBytes))
        writer.put(UInt64(endOffset))
        writer.put(plainHash)
        writer.put(UInt32(level))
        writer.put(UInt32(blockBytes))
        writer.put(UInt64(tableOffset))
        writer.put(UInt32(blockCount))
        writer.put(UInt32(0))
        writer.put(tableHash)
        writer.put(writer.bytes.xxh3())
        return writer.bytes
    }

    static func read(from file: any StorageFile) throws(LogError) -> CompressedHeader {
        let found = try file.read(bytes, at: 0)
        var reader = ByteReader(found)
        _ = reader.take(UInt64.self)
        guard found.count == bytes, reader.take(UInt64.self) == magic else {
            throw LogError.damage(file.path, at: 0, "the compressed segment's header is no such header")
        }
        let version = reader.take(UInt32.self)
        let headerBytes = reader.take(UInt32.self)
        let log = LogID(high: reader.take(), low: reader.take())
        let numbers = (0..<5).map { _ in reader.take(UInt64.self) }
        let plainHash = reader.take(UInt64.self)
        let level = Int(reader.take(UInt32.self))
        let blockBytes = Int(reader.take(UInt32.self))
        let tableOffset = reader.take(UInt64.self)
        let blockCount = Int(reader.take(UInt32.self))
        _ = reader.take(UInt32.self)
        let tableHash = reader.take(UInt64.self)
        guard Array(found[..<reader.offset]).xxh3() == reader.take(UInt64.self) else {
            throw LogError.damage(
                file.path, at: 0, "the checksum of the compressed segment's header is wrong")
        }
        guard version == Self.version, headerBytes == bytes, let ordinal = UInt32(exactly: numbers[0]),
            let segmentBytes = Int(exactly: numbers[3]), segmentBytes <= LogLimits.segmentBytesMax,
            let endOffset = Int(exactly: numbers[4]), endOffset <= segmentBytes,
            let tableOffset = Int(exactly: tableOffset), tableOffset < 1 << 40
        else {
            throw LogError(
                .versionUnknown, path: file.path, offset: 16,
                "The compressed segment has format \(version), this program knows \(Self.version). "
                    + "Use a newer tollbook.")
        }
        return CompressedHeader(
            log: log,
            segment: SegmentID(ordinal: ordinal, first: Position(rawValue: numbers[1])),
            end: Position(rawValue: numbers[2]), segmentBytes: segmentBytes, endOffset: endOffset,
            plainHash: plainHash, level: level, blockBytes: blockBytes, tableOffset: tableOffset,
            blockCount: blockCount, tableHash: tableHash)
    }
}

extension SegmentID {
    static let compressedSuffix = fileSuffix + ".zst"

    /// The segment that a name speaks of, plain or compressed.
    init?(anyFileName name: String) {
        guard
            let found = SegmentID(fileName: name) ?? SegmentID(fileName: name, suffix: Self.compressedSuffix)
        else { return nil }
        self = found
    }

    var compressedName: String { description + Self.compressedSuffix }
    /// While it is being made.
    var compressedNewName: String { compressedName + ".new" }
}
