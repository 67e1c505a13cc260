package import Events

/// Finds the frames that hold an event, or are about it, by its identity, anywhere in the log.
///
/// For telling a duplicate from a conflict, however long ago the first one came. It sees what is durable, and
/// what lies in the groups that it is shown. One thread uses a finder.
package struct IdentityFinder: ~Copyable {
    /// A sealed segment, and which numbers of which epochs it has something about.
    private struct Sealed {
        let segment: SegmentID
        let coverage: [SourceEpoch: (place: Int, numbers: ClosedRange<Int64>)]
    }

    /// A segment that has no summary (yet), indexed as far as it was read.
    private struct Scanned {
        var scan: SegmentScan
        var index = IdentityIndex()
    }

    private let files: LogFiles
    /// Knows the frames of the newest segments, where this process writes the log.
    private let writer: LogWriter?
    private let blocks = BlockCache()
    private var replacements = 0
    private var sealed: [UInt32: Sealed] = [:]
    private var scanned: [UInt32: Scanned] = [:]
    private var summaries: [(summary: SegmentSummary, lastUse: Int)] = []
    private var readings: [(reading: SegmentReading, lastUse: Int)] = []
    private var uses = 0
    /// The frame that was asked for last: lines that come again are often neighbours.
    private var latest: (segment: SegmentID, path: String, frame: SegmentScan.Found)?

    init(files: LogFiles, writer: LogWriter?) {
        self.files = files
        self.writer = writer
    }

    /// Where every frame is that holds this event or is about it, in the order of the log: the frame of kind
    /// `events` with it, or the `rejected` that stands for it, and any conflicts and gaps. Empty where the
    /// log has none.
    ///
    /// - Parameter groups: what is laid and was not known to be durable, in the order of the log.
    /// - Throws: `damaged`.
    package mutating func places(
        for source: SourceEpoch, _ sequence: SequenceNumber, in groups: [FrameGroup] = []
    ) throws(LogError) -> [FramePlace] {
        let number = sequence.rawValue
        let durable = files.durable.next
        let list = files.list
        var places: [FramePlace] = []
        uses += 1
        forgetReplaced()
        for (index, segment) in list.enumerated() where segment.first < durable {
            let end = index + 1 < list.count ? list[index + 1].first : nil
            for offset in try offsets(in: segment, end: end, durable: durable, source, number) {
                places.append(
                    FramePlace(source: source, number: number, segment: segment, offset: offset, group: nil))
            }
        }
        for group in groups {
            let segment = group.start.segment
            for offset in group.offsets(for: source, number)
            // It may have become durable meanwhile.
            where !places.contains(where: { $0.segment == segment && $0.offset == offset }) {
                places.append(
                    FramePlace(source: source, number: number, segment: segment, offset: offset, group: group)
                )
            }
        }
        return places
    }

    /// The frame at a place, as long as no group that was shown has begun anew since it was found.
    ///
    /// - Throws: `damaged`.
    package mutating func frame(at place: FramePlace) throws(LogError) -> FoundFrame {
        let path: String
        let found: SegmentScan.Found
        if let latest, latest.segment == place.segment, latest.frame.offset == place.offset {
            (path, found) = (latest.path, latest.frame)
        } else if let group = place.group {
            path = files.directory + "/" + place.segment.fileName
            found = group.frame(at: place.offset, in: files.pages)
        } else {
            let reading = try reading(of: place.segment)
            path = reading.path
            found = try Self.frame(at: place.offset, in: reading)
        }
        latest = (place.segment, path, found)
        var cursor = LineCursor(found)
        let isOwn = found.header.source == place.source && found.header.kind == .events
        let first = found.header.firstSequence.rawValue
        guard !isOwn || (first <= place.number && place.number < first + Int64(found.header.count)),
            let line = cursor.line(isOwn ? Int(place.number - first) : 0)
        else {
            throw LogError.damage(path, at: place.offset, "a frame has fewer lines than it says")
        }
        return FoundFrame(frame: LogFrame(found), line: found.window.bytes(line))
    }

    /// Lets go of plain files that compressed ones stand for by now, so that the disk has their space back.
    private mutating func forgetReplaced() {
        let replacements = files.replacements
        if replacements == self.replacements { return }
        self.replacements = replacements
        readings.removeAll { files.isOutdated($0.reading) }
        latest = nil
        scanned = scanned.filter { !files.isOutdated($0.value.scan.reading) }
    }

    private mutating func offsets(
        in segment: SegmentID, end: Position?, durable: Position, _ source: SourceEpoch, _ number: Int64
    ) throws(LogError) -> [Int] {
        // First: a summary that isn't there yet would be looked for each time.
        if let offsets = writer?.offsets(in: segment, for: source, number) { return offsets }
        if let end {
            if sealed[segment.ordinal] == nil { try learn(segment, end: end) }
            if let known = sealed[segment.ordinal] {
                guard let covered = known.coverage[source], covered.numbers.contains(number) else {
                    return []
                }
                if let summary = try summary(of: segment, end: end) {
                    return summary.offsets(at: covered.place, number)
                }
                sealed[segment.ordinal] = nil
            }
        }
        var scanned: Scanned
        if let known = self.scanned.removeValue(forKey: segment.ordinal) {
            scanned = known
        } else {
            scanned = Scanned(scan: SegmentScan(try files.open(segment, cache: blocks, for: .once)))
        }
        defer { self.scanned[segment.ordinal] = scanned }
        let limit = end.map { min($0, durable) } ?? durable
        while let found = try scanned.scan.frame(before: limit) {
            scanned.index.add(found.header, at: found.offset)
        }
        return scanned.index.offsets(for: source, number)
    }

    /// Looks whether there is a summary by now.
    private mutating func learn(_ segment: SegmentID, end: Position) throws(LogError) {
        guard let coverage = try summary(of: segment, end: end)?.coverage() else { return }
        var map: [SourceEpoch: (place: Int, numbers: ClosedRange<Int64>)] = [:]
        for part in coverage { map[part.source] = (part.place, part.numbers) }
        sealed[segment.ordinal] = Sealed(segment: segment, coverage: map)
        scanned[segment.ordinal] = nil
    }

    private mutating func summary(of segment: SegmentID, end: Position) throws(LogError) -> SegmentSummary? {
        if let index = summaries.firstIndex(where: { $0.summary.segment == segment }) {
            summaries[index].lastUse = uses
            return summaries[index].summary
        }
        guard let summary = try files.summary(of: segment, end: end) else { return nil }
        if summaries.count >= LogLimits.summariesOpenMax,
            let oldest = summaries.indices.min(by: { summaries[$0].lastUse < summaries[$1].lastUse })
        {
            summaries.remove(at: oldest)
        }
        summaries.append((summary, uses))
        return summary
    }

    private static func frame(
        at offset: Int, in reading: SegmentReading
    ) throws(LogError) -> SegmentScan.Found {
        var parser = FrameParser(segmentSeed: reading.seed)
        let window = try reading.window(at: offset)
        guard case .whole(let header, let headerBytes, _) = parser.check(window, at: offset) else {
            throw LogError.damage(reading.path, at: offset, "there is no frame where an index has one")
        }
        let payload = offset + headerBytes..<offset + headerBytes + header.payloadBytes
        return SegmentScan.Found(header: header, offset: offset, payload: payload, window: window)
    }

    private mutating func reading(of segment: SegmentID) throws(LogError) -> SegmentReading {
        if let index = readings.firstIndex(where: { $0.reading.segment == segment }) {
            readings[index].lastUse = uses
            return readings[index].reading
        }
        let reading = try files.open(segment, cache: blocks, for: .apart)
        if readings.count >= LogLimits.windowsOpenMax,
            let oldest = readings.indices.min(by: { readings[$0].lastUse < readings[$1].lastUse })
        {
            readings.remove(at: oldest)
        }
        readings.append((reading, uses))
        return reading
    }
}

/// Where a frame is that holds an event or is about it.
package struct FramePlace {
    fileprivate let source: SourceEpoch
    fileprivate let number: Int64
    fileprivate let segment: SegmentID
    fileprivate let offset: Int
    /// Where it is not known to be on disk.
    fileprivate let group: FrameGroup?
}

/// A frame that holds an event or is about it.
package struct FoundFrame: Sendable {
    /// All of it: its neighbours are often asked for next.
    package let frame: LogFrame
    /// For kind `events` the line of that very event, else that of the ledger's own; without the newline.
    /// Valid as long as this value is.
    package let line: PaddedBytes

    package var header: FrameHeader { frame.header }
}
