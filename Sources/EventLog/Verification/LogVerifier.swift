internal import Events

/// Reads the whole log and holds everything against everything: headers, checksums, positions, lines,
/// identities, summaries.
package struct LogVerifier {
    /// What was there.
    package struct Report: Hashable, Sendable {
        package var segments = 0
        package var frames = 0
        package var events: UInt64 = 0
        /// Bytes that were read.
        package var bytes = 0
        /// Summaries that are missing or don't say what their segments do. Nothing is lost by that: the log
        /// is slower until they are made anew, which removing them brings about.
        package var badSummaries: [String] = []
    }

    private let files: LogFiles

    package init(_ log: LogDirectory) {
        files = log.files
    }

    /// - Parameter progress: is told how many bytes of how many are done, every few megabytes.
    /// - Throws: `damaged` at the first place that is not as it was written, with file and offset.
    package func run(progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }) throws(LogError) -> Report {
        var report = Report()
        var table = SourceTable()
        let durable = files.durable.next
        let list = files.list.filter { $0.first <= durable }
        var total = 0
        for segment in list {
            total += try files.storage.open(files.directory + "/" + segment.fileName, .read).size()
        }
        var done = 0
        for (index, segment) in list.enumerated() {
            let successor = index + 1 < list.count ? list[index + 1].first : nil
            let reading = try files.open(segment)
            var builder = SummaryBuilder(log: files.id, segment: segment, table: table)
            var scan = SegmentScan(reading)
            var told = 0
            while let found = try scan.frame(before: successor ?? durable) {
                try check(found, against: builder.table, in: reading)
                builder.add(found)
                report.frames += 1
                report.events += UInt64(found.header.count)
                if scan.offset - told >= 4 << 20 {
                    told = scan.offset
                    progress(done + told, total)
                }
            }
            table = builder.table
            report.segments += 1
            report.bytes += scan.offset
            if let successor {
                guard scan.next == successor else { throw scan.damage("the segment goes on beyond its end") }
                try checkEmpty(reading, from: scan.offset)
                let path = files.directory + "/" + segment.summaryName
                let summary = try bytes(of: path)
                if summary != builder.encoded(end: scan.next, endOffset: scan.offset) {
                    report.badSummaries.append(path)
                }
            }
            done += reading.segmentBytes
            progress(min(done, total), total)
        }
        return report
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

    /// What lies behind the last frame of a sealed segment was never written.
    private func checkEmpty(_ reading: SegmentReading, from start: Int) throws(LogError) {
        var offset = start
        while offset < reading.segmentBytes {
            let window = try reading.window(at: offset)
            let upper = min((offset / 4096 + 1) * 4096, window.range.upperBound)
            guard window.isZero(offset..<upper) else {
                throw LogError.damage(
                    reading.path, at: offset, "something lies behind the segment's last frame")
            }
            offset = upper
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
