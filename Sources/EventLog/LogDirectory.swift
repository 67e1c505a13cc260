package import Events
internal import Synchronization

/// A log in its directory, `<data>/log`.
///
/// Opened for writing it is locked against other processes, and what a crash left torn is repaired. Opened
/// for reading only it takes no lock and repairs nothing, also while a service is writing.
package final class LogDirectory: Sendable {
    /// The log's identity.
    package let id: LogID
    /// `<data>/log`
    package let path: String
    /// What the log has of every source, as of opening.
    package let sources: SourceTable
    /// Where the first group begins: the end of the log as it was opened.
    package let tail: LogTail
    /// What opening found and did.
    package let recovery: RecoveryReport
    let files: LogFiles
    private let segmentBytes: Int
    private let writing: Writing?
    private let follower: TailFollower

    /// What goes with a log that is open for writing.
    struct Writing: Sendable {
        let writer: LogWriter
        let space: SegmentSpace
        let maintenance: Maintenance
        let compression: Compression
        let lock: LockHolder
    }

    init(
        files: LogFiles, sources: SourceTable, tail: LogTail, recovery: RecoveryReport, segmentBytes: Int,
        writing: Writing?
    ) {
        id = files.id
        path = files.directory
        self.files = files
        self.sources = sources
        self.tail = tail
        self.recovery = recovery
        self.segmentBytes = segmentBytes
        self.writing = writing
        follower = TailFollower(files: files, tail: tail)
    }

    /// How far the log is on disk. Where it is open for reading only: how far it was when somebody last
    /// looked.
    package var durable: DurablePosition { files.durable }

    package var isReadOnly: Bool { writing == nil }

    /// The writer; there is one.
    package var writer: LogWriter {
        guard let writing else { preconditionFailure("the log is open for reading only") }
        return writing.writer
    }

    /// Whether the log takes more: not while there is no space for the next segment, and not once it is
    /// poisoned.
    package var intake: LogIntake {
        guard let writing else { preconditionFailure("the log is open for reading only") }
        if let failure = writing.writer.failure ?? writing.space.failure { return .closed(failure) }
        return .open
    }

    /// Whether the disk has so little room that whoever writes beside the log had better wait until segments
    /// are compressed: what it takes is what that needs to make more.
    package var lacksRoom: Bool { writing?.compression.lacksRoom ?? false }

    /// Damage in a sealed segment that was found while its summary was written.
    package var trouble: LogError? { writing?.maintenance.trouble }

    /// A group that begins at the end of the log as it was opened; `begin(at:)` puts it elsewhere.
    package func makeGroup(capacity: Int = LogLimits.groupBytesMax) -> FrameGroup {
        FrameGroup(log: id, tail: tail, segmentBytesNew: segmentBytes, capacity: capacity)
    }

    /// - Parameters:
    ///   - position: any from `Position.first` to `durable.next`.
    ///   - isReadOnce: whether it is read as it is written, by the process that writes it, and the system's
    ///     cache is to be left to others.
    package func reader(
        from position: Position = .first, isReadOnce: Bool = false
    ) throws(LogError) -> LogReader {
        try LogReader(files: files, from: position, isReadOnce: isReadOnce)
    }

    package func fetcher() -> EventFetcher {
        EventFetcher(files: files)
    }

    package func finder() -> IdentityFinder {
        IdentityFinder(files: files, writer: writing?.writer)
    }

    /// Blocks until an event at `position` is durable, the log is closed, or the time is over; in a log that
    /// is open for reading only, by looking at the files. Not for the cooperative pool.
    ///
    /// - Returns: the position that the next durable event will have.
    @discardableResult
    package func wait(for position: Position, atMost limit: Duration) throws(LogError) -> Position {
        guard isReadOnly else { return files.durable.wait(for: position, atMost: limit) }
        let clock = ContinuousClock()
        let deadline = clock.now.advanced(by: limit)
        while true {
            if try follower.look() > position { break }
            let left = clock.now.duration(to: deadline)
            if left <= .zero { break }
            files.durable.wait(for: position, atMost: min(left, .milliseconds(20)))
        }
        return files.durable.next
    }

    /// Makes the next segment ready, writes the summaries of sealed ones, and compresses them, on threads of
    /// its own, until `close`.
    package func startMaintenance() {
        writing?.maintenance.start()
        writing?.compression.start()
    }

    /// Compresses every sealed segment that is plain and has a summary, on the calling thread; nothing where
    /// the options leave compression off.
    ///
    /// - Throws: `noSpace`, `damaged` and others at the first segment that it fails with; that one stays
    ///   plain.
    package func compress() throws(LogError) {
        try writing?.compression.run()
    }

    /// What the segments take on disk.
    ///
    /// - Throws: `damaged` where a compressed segment's header is, `system`.
    package func usage() throws(LogError) -> LogUsage {
        try files.usage()
    }

    /// One round of making ready and summarizing, on the calling thread.
    ///
    /// - Throws: `noSpace` where the disk is full: `intake` stays closed until a round succeeds.
    package func maintain() throws(LogError) {
        try writing?.maintenance.run()
    }

    /// Ends maintenance, wakes followers, and gives up the lock. Groups that were not committed are lost.
    package func close() {
        writing?.maintenance.stop()
        writing?.compression.stop()
        // Derived: what it bounds is on disk.
        try? writing?.maintenance.mark()
        files.durable.close()
        writing?.lock.release()
    }
}

/// Whether the log can take more.
package enum LogIntake: Hashable, Sendable {
    case open
    /// No space for the next segment, or the log is poisoned: grant no credit until it is open again.
    case closed(LogError)
}

/// Holds the lock until it is told not to.
final class LockHolder: Sendable {
    private let lock: Mutex<(any StorageLock)?>

    init(_ lock: any StorageLock) {
        self.lock = Mutex(lock)
    }

    func release() {
        lock.withLock { $0 = nil }
    }
}
