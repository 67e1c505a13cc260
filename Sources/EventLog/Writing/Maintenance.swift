internal import Synchronization

/// Does what may take a while beside the log, on a thread of its own: makes the next segment ready and writes
/// the summaries of sealed ones.
final class Maintenance: Sendable {
    private let files: LogFiles
    private let space: SegmentSpace
    private let marks: EndMarkWriter
    private let pending: Mutex<[Pending]>
    private let latest: Mutex<(segment: SegmentID, table: SourceTable)?>
    private let compression: Compression
    private let notify: @Sendable (LogNotice) -> Void
    private let troubleFound = Mutex<LogError?>(nil)
    private let thread = Mutex<BackgroundThread?>(nil)
    private let isStopping = Atomic<Bool>(false)
    private let isDue = Atomic<Bool>(false)
    private let bell = Doorbell()

    /// A segment that has no summary yet.
    private struct Pending: Sendable {
        let segment: SegmentID
        /// Null where a process before has filled it, and where too many wait.
        let sealed: SealedSegment?
    }

    /// - Parameters:
    ///   - pending: sealed segments without a summary.
    ///   - latest: the last sealed segment and the table as of its end.
    ///   - compression: is given each segment that has its summary.
    init(
        files: LogFiles, space: SegmentSpace, marks: EndMarkWriter, pending: [SegmentID],
        latest: (segment: SegmentID, table: SourceTable)?, compression: Compression,
        notify: @escaping @Sendable (LogNotice) -> Void
    ) {
        self.files = files
        self.space = space
        self.marks = marks
        self.pending = Mutex(pending.map { Pending(segment: $0, sealed: nil) })
        self.latest = Mutex(latest)
        self.compression = compression
        self.notify = notify
    }

    /// What is wrong with a sealed segment, where writing its summary found damage.
    var trouble: LogError? { troubleFound.withLock(\.self) }

    /// Says on disk how far the log is acknowledged.
    func mark() throws(LogError) {
        if let end = files.end { try marks.write(end) }
    }

    func add(_ sealed: SealedSegment) {
        pending.withLock { pending in
            let isKept = pending.count < LogLimits.summariesNotedMax
            pending.append(Pending(segment: sealed.end.segment, sealed: isKept ? sealed : nil))
        }
        isDue.store(true, ordering: .sequentiallyConsistent)
        bell.ring()
    }

    /// One round.
    ///
    /// - Parameter isPatient: to leave the disk to the log between two pieces.
    func run(isPatient: Bool = false) throws(LogError) {
        // A mark that is late bounds less, and nothing else.
        try? mark()
        var failure: LogError?
        do throws(LogError) {
            if isPatient { try space.prepare(pause: pause(hasTime:)) } else { try space.prepare() }
        } catch {
            // A segment that has its summary can be compressed, which makes room for the next.
            failure = error
        }
        while let next = pending.withLock(\.first) {
            do throws(LogError) {
                try summarize(next, isPatient: isPatient)
            } catch {
                if error.code == .noSpace { throw error }
                pending.withLock { _ = $0.removeFirst() }
                troubleFound.withLock { $0 = error }
                notify(.damaged(error))
                throw error
            }
            pending.withLock { _ = $0.removeFirst() }
            compression.add(next.segment)
        }
        if let failure { throw failure }
    }

    /// - Parameter isPatient: to leave the processor to whoever waits for it, now and then. Otherwise a sync
    ///   of the log that has ended may be noticed milliseconds later, once a slice of time is over. Where
    ///   segments are filled faster than this goes, no time is lost.
    private func summarize(_ next: Pending, isPatient: Bool) throws(LogError) {
        let segment = next.segment
        let pause = {
            guard isPatient, self.pending.withLock({ $0.count == 1 }) else { return }
            self.bell.wait(atMost: .microseconds(LogLimits.maintenancePauseMicroseconds)) {
                self.isStopping.load(ordering: .sequentiallyConsistent)
            }
        }
        if let sealed = next.sealed {
            try files.write(summary: sealed.encoded, of: segment)
            latest.withLock { $0 = (segment, sealed.summary.table) }
        } else {
            let found = try summaryOfFile(segment, pause)
            try files.write(summary: found.bytes, of: segment)
            latest.withLock { $0 = (segment, found.table) }
        }
        if compression.leavesPlain { yieldCache(of: segment, pause) }
    }

    private func summaryOfFile(
        _ segment: SegmentID, _ pause: () -> Void
    ) throws(LogError) -> (bytes: [UInt8], table: SourceTable) {
        guard let end = files.successor(of: segment)?.first else {
            preconditionFailure("a sealed segment has an heir")
        }
        let result = try SummaryBuilder.summarize(
            try files.open(segment, for: .once), until: end, log: files.id,
            table: try table(before: segment), pause: pause)
        return (result.bytes, result.table)
    }

    /// Where a log is written through the cache, who follows it has mostly read a sealed segment by now, and
    /// memory that has just come free is at hand when the log needs more: much sooner than such as a virtual
    /// machine has to ask its host for.
    private func yieldCache(of segment: SegmentID, _ pause: () -> Void) {
        let path = files.directory + "/" + segment.fileName
        // Advice only, and no reason to fail.
        guard let file = try? files.storage.open(path, .readPages), !file.isDirect,
            let size = try? file.size()
        else { return }
        for start in stride(from: 0, to: size, by: LogLimits.yieldedBytesMax) {
            file.yieldCache(start..<min(start + LogLimits.yieldedBytesMax, size))
            pause()
        }
    }

    /// The table as of a segment's beginning.
    private func table(before segment: SegmentID) throws(LogError) -> SourceTable {
        guard segment.ordinal > 1 else { return SourceTable() }
        let known = latest.withLock { latest in
            latest?.segment.ordinal == segment.ordinal - 1 ? latest?.table : nil
        }
        if let known { return known }
        let list = files.list
        return try files.table(before: Int(segment.ordinal - 1), in: list).table
    }

    /// Runs a round whenever a segment was sealed, and every second while something is missing, until `stop`.
    func start() {
        thread.withLock { thread in
            if thread == nil { thread = BackgroundThread(isUrgent: true) { self.loop() } }
        }
    }

    /// Waits until the thread has ended.
    func stop() {
        isStopping.store(true, ordering: .sequentiallyConsistent)
        bell.ring()
        let running = thread.withLock { $0.take() }
        running?.join()
    }

    /// - Returns: whether to go on.
    private func pause(hasTime: Bool) -> Bool {
        if hasTime {
            bell.wait(atMost: .milliseconds(1)) { isStopping.load(ordering: .sequentiallyConsistent) }
        }
        return !isStopping.load(ordering: .sequentiallyConsistent)
    }

    private func loop() {
        while !isStopping.load(ordering: .sequentiallyConsistent) {
            isDue.store(false, ordering: .sequentiallyConsistent)
            // What fails is kept in `trouble` and in `space`, and tried again.
            try? run(isPatient: true)
            bell.wait(atMost: .seconds(1)) {
                isDue.load(ordering: .sequentiallyConsistent)
                    || isStopping.load(ordering: .sequentiallyConsistent)
            }
        }
    }
}
