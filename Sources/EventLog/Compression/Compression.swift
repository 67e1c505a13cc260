internal import Synchronization

/// Compresses sealed segments, the oldest first, on a thread of its own that everybody else goes before.
///
/// Whatever goes wrong, the plain segment stays and the log goes on with it.
final class Compression: Sendable {
    private let files: LogFiles
    private let space: SegmentSpace
    private let options: CompressionOptions?
    private let notify: @Sendable (LogNotice) -> Void
    private let processorTimes: (@Sendable () -> ProcessorWait.Times?)?
    private let pauseMilliseconds: ClosedRange<Int>
    /// A segment that is sealed, plain, and has its summary; and how fast the log grew while it was filled,
    /// in bytes a second, 0 where a process before has filled it.
    private struct Waiting {
        let segment: SegmentID
        var growth = 0
    }

    private let pending: Mutex<[Waiting]>
    /// When the last one was added, and how long the log was.
    private let added: Mutex<(at: ContinuousClock.Instant, bytes: Int)>
    private let thread = Mutex<BackgroundThread?>(nil)
    private let isStopping = Atomic<Bool>(false)
    private let hasMore = Atomic<Bool>(true)
    private let isHeldUp = Atomic<Bool>(false)
    private let bell = Doorbell()

    /// Throws away what a process before has left half made.
    ///
    /// - Parameters:
    ///   - names: what the log's directory holds.
    ///   - waiting: segments that will be added once they have a summary.
    init(
        _ files: LogFiles, space: SegmentSpace, options: LogOptions, names: [String],
        waiting: Set<SegmentID>
    ) throws(LogError) {
        self.files = files
        self.space = space
        self.options = options.compression
        notify = options.notify
        processorTimes = options.processorTimes
        pauseMilliseconds = options.compressionPauseMilliseconds
        added = Mutex((.now, space.logBytes))
        let names = Set(names)
        for name in names where name.hasSuffix(SegmentID.compressedSuffix + ".new") {
            try files.storage.remove(files.directory + "/" + name)
        }
        pending = Mutex(
            files.list.dropLast().filter { names.contains($0.fileName) && !waiting.contains($0) }
                .map { Waiting(segment: $0) })
    }

    /// Whether segments stay plain for now: the log grows too fast, or they always do.
    var leavesPlain: Bool { options == nil || isHeldUp.load(ordering: .relaxed) }

    /// Whether segments wait to be compressed on a disk that has little room for it.
    var lacksRoom: Bool {
        guard options != nil, pending.withLock({ !$0.isEmpty }) else { return false }
        // What stays free where a segment is made is more than that where segments are large.
        let roomMin = max(LogLimits.roomMin, 2 * space.roomLeft)
        return files.storage.room(at: files.directory).map { !$0.holds(roomMin) } ?? false
    }

    func add(_ segment: SegmentID) {
        let growth = added.withLock { added in
            let (now, bytes) = (ContinuousClock.Instant.now, space.logBytes)
            defer { added = (now, bytes) }
            return LogGrowth.bytesPerSecond(bytes - added.bytes, in: now - added.at)
        }
        pending.withLock { $0.append(Waiting(segment: segment, growth: growth)) }
        hasMore.store(true, ordering: .sequentiallyConsistent)
        bell.ring()
    }

    /// Compresses all that is there, on the calling thread.
    func run() throws(LogError) {
        guard let options else { return }
        while try step(options, mindsGrowth: false, while: { !isStopped }) {}
    }

    /// Compresses one segment. One that fails is left plain until the log is opened anew, but for a full
    /// disk, on which it may be tried again.
    ///
    /// - Parameters:
    ///   - mindsGrowth: whether one that was filled fast is compressed in haste.
    ///   - goesOn: is asked between two blocks.
    /// - Returns: false where there is none, or it was told to stop.
    private func step(
        _ options: CompressionOptions, mindsGrowth: Bool, while goesOn: () -> Bool
    ) throws(LogError) -> Bool {
        guard let waiting = pending.withLock(\.first) else { return false }
        let segment = waiting.segment
        let options = mindsGrowth ? options.whileGrowing(by: waiting.growth) : options
        var compressor = SegmentCompressor(files, segment, options)
        do throws(LogError) {
            guard let report = try compressor.replace(while: goesOn) else { return false }
            pending.withLock { $0.removeAll { $0.segment == segment } }
            notify(.compressed(report))
            return true
        } catch {
            if error.code != .noSpace { pending.withLock { $0.removeAll { $0.segment == segment } } }
            notify(error.code == .damaged ? .damaged(error) : .compressionFailed(error))
            throw error
        }
    }

    func start() {
        guard let options else { return }
        thread.withLock { thread in
            if thread == nil { thread = BackgroundThread(isUrgent: false) { self.loop(options) } }
        }
    }

    /// Waits until the thread has ended: at the latest when the block is done that it is at.
    func stop() {
        isStopping.store(true, ordering: .sequentiallyConsistent)
        bell.ring()
        let running = thread.withLock { $0.take() }
        running?.join()
    }

    private func rest(milliseconds: Int) {
        if milliseconds > 0 { bell.wait(atMost: .milliseconds(milliseconds)) { isStopped } }
    }

    private var isStopped: Bool { isStopping.load(ordering: .sequentiallyConsistent) }

    private func loop(_ options: CompressionOptions) {
        var growth = LogGrowth(space.logBytes)
        var processors = ProcessorWait()
        var pause = CompressionPause(segmentBytes: space.segmentBytes, milliseconds: pauseMilliseconds)
        while !isStopped {
            hasMore.store(false, ordering: .sequentiallyConsistent)
            var wait = Duration.seconds(3600)
            // The writer's next segment comes first: what compressing takes of a disk that is nearly full
            // must not be what intake stops for. Where there is no room for that segment, compressing is what
            // makes some.
            while !isStopped, pending.withLock({ !$0.isEmpty }) {
                guard space.isReady || space.failure?.code == .noSpace else {
                    wait = .seconds(1)
                    break
                }
                do throws(LogError) {
                    _ = try step(options, mindsGrowth: true) {
                        let times = if let processorTimes { processorTimes() } else { processors.next() }
                        // On a disk that is short of room what waits is what has to go.
                        if space.failure == nil, !lacksRoom {
                            rest(milliseconds: pause.after(times, segments: pending.withLock(\.count)))
                        }
                        // Where the log grows this fast, whoever takes events needs all there is.
                        while !isStopped {
                            isHeldUp.store(
                                growth.now(space.logBytes) > LogLimits.compressionGrowthMax,
                                ordering: .relaxed)
                            guard leavesPlain else { break }
                            rest(milliseconds: LogLimits.growthWatchMilliseconds)
                        }
                        return !isStopped
                    }
                } catch {
                    guard error.code == .noSpace else { continue }
                    wait = .seconds(LogLimits.compressionRetrySeconds)
                    break
                }
            }
            bell.wait(atMost: wait) { isStopped || hasMore.load(ordering: .sequentiallyConsistent) }
        }
    }
}
