internal import Events

/// A segment that is open for reading: says which bytes of the segment lie where in memory.
///
/// The one place that knows how a segment's bytes are kept. Offsets are those of the plain segment, also
/// where a sealed one is kept in compressed blocks: then `window(at:)` unpacks the block that holds the
/// offset.
final class SegmentReading: Sendable {
    let segment: SegmentID
    let path: String
    let segmentBytes: Int
    let seed: UInt64
    private let bytes: Bytes

    private enum Bytes {
        case plain(SegmentWindow)
        case pages(SegmentPages)
        case ordered(CompressedSegment, OrderedBlocks)
        case cached(CompressedSegment, BlockCache)
    }

    /// What somebody is going to do with a segment.
    enum Use {
        /// Whatever it may be: through the system's cache, which others fill and use as well.
        case any
        /// Read each frame once, in order.
        case once
        /// Read single frames, far from each other.
        case apart
    }

    /// Opens a plain segment and holds its header against what it ought to be.
    ///
    /// - Parameter writing: the files of the log that this process writes: it alone knows the end of what is
    ///   on disk, and can read that past the system's cache.
    init(
        plain segment: SegmentID, of log: LogID, in directory: String, storage: any Storage,
        for use: Use = .any,
        writing: LogFiles? = nil
    ) throws(LogError) {
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
        if use != .any, let writing {
            let pages = try storage.open(path, .readPages)
            if pages.isDirect {
                bytes = .pages(
                    SegmentPages(
                        pages, of: segment, segmentBytes: segmentBytes, files: writing,
                        isInOrder: use == .once))
                return
            }
        }
        bytes = .plain(SegmentWindow(try file.map(segmentBytes)))
    }

    /// Opens a compressed segment.
    ///
    /// - Parameter cache: where single events are to be read; without one it is read in order.
    init(
        compressed segment: SegmentID, of log: LogID, in directory: String, storage: any Storage,
        cache: BlockCache?
    ) throws(LogError) {
        self.segment = segment
        path = directory + "/" + segment.compressedName
        let file = try CompressedSegment(
            path: path, segment: segment, of: log, storage: storage, memory: cache?.memory ?? BlockMemory())
        segmentBytes = file.header.segmentBytes
        seed = SegmentHeader.seed(log: log, segment: segment)
        bytes = if let cache { .cached(file, cache) } else { .ordered(file, OrderedBlocks(file)) }
    }

    /// The window that holds the frame at `offset`; of a plain segment that is mapped all of it.
    func window(at offset: Int) throws(LogError) -> SegmentWindow {
        switch bytes {
        case .plain(let window): window
        case .pages(let pages): try pages.window(at: offset)
        case .ordered(_, let blocks): try blocks.window(at: offset)
        case .cached(let file, let cache): try cache.window(of: file, at: offset)
        }
    }

    /// The file, where the segment is compressed.
    var compressed: CompressedSegment? {
        switch bytes {
        case .plain, .pages: nil
        case .ordered(let file, _), .cached(let file, _): file
        }
    }

    /// - Throws: `damaged` where there is a byte that isn't zero from `start` to the segment's end: what lies
    ///   behind the last frame of a sealed segment was never written.
    func checkZeros(from start: Int) throws(LogError) {
        var offset = start
        while offset < segmentBytes {
            let window = try window(at: offset)
            let upper = min((offset / 4096 + 1) * 4096, window.range.upperBound)
            guard window.isZero(offset..<upper) else {
                throw LogError.damage(path, at: offset, "something lies behind the segment's last frame")
            }
            offset = upper
        }
    }

    /// A frame at or before a position, where the file itself knows one.
    func nearest(_ position: Position) -> SparseIndex.Entry? {
        compressed?.table.nearest(position)
    }
}
