package import Events

/// Fetches single events by position. Keeps a few segments mapped and their sparse indexes; cheap for sorted
/// lists, since neighbours share a frame that is checked once.
///
/// One thread uses a fetcher.
package struct EventFetcher: ~Copyable {
    /// A segment that was used before.
    private struct Cached {
        let reading: SegmentReading
        var sparse = SparseIndex()
        /// How far `sparse` goes; null where it covers the whole segment.
        var frontier: SegmentScan?
        var lastUse = 0
    }

    private let files: LogFiles
    private var cache: [Cached] = []
    private var uses = 0
    private var cursor: LineCursor?

    init(files: LogFiles) {
        self.files = files
    }

    /// - Throws: `outOfRange` where the position is not durable; `damaged`.
    package mutating func event(at position: Position) throws(LogError) -> LogEvent {
        if let event = try eventUnderCursor(position) { return event }
        let durable = files.durable.next
        guard position >= .first, position < durable, let place = files.segment(holding: position) else {
            throw LogError.outOfRange(position, durable: durable, path: files.directory)
        }
        let index = try load(place.segment, end: place.successor?.first)
        let end = min(durable, place.successor?.first ?? durable)
        try extend(index, to: position)
        let near = cache[index].sparse.nearest(position)
        var scan = SegmentScan(cache[index].reading)
        if let near { scan = SegmentScan(scan.reading, from: near.offset, position: near.position) }
        // Neighbours in a sorted list are mostly in the same frame or the next.
        if let cursor, cursor.found.header.next <= position, cursor.found.header.position >= scan.next,
            cursor.found.window.isSame(as: try scan.reading.window(at: cursor.found.offset))
        {
            scan = SegmentScan(
                scan.reading, from: cursor.found.offset, position: cursor.found.header.position)
        }
        while let found = try scan.frame(before: end) {
            guard found.header.next > position else { continue }
            cursor = LineCursor(found)
            if let event = try eventUnderCursor(position) { return event }
        }
        throw LogError.damage(scan.reading.path, at: scan.offset, "position \(position) is in no frame")
    }

    private mutating func eventUnderCursor(_ position: Position) throws(LogError) -> LogEvent? {
        guard var cursor, cursor.found.header.position <= position, position < cursor.found.header.next else {
            return nil
        }
        let index = Int(position.rawValue - cursor.found.header.position.rawValue)
        if index < cursor.index { cursor = LineCursor(cursor.found) }
        guard let line = cursor.line(index) else {
            throw LogError.damage(
                files.directory, at: cursor.found.offset,
                "the frame of position \(position) has fewer lines than it says")
        }
        self.cursor = cursor
        return LogEvent(cursor.found, index: index, line: line)
    }

    /// - Returns: the segment's place in the cache.
    private mutating func load(_ segment: SegmentID, end: Position?) throws(LogError) -> Int {
        uses += 1
        if let index = cache.firstIndex(where: { $0.reading.segment == segment }) {
            cache[index].lastUse = uses
            return index
        }
        var cached = Cached(reading: try files.open(segment), lastUse: uses)
        if let end, let summary = try files.summary(of: segment, end: end) {
            cached.sparse = summary.sparseIndex
        } else {
            cached.frontier = SegmentScan(cached.reading)
        }
        if cache.count >= LogLimits.windowsOpenMax,
            let oldest = cache.indices.min(by: { cache[$0].lastUse < cache[$1].lastUse })
        {
            cache.remove(at: oldest)
        }
        cache.append(cached)
        return cache.count - 1
    }

    /// Takes note of frames until `position` lies behind one that is noted.
    private mutating func extend(_ index: Int, to position: Position) throws(LogError) {
        guard var frontier = cache[index].frontier, frontier.next <= position else { return }
        while frontier.next <= position, case .frame(let found) = try frontier.step() {
            cache[index].sparse.add(found.header.position, at: found.offset)
        }
        cache[index].frontier = frontier
    }
}
