package import EventLog
internal import Events
internal import Synchronization

/// Two groups of frames and the thread that writes them: while one is filled, the other is written and
/// synced.
///
/// The side that fills belongs to one thread. Handing over takes two atomic numbers and two event
/// descriptors: what was submitted, and what is durable. A single small frame that nothing waits behind is
/// written by the thread that fills.
@safe
package final class GroupPipe: @unchecked Sendable {
    // Safety: `filling`, `first` and `second` belong to the filling thread, but for the submitted group,
    // which is the writer's from `submitted.store` to `completed.store`, while the filling thread no more
    // than looks at its frames. A group that the filling thread writes itself is never seen as submitted and
    // not completed.
    private let log: LogDirectory
    private let first: FrameGroup
    private let second: FrameGroup
    /// The number of the group that is being filled.
    package private(set) var filling = GroupNumber(rawValue: 1)
    private var thread: OwnThread?
    /// Groups, however small, that are left to the writer, since the disk was slow just now: what the filling
    /// thread does not take meanwhile piles up in the sockets, and some of these drop what is too much.
    private var leftToWriter = 0

    private let submitted = Atomic<UInt64>(0)
    private let completed = Atomic<UInt64>(0)
    private let isStopping = Atomic<Bool>(false)
    private let isWaitingForSpace = Atomic<Bool>(false)
    private let failure = Mutex<LogError?>(nil)
    private let toWriter: EventSignal
    /// Raised whenever something became durable, failed, or began or ended waiting for space.
    package let toFiller: EventSignal

    /// Starts the writer's thread, which holds on to the pipe until `stop`.
    package init(log: LogDirectory, groupBytes: Int = Limits.groupBytesMax) throws(IngestError) {
        self.log = log
        first = log.makeGroup(capacity: groupBytes)
        second = log.makeGroup(capacity: groupBytes)
        toWriter = try EventSignal()
        toFiller = try EventSignal()
        first.begin(at: log.tail)
        thread = try OwnThread(name: "tollbook-write") { self.write() }
    }

    // MARK: The filling side

    /// The group that frames are laid into.
    package var group: FrameGroup { group(filling.rawValue) }

    /// Whether the writer is at rest.
    package var isIdle: Bool {
        submitted.load(ordering: .relaxed) == completed.load(ordering: .acquiring)
    }

    /// What is laid and not known to be on disk, in the order of the log; it stays as it is until more is
    /// laid or handed over.
    package var underWay: [FrameGroup] {
        let submitted = isIdle ? nil : group(filling.rawValue - 1)
        return [submitted, group].compactMap(\.self).filter { !$0.isEmpty }
    }

    /// The last group that is on disk.
    package var durable: GroupNumber { GroupNumber(rawValue: completed.load(ordering: .acquiring)) }

    /// What the log failed with: nothing is taken from then on.
    package var error: LogError? { failure.withLock { $0 } }

    /// Whether the disk is full and the writer waits for space with a group that it could not write.
    package var isFull: Bool { isWaitingForSpace.load(ordering: .acquiring) }

    /// Hands the group over, where it holds anything and the writer is at rest. False where it is not handed
    /// over.
    @discardableResult
    package func submit() -> Bool {
        guard !group.isEmpty, isIdle else { return false }
        handOver(room: 0)
        return true
    }

    /// Whether there is one frame to write, a small one, and the writer is at rest. Where more have come
    /// since it was given a group, they come faster than they can be written one by one.
    package var hasLittle: Bool {
        group.frameCount == 1 && isIdle && group.byteCount <= Limits.groupBytesSmall
    }

    /// Writes and syncs the group on the filling thread, where there is little: to wake the writer, and to
    /// be woken by it, would take half as long as the sync. False where it was not written.
    package func commitLittle() -> Bool {
        guard hasLittle, error == nil else { return false }
        guard leftToWriter == 0 else {
            leftToWriter -= 1
            return false
        }
        let begun = ContinuousClock.now
        do throws(LogError) {
            try log.writer.commit(group)
        } catch {
            // The writer waits for space, where that is what is missing.
            if error.code == .noSpace { return false }
            failure.withLock { $0 = error }
            return true
        }
        if ContinuousClock.now - begun > .microseconds(Limits.quickSyncMicrosecondsMax) {
            leftToWriter = Limits.groupsAfterSlowSync
        }
        let tail = group.tail
        // In this order: the writer's thread may be on its way to rest, and must not find it due.
        completed.store(filling.rawValue, ordering: .releasing)
        submitted.store(filling.rawValue, ordering: .releasing)
        filling = filling.following
        group.begin(at: tail)
        return true
    }

    /// Makes room for a frame of `bytes`: waits for the writer, hands the group over and begins the next.
    ///
    /// - Throws: `diskFull` where the writer waits for space; nothing is handed over then.
    package func rotate(room bytes: Int) throws(IngestError) {
        if group.isEmpty {
            group.begin(at: tailBefore, room: bytes)
            return
        }
        try waitIdle()
        handOver(room: bytes)
    }

    /// Waits until everything that was laid is on disk.
    ///
    /// - Throws: `diskFull` where the writer waits for space.
    package func flush() throws(IngestError) {
        try waitIdle()
        if submit() { try waitIdle() }
    }

    private func handOver(room bytes: Int) {
        let tail = group.tail
        submitted.store(filling.rawValue, ordering: .releasing)
        toWriter.raise()
        filling = filling.following
        group.begin(at: tail, room: bytes)
    }

    /// Where the group being filled begins.
    private var tailBefore: LogTail {
        filling.rawValue == 1 ? log.tail : group(filling.rawValue - 1).tail
    }

    private func waitIdle() throws(IngestError) {
        while !isIdle {
            if let error { throw IngestError(.log, number: error.errno, error.description) }
            if isFull {
                throw IngestError(.diskFull, "the disk is full: nothing is taken until there is space")
            }
            toFiller.wait(milliseconds: Int32(Limits.intakeCheckMilliseconds))
        }
        if let error { throw IngestError(.log, number: error.errno, error.description) }
    }

    private func group(_ number: UInt64) -> FrameGroup { number & 1 == 1 ? first : second }

    /// Lets the writer finish what was submitted, and ends its thread. What was not submitted is not written.
    package func stop() {
        isStopping.store(true, ordering: .releasing)
        toWriter.raise()
        if let thread = thread.take() { thread.join() }
    }

    // MARK: The writing side

    private func write() {
        while true {
            let due = submitted.load(ordering: .acquiring)
            guard due > completed.load(ordering: .relaxed) else {
                if isStopping.load(ordering: .acquiring) { return }
                toWriter.wait()
                continue
            }
            do throws(LogError) {
                try log.writer.commit(group(due))
                isWaitingForSpace.store(false, ordering: .releasing)
                completed.store(due, ordering: .releasing)
                toFiller.raise()
            } catch {
                guard error.code == .noSpace else {
                    failure.withLock { $0 = error }
                    toFiller.raise()
                    return
                }
                isWaitingForSpace.store(true, ordering: .releasing)
                toFiller.raise()
                if isStopping.load(ordering: .acquiring) { return }
                toWriter.wait(milliseconds: Int32(Limits.intakeCheckMilliseconds))
            }
        }
    }
}
