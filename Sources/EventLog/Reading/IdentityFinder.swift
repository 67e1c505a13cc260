package import Events

/// Finds the frames that hold an event, or are about it, by its identity, anywhere in the durable log.
///
/// For telling a duplicate from a conflict, however long ago the first one came. It sees what is durable:
/// what still lies in a group has to be committed first. One thread uses a finder.
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
    /// Knows the frames of the live segment, where this process writes the log.
    private let writer: LogWriter?
    private let blocks = BlockCache()
    private var replacements = 0
    private var sealed: [UInt32: Sealed] = [:]
    private var scanned: [UInt32: Scanned] = [:]
    private var summaries: [(summary: SegmentSummary, lastUse: Int)] = []
    private var readings: [(reading: SegmentReading, lastUse: Int)] = []
    private var uses = 0

    init(files: LogFiles, writer: LogWriter?) {
        self.files = files
        self.writer = writer
    }

    /// Every frame that holds this event or is about it, in the order of the log: the frame of kind `events`
    /// with it, or the `rejected` that stands for it, and any conflicts and gaps. Empty where the log has
    /// none.
    ///
    /// - Throws: `damaged`.
    package mutating func frames(
        for source: SourceEpoch, _ sequence: SequenceNumber
    ) throws(LogError) -> [FoundFrame] {
        let durable = files.durable.next
        let list = files.list
        var found: [FoundFrame] = []
        uses += 1
        forgetReplaced()
        for (index, segment) in list.enumerated() where segment.first < durable {
            let end = index + 1 < list.count ? list[index + 1].first : nil
            let offsets = try offsets(in: segment, end: end, durable: durable, source, sequence.rawValue)
            for offset in offsets {
                found.append(try frame(at: offset, in: segment, source, sequence.rawValue))
            }
        }
        return found
    }

    /// Lets go of plain files that compressed ones stand for by now, so that the disk has their space back.
    private mutating func forgetReplaced() {
        let replacements = files.replacements
        if replacements == self.replacements { return }
        self.replacements = replacements
        readings.removeAll { files.isOutdated($0.reading) }
        scanned = scanned.filter { !files.isOutdated($0.value.scan.reading) }
    }

    private mutating func offsets(
        in segment: SegmentID, end: Position?, durable: Position, _ source: SourceEpoch, _ number: Int64
    ) throws(LogError) -> [Int] {
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
        if end == nil, let offsets = writer?.offsets(in: segment, for: source, number) { return offsets }
        var scanned: Scanned
        if let known = self.scanned.removeValue(forKey: segment.ordinal) {
            scanned = known
        } else {
            scanned = Scanned(scan: SegmentScan(try files.open(segment, cache: blocks, isReadOnce: true)))
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

    private mutating func frame(
        at offset: Int, in segment: SegmentID, _ source: SourceEpoch, _ number: Int64
    ) throws(LogError) -> FoundFrame {
        let reading = try reading(of: segment)
        var parser = FrameParser(segmentSeed: reading.seed)
        let window = try reading.window(at: offset)
        guard case .whole(let header, let headerBytes, _) = parser.check(window, at: offset) else {
            throw LogError.damage(reading.path, at: offset, "there is no frame where an index has one")
        }
        let payload = offset + headerBytes..<offset + headerBytes + header.payloadBytes
        let found = SegmentScan.Found(header: header, offset: offset, payload: payload, window: window)
        var cursor = LineCursor(found)
        let isOwn = header.source == source && header.kind == .events
        let first = header.firstSequence.rawValue
        guard !isOwn || (first <= number && number < first + Int64(header.count)),
            let line = cursor.line(isOwn ? Int(number - first) : 0)
        else {
            throw LogError.damage(reading.path, at: offset, "a frame has fewer lines than it says")
        }
        return FoundFrame(frame: LogFrame(found), line: window.bytes(line))
    }

    private mutating func reading(of segment: SegmentID) throws(LogError) -> SegmentReading {
        if let index = readings.firstIndex(where: { $0.reading.segment == segment }) {
            readings[index].lastUse = uses
            return readings[index].reading
        }
        let reading = try files.open(segment, cache: blocks)
        if readings.count >= LogLimits.windowsOpenMax,
            let oldest = readings.indices.min(by: { readings[$0].lastUse < readings[$1].lastUse })
        {
            readings.remove(at: oldest)
        }
        readings.append((reading, uses))
        return reading
    }
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
