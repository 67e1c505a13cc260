internal import Events

extension LogDirectory {
    private static let lockName = "lock"
    private static let identityNewName = LogIdentityFile.name + ".new"

    /// Opens the log of a data directory for writing, or makes one. Locks it, recovers it, and finds out what
    /// it has of every source.
    ///
    /// - Parameter data: the data directory; it is made where it is missing, its parent isn't.
    /// - Throws: `locked`, `notALog`, `damaged` with file and offset, `versionUnknown`, `noSpace`, `system`.
    package static func open(
        _ data: String, options: LogOptions = LogOptions(), storage: any Storage = DiskStorage()
    ) throws(LogError) -> LogDirectory {
        try options.check()
        let directory = data + "/log"
        try checkOrMakeDirectory(data, directory, neighbours: options.neighbours, storage: storage)
        let lock = LockHolder(try storage.lock(directory + "/" + lockName))
        let id = try readOrMakeIdentity(directory, options: options, storage: storage)
        let found = try Findings(directory, id: id, storage: storage)
        let space = SegmentSpace(
            storage: storage, directory: directory, id: id, segmentBytes: options.segmentBytes)
        try space.adopt(found.names)
        let list = found.files.list
        let live = found.tail.segment
        for made in found.made { try? found.files.write(summary: made.bytes, of: made.segment) }
        let path = directory + "/" + live.fileName
        let file = try storage.open(path, .write)
        let dropped = try found.scan.repair(file)
        let tail = found.tail
        let edgeBytes = tail.offset % LogLimits.pageBytes
        let edge = try file.read(edgeBytes, at: tail.offset - edgeBytes)
        found.files.publish(end: tail)
        let known = Set(found.names)
        let marks = EndMarkWriter(files: found.files)
        let unsummarized = list.dropLast().filter { segment in
            !known.contains(segment.summaryName) && !found.made.contains { $0.segment == segment }
        }
        let compression = try Compression(
            found.files, space: space, options: options, names: found.names,
            waiting: Set(unsummarized))
        let maintenance = Maintenance(
            files: found.files, space: space, marks: marks, pending: unsummarized,
            latest: list.dropLast().last.map { ($0, found.sealedTable) }, compression: compression,
            notify: options.notify)
        let writer = LogWriter(
            files: found.files, space: space, tail: tail, file: try storage.open(path, .writePages),
            edge: edge,
            summary: found.summary, sealed: maintenance.add)
        let recovery = RecoveryReport(
            path: path, offset: tail.offset, droppedBytes: dropped, framesRead: found.frames)
        return LogDirectory(
            files: found.files, sources: found.summary.table, tail: tail, recovery: recovery,
            segmentBytes: options.segmentBytes,
            writing: Writing(
                writer: writer, space: space, maintenance: maintenance, compression: compression, lock: lock))
    }

    /// Opens the log of a data directory for reading; a service may be writing it. Changes nothing.
    ///
    /// - Throws: `missing`, `notALog`, `damaged` with file and offset, `versionUnknown`, `system`.
    package static func openReadOnly(
        _ data: String, storage: any Storage = DiskStorage()
    ) throws(LogError) -> LogDirectory {
        let directory = data + "/log"
        guard let names = try storage.entries(of: directory) else {
            throw LogError(
                .missing, path: directory,
                "There is no log here. Check the data directory, or start `tollbook serve` to make one.")
        }
        guard names.contains(LogIdentityFile.name) else { throw foreign(directory, names) }
        let id = try LogIdentityFile.read(try storage.open(directory + "/" + LogIdentityFile.name, .read))
        let found = try Findings(directory, id: id, storage: storage)
        found.files.durable.publish(next: found.tail.next)
        let recovery = RecoveryReport(
            path: directory + "/" + found.tail.segment.fileName, offset: found.tail.offset, droppedBytes: 0,
            framesRead: found.frames)
        return LogDirectory(
            files: found.files, sources: found.summary.table, tail: found.tail, recovery: recovery,
            segmentBytes: found.tail.segmentBytes, writing: nil)
    }

    /// What there is: read, and nothing changed.
    private struct Findings {
        let files: LogFiles
        let names: [String]
        let sealedTable: SourceTable
        /// Of what the live segment has.
        let summary: SummaryBuilder
        let made: [(segment: SegmentID, bytes: [UInt8])]
        let scan: TailScan
        let tail: LogTail
        let frames: Int

        /// - Parameter storage: is listed after the mark was read, since a writer may go on meanwhile.
        init(_ directory: String, id: LogID, storage: any Storage) throws(LogError) {
            files = LogFiles(storage: storage, directory: directory, id: id, segments: [], next: .first)
            let mark = try EndMark.read(files)
            let (names, live, reading) = try Self.findLive(files)
            self.names = names
            let list = files.list
            let sealed = try files.table(before: list.count - 1, in: list)
            sealedTable = sealed.table
            made = sealed.made
            var summary = SummaryBuilder(log: id, segment: live, table: sealed.table)
            var frames = sealed.frames
            scan = try TailScan(reading) { found in
                summary.add(found.header, at: found.offset)
                frames += 1
            }
            self.summary = summary
            self.frames = frames
            tail = LogTail(
                segment: live, offset: scan.end, segmentBytes: reading.segmentBytes, next: scan.next)
            try mark?.check(tail, in: files)
        }

        /// Looks for the segments, and opens the live one. A writer that goes on meanwhile may have sealed
        /// and even compressed the one that was live at the look: then there is another.
        private static func findLive(
            _ files: LogFiles
        ) throws(LogError) -> (names: [String], live: SegmentID, reading: SegmentReading) {
            var before: SegmentID?
            while true {
                let looked = try LogFiles.look(at: files.directory, in: files.storage)
                files.replaceList(looked.segments)
                guard let live = looked.segments.last else {
                    throw LogError.damage(files.directory, at: 0, "the log has an identity but no segment")
                }
                let reading = try files.open(live)
                if reading.compressed == nil { return (looked.names, live, reading) }
                guard live != before else {
                    throw LogError.damage(
                        files.directory, at: 0,
                        "the live segment is missing: the last one there, \(live), is a sealed one")
                }
                before = live
            }
        }
    }

    private static func checkOrMakeDirectory(
        _ data: String, _ directory: String, neighbours: Set<String>, storage: any Storage
    ) throws(LogError) {
        if let names = try storage.entries(of: directory) {
            let isOurs = names.contains(LogIdentityFile.name) || names.contains(identityNewName)
            if !isOurs, names.contains(where: { $0 != lockName }) { throw foreign(directory, names) }
            return
        }
        if let names = try storage.entries(of: data) {
            let strangers = names.filter { !neighbours.contains($0) }
            if !strangers.isEmpty { throw foreign(data, strangers) }
        } else {
            try storage.makeDirectory(data)
        }
        try storage.makeDirectory(directory)
    }

    private static func foreign(_ path: String, _ names: [String]) -> LogError {
        if names.contains(where: { SegmentID(anyFileName: $0) != nil }) {
            return LogError.damage(path, at: 0, "the file `\(LogIdentityFile.name)` is missing")
        }
        let example = names.min().map { " (it holds `\($0)`)" } ?? ""
        return LogError(
            .notALog, path: path,
            "This is not a Tollbook log\(example), and nothing was changed. Name another data directory, or an empty one."
        )
    }

    /// The identity gets its name after the first segment has got its own: a log with an identity has a
    /// segment.
    private static func readOrMakeIdentity(
        _ directory: String, options: LogOptions, storage: any Storage
    ) throws(LogError) -> LogID {
        let path = directory + "/" + LogIdentityFile.name
        let names = try storage.entries(of: directory) ?? []
        if names.contains(LogIdentityFile.name) {
            return try LogIdentityFile.read(try storage.open(path, .read))
        }
        // An earlier process may have got as far as the segment; then its half-made identity is whole.
        var id = options.makeID()
        let first = SegmentID(ordinal: 1, first: .first)
        if names.contains(first.fileName) {
            id = try LogIdentityFile.read(try storage.open(path + ".new", .read))
        } else {
            let file = try storage.open(path + ".new", .make)
            try file.writeAll(LogIdentityFile.encoded(id), at: 0)
            try file.sync()
            try storage.syncDirectory(directory)
            // Small, so that it is zeroed at once, and the next one is ready before it is full.
            let space = SegmentSpace(
                storage: storage, directory: directory, id: id,
                segmentBytes: min(options.segmentBytes, LogLimits.firstSegmentBytesMax))
            try space.prepare()
            _ = try space.makeSegment(first)
        }
        try storage.rename(path + ".new", to: path)
        try storage.syncDirectory(directory)
        return id
    }
}
