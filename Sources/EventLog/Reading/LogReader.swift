package import Events

/// Reads frames in order, from any position up to what is durable. It checks every checksum.
///
/// One thread uses a reader; any number of readers may be at work while the log is written.
package struct LogReader: ~Copyable {
    private let files: LogFiles
    private let use: SegmentReading.Use
    /// The position of the next event that `next()` will give.
    package private(set) var position: Position
    private var scan: SegmentScan?
    /// Where the segment ends; null in the live one.
    private var segmentEnd: Position?
    private var durable: Position

    /// - Parameter isReadOnce: whether the system's cache is to be left to others.
    init(files: LogFiles, from position: Position, isReadOnce: Bool) throws(LogError) {
        self.files = files
        use = isReadOnce ? .once : .any
        self.position = position
        durable = files.durable.next
        guard position >= .first, position <= durable else {
            throw LogError.outOfRange(position, durable: durable, path: files.directory)
        }
    }

    /// The next frame; null where everything durable was read. Call again when there is more: wait with
    /// `LogDirectory.wait(for:atMost:)`.
    ///
    /// The first frame may begin before the position that was asked for: `header.position` says where it
    /// does.
    ///
    /// - Throws: `damaged`, with file and offset; nothing is passed over.
    package mutating func next() throws(LogError) -> LogFrame? {
        if position >= durable {
            durable = files.durable.next
            guard position < durable else { return nil }
        }
        if scan == nil { scan = try seek() }
        // In place: a scan is large to copy for each frame.
        while let next = scan?.next {
            if let end = segmentEnd ?? findEnd(), next >= end {
                try enterNextSegment(from: end)
            } else {
                guard let found = try scan?.frame(before: durable) else { return nil }
                guard found.header.next > position else { continue }
                position = found.header.next
                return LogFrame(found)
            }
        }
        return nil
    }

    /// Where the segment ends by now, if it is no longer the live one.
    private mutating func findEnd() -> Position? {
        guard let scan else { return nil }
        segmentEnd = files.successor(of: scan.reading.segment)?.first
        return segmentEnd
    }

    private mutating func enterNextSegment(from end: Position) throws(LogError) {
        guard let scan else { return }
        guard scan.next == end, let successor = files.successor(of: scan.reading.segment) else {
            throw scan.damage("the segment goes on beyond its end at \(end)")
        }
        self.scan = SegmentScan(try files.open(successor, for: use))
        segmentEnd = files.successor(of: successor)?.first
    }

    private mutating func seek() throws(LogError) -> SegmentScan? {
        guard let place = files.segment(holding: position) else { return nil }
        segmentEnd = place.successor?.first
        let reading = try files.open(place.segment, for: use)
        guard let end = segmentEnd, position > place.segment.first else { return SegmentScan(reading) }
        let noted = try files.summary(of: place.segment, end: end)?.sparseIndex.nearest(position)
        return SegmentScan(reading, near: noted, or: reading.nearest(position))
    }
}

extension LogError {
    static func outOfRange(_ position: Position, durable: Position, path: String) -> LogError {
        LogError(
            .outOfRange, path: path,
            "There is no position \(position): the log has 1 up to, not including, \(durable). Name one of those."
        )
    }
}
