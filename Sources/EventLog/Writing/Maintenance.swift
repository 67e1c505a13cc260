internal import Synchronization

/// Does what may take a while beside the log, on a thread of its own: makes the next segment ready and writes
/// the summaries of sealed ones.
final class Maintenance: Sendable {
    private let files: LogFiles
    private let space: SegmentSpace
    private let marks: EndMarkWriter
    private let tail = Mutex<(@Sendable () -> LogTail?)?>(nil)
    private let pending: Mutex<[SegmentID]>
    private let latest: Mutex<(segment: SegmentID, table: SourceTable)?>
    private let compression: Compression
    private let notify: @Sendable (LogNotice) -> Void
    private let troubleFound = Mutex<LogError?>(nil)
    private let thread = Mutex<BackgroundThread?>(nil)
    private let isStopping = Atomic<Bool>(false)
    private let isDue = Atomic<Bool>(false)
    private let bell = Doorbell()

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
        self.pending = Mutex(pending)
        self.latest = Mutex(latest)
        self.compression = compression
        self.notify = notify
    }

    /// What is wrong with a sealed segment, where writing its summary found damage.
    var trouble: LogError? { troubleFound.withLock(\.self) }

    /// Has the end mark follow what this writer has made durable.
    func watch(_ writer: LogWriter) {
        // The writer holds on to this object already.
        tail.withLock { $0 = { [weak writer] in writer?.tail } }
    }

    /// Says on disk how far the log is acknowledged.
    func mark() throws(LogError) {
        if let end = tail.withLock(\.self)?() { try marks.write(end) }
    }

    func add(_ sealed: SegmentID) {
        pending.withLock { $0.append(sealed) }
        isDue.store(true, ordering: .sequentiallyConsistent)
        bell.ring()
    }

    /// One round.
    ///
    /// - Parameter isPatient: to leave the disk to the log between two pieces.
    func run(isPatient: Bool = false) throws(LogError) {
        // A mark that is late bounds less, and nothing else.
        try? mark()
        if isPatient { try space.prepare(pause: pause(hasTime:)) } else { try space.prepare() }
        while let segment = pending.withLock(\.first) {
            do throws(LogError) {
                try summarize(segment, isPatient: isPatient)
            } catch {
                if error.code == .noSpace { throw error }
                pending.withLock { _ = $0.removeFirst() }
                troubleFound.withLock { $0 = error }
                notify(.damaged(error))
                throw error
            }
            pending.withLock { _ = $0.removeFirst() }
            compression.add(segment)
        }
    }

    /// - Parameter isPatient: to leave the processor to whoever waits for it, now and then. Otherwise a sync
    ///   of the log that has ended may be noticed milliseconds later, once a slice of time is over. Where
    ///   segments are filled faster than this goes, no time is lost.
    private func summarize(_ segment: SegmentID, isPatient: Bool) throws(LogError) {
        guard let end = files.successor(of: segment)?.first else {
            preconditionFailure("a sealed segment has an heir")
        }
        let pause = {
            guard isPatient, self.pending.withLock({ $0.count == 1 }) else { return }
            self.bell.wait(atMost: .microseconds(LogLimits.maintenancePauseMicroseconds)) {
                self.isStopping.load(ordering: .sequentiallyConsistent)
            }
        }
        let result = try SummaryBuilder.summarize(
            try files.open(segment), until: end, log: files.id, table: try table(before: segment),
            pause: pause)
        try files.write(summary: result.bytes, of: segment)
        latest.withLock { $0 = (segment, result.table) }
        if compression.leavesPlain { yieldCache(of: segment, pause) }
    }

    /// Who follows the log has mostly read a sealed segment by now, and memory that has just come free is at
    /// hand when the log needs more: much sooner than such as a virtual machine has to ask its host for.
    private func yieldCache(of segment: SegmentID, _ pause: () -> Void) {
        let path = files.directory + "/" + segment.fileName
        // Advice only, and no reason to fail.
        guard let file = try? files.storage.open(path, .read), let size = try? file.size() else { return }
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
