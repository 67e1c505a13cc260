internal import CXXHash
internal import Events

/// The first page of a segment: what it is, whose, and which.
enum SegmentHeader {
    /// Frames begin here, so that no write of theirs touches the header's page.
    static let bytes = 4096

    /// What every checksum of a segment's frames starts from.
    static func seed(log: LogID, segment: SegmentID) -> UInt64 {
        var words = InlineArray<4, UInt64>(repeating: 0)
        words[0] = log.high.littleEndian
        words[1] = log.low.littleEndian
        words[2] = UInt64(segment.ordinal).littleEndian
        words[3] = segment.first.rawValue.littleEndian
        // Safety: the hash reads the 32 bytes of the array.
        return unsafe words.span.withUnsafeBytes { bytes in unsafe tollbook_xxh3_64(bytes.baseAddress, bytes.count, 0) }
    }
}
