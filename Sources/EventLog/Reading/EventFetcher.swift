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
    private let blocks = BlockCache()
    private var cache: [Cached] = []
    private var replacements = 0
    private var uses = 0
    private var cursor: LineCursor?
    /// The segment that the cursor is in.
    private var cursorSegment: SegmentID?

    init(files: LogFiles) {
        self.files = files
    }

    /// - Throws: `outOfRange` where the position is not durable; `damaged`.
    package mutating func event(at position: Position) throws(LogError) -> LogEvent {
        if let event = try eventUnderCursor(position) { return event }
        forgetReplaced()
        let durable = files.durable.next
        guard position >= .first, position < durable, let place = files.segment(holding: position) else {
            throw LogError.outOfRange(position, durable: durable, path: files.directory)
        }
        let index = try load(place.segment, end: place.successor?.first)
        let end = min(durable, place.successor?.first ?? durable)
        try extend(index, to: position)
        let reading = cache[index].reading
        var scan = SegmentScan(
            reading, near: cache[index].sparse.nearest(position), or: reading.nearest(position))
        // Neighbours in a sorted list are mostly in the same frame or the next.
        if let cursor, cursorSegment == place.segment, cursor.found.header.next <= position,
            cursor.found.header.position >= scan.next
        {
            scan = SegmentScan(reading, from: cursor.found.offset, position: cursor.found.header.position)
        }
        while let found = try scan.frame(before: end) {
            guard found.header.next > position else { continue }
            cursor = LineCursor(found)
            cursorSegment = place.segment
            if let event = try eventUnderCursor(position) { return event }
        }
        throw LogError.damage(scan.reading.path, at: scan.offset, "position \(position) is in no frame")
    }

    /// Lets go of plain files that compressed ones stand for by now, so that the disk has their space back.
    private mutating func forgetReplaced() {
        let replacements = files.replacements
        if replacements == self.replacements { return }
        self.replacements = replacements
        cache.removeAll { files.isOutdated($0.reading) }
        cursor = nil
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
        var cached = Cached(reading: try files.open(segment, cache: blocks), lastUse: uses)
        if let end, let summary = try files.summary(of: segment, end: end) {
            cached.sparse = summary.sparseIndex
        } else if cached.reading.compressed == nil {
            cached.frontier = SegmentScan(try files.open(segment, cache: blocks, for: .once))
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
