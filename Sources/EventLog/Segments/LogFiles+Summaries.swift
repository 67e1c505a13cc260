internal import Events

extension LogFiles {
    /// A sealed segment's summary; null where there is none that is whole.
    func summary(of segment: SegmentID, end: Position) throws(LogError) -> SegmentSummary? {
        let file: any StorageFile
        do throws(LogError) {
            file = try storage.open(directory + "/" + segment.summaryName, .read)
        } catch {
            if error.code == .missing { return nil }
            throw error
        }
        let window = SegmentWindow(try file.map(try file.size()))
        guard let summary = SegmentSummary(window, of: segment, log: id), summary.end == end else {
            return nil
        }
        return summary
    }

    /// Puts a summary beside its segment; it gets its name once it is whole.
    func write(summary: [UInt8], of segment: SegmentID) throws(LogError) {
        let path = directory + "/" + segment.summaryName
        do throws(LogError) {
            let file = try storage.open(path + ".new", .make)
            try file.writeAll(summary, at: 0)
            try file.sync()
            try storage.rename(path + ".new", to: path)
        } catch {
            // The room that it takes may be what is missing; opening the log removes it too.
            try? storage.remove(path + ".new")
            throw error
        }
        try storage.syncDirectory(directory)
    }

    /// The table of sources as of the beginning of `list[index]`: from the last summary before it, and the
    /// segments from there on.
    ///
    /// - Returns: also the summaries that were made on the way, and how many frames that took.
    func table(
        before index: Int, in list: [SegmentID]
    ) throws(LogError) -> (table: SourceTable, made: [(segment: SegmentID, bytes: [UInt8])], frames: Int) {
        var table = SourceTable()
        var start = index
        while start > 0 {
            if let found = try summary(of: list[start - 1], end: list[start].first)?.table() {
                table = found
                break
            }
            start -= 1
        }
        var made: [(segment: SegmentID, bytes: [UInt8])] = []
        var frames = 0
        while start < index {
            let result = try SummaryBuilder.summarize(
                try open(list[start]), until: list[start + 1].first, log: id, table: table)
            table = result.table
            frames += result.frames
            made.append((list[start], result.bytes))
            start += 1
        }
        return (table, made, frames)
    }
}
