internal import Events

/// A segment that is open for reading: says which bytes of the segment lie where in memory.
///
/// The one place that knows how a segment's bytes are kept. Offsets are those of the plain segment, also
/// where a sealed one is to be kept in compressed blocks: then `window(at:)` unpacks the block that holds the
/// offset.
final class SegmentReading: Sendable {
    let segment: SegmentID
    let path: String
    let segmentBytes: Int
    let seed: UInt64
    private let window: SegmentWindow

    /// Opens a segment and holds its header against what it ought to be.
    init(_ segment: SegmentID, of log: LogID, in directory: String, storage: any Storage) throws(LogError) {
        self.segment = segment
        path = directory + "/" + segment.fileName
        let file = try storage.open(path, .read)
        let header = try SegmentHeader.read(from: file)
        guard header.log == log, header.segment == segment else {
            throw LogError(
                .damaged, path: path, offset: 0,
                "This segment belongs elsewhere: to log \(header.log) as \(header.segment). Put back the right file."
            )
        }
        segmentBytes = header.segmentBytes
        guard try file.size() >= segmentBytes else {
            throw LogError(
                .damaged, path: path, offset: try file.size(),
                "The segment ends before its \(segmentBytes) bytes. Restore it from a copy.")
        }
        seed = SegmentHeader.seed(log: log, segment: segment)
        window = SegmentWindow(try file.map(segmentBytes))
    }

    /// The window that holds the frame at `offset`.
    func window(at offset: Int) throws(LogError) -> SegmentWindow {
        window
    }
}
