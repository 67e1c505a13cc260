package import Events

/// Reads frames in order, from any position up to what is durable. It checks every checksum.
///
/// One thread uses a reader; any number of readers may be at work while the log is written.
package struct LogReader: ~Copyable {
    private let files: LogFiles
    /// The position of the next event that `next()` will give.
    package private(set) var position: Position
    private var scan: SegmentScan?
    /// Where the segment ends; null in the live one.
    private var segmentEnd: Position?
    private var durable: Position

    init(files: LogFiles, from position: Position) throws(LogError) {
        self.files = files
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
        guard var scan else { return nil }
        defer { self.scan = scan }
        while true {
            if segmentEnd == nil { segmentEnd = files.successor(of: scan.reading.segment)?.first }
            if let end = segmentEnd, scan.next >= end {
                guard scan.next == end, let successor = files.successor(of: scan.reading.segment) else {
                    throw scan.damage("the segment goes on beyond its end at \(end)")
                }
                scan = SegmentScan(try files.open(successor))
                segmentEnd = files.successor(of: successor)?.first
                continue
            }
            guard let found = try scan.frame(before: durable) else { return nil }
            guard found.header.next > position else { continue }
            position = found.header.next
            return LogFrame(found)
        }
    }

    private mutating func seek() throws(LogError) -> SegmentScan? {
        guard let place = files.segment(holding: position) else { return nil }
        segmentEnd = place.successor?.first
        let reading = try files.open(place.segment)
        if let end = segmentEnd, position > place.segment.first,
            let near = try files.summary(of: place.segment, end: end)?.sparseIndex.nearest(position)
        {
            return SegmentScan(reading, from: near.offset, position: near.position)
        }
        return SegmentScan(reading)
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
