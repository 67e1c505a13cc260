internal import Events

/// Reads the whole log and holds everything against everything: headers, checksums, positions, lines,
/// identities, summaries.
package struct LogVerifier {
    /// What was there.
    package struct Report: Hashable, Sendable {
        package var segments = 0
        package var frames = 0
        package var events: UInt64 = 0
        /// Bytes of the plain segments, up to the end of their frames.
        package var bytes = 0
        /// Segments that are compressed, each of which gave back its plain segment bit for bit.
        package var compressedSegments = 0
        /// What their files have.
        package var compressedBytes = 0
        /// Summaries that are missing or don't say what their segments do. Nothing is lost by that: the log
        /// is slower until they are made anew, which removing them brings about.
        package var badSummaries: [String] = []
    }

    private let files: LogFiles

    package init(_ log: LogDirectory) {
        files = log.files
    }

    /// - Parameter progress: is told how many bytes of how many are done, every few megabytes; those of the
    ///   plain segments, also where they are compressed.
    /// - Throws: `damaged` at the first place that is not as it was written, with file and offset.
    package func run(progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }) throws(LogError) -> Report {
        var report = Report()
        var table = SourceTable()
        let durable = files.durable.next
        let list = files.list.filter { $0.first <= durable }
        var total = 0
        for segment in list { total += try files.extent(of: segment).plainBytes }
        var done = 0
        for (index, segment) in list.enumerated() {
            let successor = index + 1 < list.count ? list[index + 1].first : nil
            let reading = try files.open(segment)
            table = try check(reading, successor: successor, durable: durable, table, &report) { offset in
                progress(min(done + offset, total), total)
            }
            done += reading.segmentBytes
            progress(min(done, total), total)
        }
        return report
    }

    /// - Parameters:
    ///   - successor: where the next segment begins; null in the live one.
    ///   - table: as of the segment's beginning.
    /// - Returns: the table as of its end.
    private func check(
        _ reading: SegmentReading, successor: Position?, durable: Position, _ table: SourceTable,
        _ report: inout Report, progress: (_ offset: Int) -> Void
    ) throws(LogError) -> SourceTable {
        var builder = SummaryBuilder(log: files.id, segment: reading.segment, table: table)
        var scan = SegmentScan(reading)
        var plain = PlainCheck()
        var told = 0
        while let found = try scan.frame(before: successor ?? durable) {
            if reading.compressed != nil { plain.add(found.window) }
            try check(found, against: builder.table, in: reading)
            builder.add(found.header, at: found.offset)
            report.frames += 1
            report.events += UInt64(found.header.count)
            if scan.offset - told >= 4 << 20 {
                told = scan.offset
                progress(told)
            }
        }
        report.segments += 1
        report.bytes += scan.offset
        guard let successor else { return builder.table }
        guard scan.next == successor else { throw scan.damage("the segment goes on beyond its end") }
        try reading.checkZeros(from: scan.offset)
        if let compressed = reading.compressed {
            try plain.finish(reading, compressed, end: scan.next, endOffset: scan.offset)
            report.compressedSegments += 1
            report.compressedBytes += compressed.fileBytes
        }
        let path = files.directory + "/" + reading.segment.summaryName
        if try bytes(of: path) != builder.encoded(end: scan.next, endOffset: scan.offset) {
            report.badSummaries.append(path)
        }
        return builder.table
    }

    private func check(
        _ found: SegmentScan.Found, against table: SourceTable, in reading: SegmentReading
    ) throws(LogError) {
        let header = found.header
        func fail(_ reason: String) -> LogError { LogError.damage(reading.path, at: found.offset, reason) }
        let lines = found.window.lineCount(found.payload)
        guard lines == header.count, found.window.load(at: found.payload.upperBound - 1) == UInt8(0x0A) else {
            throw fail("a frame says it has \(header.count) events and has \(lines) lines")
        }
        let present = table.presentCount(header.source, first: header.firstSequence, count: header.count)
        guard present == 0 else {
            throw fail(
                "\(present) events of source \(header.source.source), epoch \(header.source.epoch.rawValue), "
                    + "from number \(header.firstSequence.rawValue) on, are in the log twice")
        }
        // A conflict may stand before what it conflicts with, where an import brought it in that order.
        guard let subject = header.subject, header.kind == .rejected, !subject.isConflict else { return }
        guard !table.contains(subject.source, subject.first) else {
            throw fail("a rejection stands for a number that another frame stands for")
        }
    }

    private func bytes(of path: String) throws(LogError) -> [UInt8]? {
        do throws(LogError) {
            let file = try files.storage.open(path, .read)
            return try file.read(try file.size(), at: 0)
        } catch {
            if error.code == .missing { return nil }
            throw error
        }
    }
}

/// Holds the plain segment that a compressed one unpacks to against the hash of the one that it stands for.
private struct PlainCheck: ~Copyable {
    private var hash = HashStream()
    /// How far blocks were taken.
    private var end = 0

    /// Takes a block, unless it was taken before.
    mutating func add(_ window: SegmentWindow) {
        guard window.range.lowerBound == end else { return }
        hash.add(window, window.range)
        end = window.range.upperBound
    }

    /// Takes what is left, and compares.
    mutating func finish(
        _ reading: SegmentReading, _ compressed: CompressedSegment, end: Position, endOffset: Int
    ) throws(LogError) {
        while self.end < reading.segmentBytes { add(try reading.window(at: self.end)) }
        let header = compressed.header
        guard header.end == end, header.endOffset == endOffset else {
            throw LogError.damage(
                compressed.path, at: 56,
                "the compressed segment says it ends at position \(header.end), byte \(header.endOffset), and its "
                    + "frames end at \(end), byte \(endOffset)")
        }
        guard header.plainHash == hash.digest else {
            throw LogError.damage(
                compressed.path, at: 80,
                "the segment does not unpack to the plain one that it stands for: the hash of all of it differs"
            )
        }
    }
}
