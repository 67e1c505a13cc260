internal import CXXHash
internal import Events

/// The first page of a segment: what it is, whose, and which.
struct SegmentHeader: Equatable {
    let log: LogID
    let segment: SegmentID
    let segmentBytes: Int

    /// Frames begin here, so that no write of theirs touches the header's page.
    static let bytes = LogLimits.pageBytes
    static let magic: UInt64 = 0x0A67_6553_6C6F_6254  // "TbolSeg\n" read as a little-endian number
    static let version: UInt32 = 1
    private static let fieldBytes = 64

    /// What every checksum of a segment's frames starts from.
    static func seed(log: LogID, segment: SegmentID) -> UInt64 {
        var words = ByteWriter()
        words.put(log.high)
        words.put(log.low)
        words.put(UInt64(segment.ordinal))
        words.put(segment.first.rawValue)
        return words.bytes.xxh3()
    }

    /// The whole page.
    var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.put(Self.magic)
        writer.put(Self.version)
        writer.put(UInt32(Self.bytes))
        writer.put(log.high)
        writer.put(log.low)
        writer.put(UInt64(segment.ordinal))
        writer.put(segment.first.rawValue)
        writer.put(UInt64(segmentBytes))
        writer.put(writer.bytes.xxh3())
        writer.pad(to: Self.bytes)
        return writer.bytes
    }

    static func read(from file: any StorageFile) throws(LogError) -> SegmentHeader {
        let bytes = try file.read(fieldBytes, at: 0)
        var reader = ByteReader(bytes)
        guard bytes.count == fieldBytes, reader.take(UInt64.self) == magic else {
            throw LogError(
                .damaged, path: file.path, offset: 0,
                "The segment's header is no such header. Restore the file from a copy.")
        }
        let version = reader.take(UInt32.self)
        let headerBytes = reader.take(UInt32.self)
        let log = LogID(high: reader.take(), low: reader.take())
        let ordinal = reader.take(UInt64.self)
        let first = Position(rawValue: reader.take())
        let segmentBytes = reader.take(UInt64.self)
        guard Array(bytes[..<reader.offset]).xxh3() == reader.take(UInt64.self) else {
            throw LogError(
                .damaged, path: file.path, offset: 0,
                "The checksum of the segment's header is wrong. Restore the file from a copy.")
        }
        guard version == Self.version, headerBytes == Self.bytes, let ordinal = UInt32(exactly: ordinal),
            let segmentBytes = Int(exactly: segmentBytes)
        else {
            throw LogError(
                .versionUnknown, path: file.path, offset: 8,
                "The segment has format \(version), this program knows \(Self.version). Use a newer tollbook."
            )
        }
        return SegmentHeader(
            log: log, segment: SegmentID(ordinal: ordinal, first: first), segmentBytes: segmentBytes)
    }
}

extension SegmentID {
    static let fileSuffix = ".segment"
    static let summarySuffix = ".summary"

    var fileName: String { description + Self.fileSuffix }
    var summaryName: String { description + Self.summarySuffix }

    /// The segment that a file name speaks of; null where it is none.
    init?(fileName: String, suffix: String = SegmentID.fileSuffix) {
        guard fileName.hasSuffix(suffix) else { return nil }
        let parts = fileName.dropLast(suffix.count).split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let ordinal = UInt32(parts[0]), let first = UInt64(parts[1]),
            ordinal >= 1, first >= 1
        else { return nil }
        self.init(ordinal: ordinal, first: Position(rawValue: first))
        guard fileName == description + suffix else { return nil }
    }
}
