internal import Events

/// Makes a segment's summary of its frames: as they are written, or of those that are there.
struct SummaryBuilder: Sendable {
    private let log: LogID
    let segment: SegmentID
    private(set) var table: SourceTable
    var index = IdentityIndex()
    private var sparse = SparseIndex()

    /// - Parameter table: as of the end of the segment before.
    init(log: LogID, segment: SegmentID, table: SourceTable) {
        self.log = log
        self.segment = segment
        self.table = table
    }

    /// Reads a sealed segment up to its end.
    ///
    /// - Parameter pause: called now and then on the way.
    static func summarize(
        _ reading: SegmentReading, until end: Position, log: LogID, table: SourceTable,
        pause: () -> Void = {}
    ) throws(LogError) -> (bytes: [UInt8], table: SourceTable, frames: Int) {
        var builder = SummaryBuilder(log: log, segment: reading.segment, table: table)
        var scan = SegmentScan(reading)
        var frames = 0
        var paused = scan.offset
        while let found = try scan.frame(before: end) {
            builder.add(found.header, at: found.offset)
            frames += 1
            if scan.offset - paused >= LogLimits.summarizedBytesMax {
                paused = scan.offset
                pause()
            }
        }
        return (builder.encoded(end: scan.next, endOffset: scan.offset), builder.table, frames)
    }

    mutating func add(_ header: FrameHeader, at offset: Int) {
        table.record(header)
        index.add(header, at: offset)
        sparse.add(header.position, at: offset)
    }

    func encoded(end: Position, endOffset: Int) -> [UInt8] {
        var writer = ByteWriter()
        writer.pad(to: SegmentSummary.headerBytes)
        let keys = table.sources
        let ranks = Dictionary(uniqueKeysWithValues: keys.enumerated().map { ($1, $0) })
        for key in keys { Self.put(table.state(of: key), of: key, to: &writer) }
        let placesOffset = writer.bytes.count
        let places = index.keys.indices.sorted { index.keys[$0] < index.keys[$1] }
        let lists = places.map { place in
            let lists = index.lists[place]
            return [lists.runs.all, lists.rejected.all, lists.gaps]
        }
        var entryCount = 0
        for (place, parts) in zip(places, lists) {
            writer.put(UInt32(ranks[index.keys[place]]!))
            writer.put(UInt32(entryCount))
            for part in parts { writer.put(UInt32(part.count)) }
            writer.align()
            writer.put(UInt64(0))
            writer.put(parts.compactMap { $0.lazy.map(\.first).min() }.min() ?? 1)
            writer.put(parts.compactMap { $0.lazy.map(\.last).max() }.max() ?? 1)
            for part in parts { entryCount += part.count }
        }
        let entriesOffset = writer.bytes.count
        writer.reserve(24 * entryCount + 16 * sparse.entries.count)
        for parts in lists {
            for part in parts { Self.put(part, to: &writer) }
        }
        let sparseOffset = writer.bytes.count
        for entry in sparse.entries {
            writer.put(entry.position.rawValue)
            writer.put(UInt64(entry.offset))
        }
        var header = ByteWriter()
        header.put(SegmentSummary.magic)
        header.put(SegmentSummary.version)
        header.put(UInt32(SegmentSummary.headerBytes))
        header.put(UInt64(0))
        header.put(UInt64(writer.bytes.count))
        header.put(log.high)
        header.put(log.low)
        header.put(UInt64(segment.ordinal))
        header.put(segment.first.rawValue)
        header.put(end.rawValue)
        for number in [
            endOffset, keys.count, placesOffset, places.count, entriesOffset, entryCount, sparseOffset,
            sparse.entries.count,
        ] {
            header.put(UInt32(number))
        }
        header.pad(to: SegmentSummary.headerBytes)
        writer.replace(at: 0, with: header.bytes)
        var checksum = ByteWriter()
        checksum.put(writer.bytes.xxh3(from: 24))
        writer.replace(at: 16, with: checksum.bytes)
        return writer.bytes
    }

    private static func put(_ entries: [IdentityEntry], to writer: inout ByteWriter) {
        for entry in entries {
            writer.put(entry.first)
            writer.put(entry.last)
            writer.put(UInt64(entry.offset))
        }
    }

    private static func put(_ state: SourceState, of key: SourceEpoch, to writer: inout ByteWriter) {
        let present = state.present.runs
        let declared = state.declared.runs
        writer.put(key.source.length)
        writer.align4()
        writer.put(UInt32(present.count))
        writer.put(UInt32(declared.count))
        writer.align()
        writer.put(key.epoch.rawValue)
        for index in 0..<Int(key.source.length) { writer.put(key.source.bytes[index]) }
        writer.align()
        for run in present + declared {
            writer.put(run.first)
            writer.put(run.last)
        }
    }
}
