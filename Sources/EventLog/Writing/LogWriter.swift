package import Events
internal import Synchronization

/// The only one that writes: takes a laid group, writes it, syncs it, says so.
///
/// One thread at a time calls `commit`. What fails, fails for good: the operating system may have dropped
/// what it could not write, so a second sync that succeeds would prove nothing. The process stops, starts
/// anew and recovers.
package final class LogWriter: Sendable {
    private struct State {
        var tail: LogTail
        var file: any StorageFile
    }

    private let files: LogFiles
    private let space: SegmentSpace
    private let sealed: @Sendable (SegmentID) -> Void
    /// Held while a group is written and synced.
    private let state: Mutex<State>
    /// Apart from the state, so that asking never waits for the disk.
    private let failureFound = Mutex<LogError?>(nil)
    private let tailDurable: Mutex<LogTail>

    /// - Parameter sealed: is told of each segment that is full.
    init(
        files: LogFiles, space: SegmentSpace, tail: LogTail, file: any StorageFile,
        sealed: @escaping @Sendable (SegmentID) -> Void
    ) {
        self.files = files
        self.space = space
        self.sealed = sealed
        state = Mutex(State(tail: tail, file: file))
        tailDurable = Mutex(tail)
    }

    /// What poisoned the log; null while it is well.
    package var failure: LogError? { failureFound.withLock(\.self) }

    /// The end of what is on disk.
    var tail: LogTail { tailDurable.withLock(\.self) }

    /// Makes a group durable: one write, one `fdatasync`.
    ///
    /// - Returns: the position behind the last durable event; every event before it is on disk.
    /// - Throws: `noSpace` where a new segment is due and there is no space for it: nothing was written, the
    ///   log is as it was, and the same group may be committed again later. Anything else poisons the log.
    @discardableResult
    package func commit(_ group: FrameGroup) throws(LogError) -> Position {
        let result: Result<Position, LogError> = state.withLock { state in
            do throws(LogError) {
                return .success(try commit(group, &state))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private func commit(_ group: FrameGroup, _ state: inout State) throws(LogError) -> Position {
        if let failure {
            throw LogError(
                .poisoned, path: failure.path, offset: failure.offset, errno: failure.errno,
                "The log takes nothing more since a write or sync failed (\(failure.detail)). "
                    + "See to the disk, then start tollbook again: it recovers what was acknowledged.")
        }
        precondition(group.start.next == state.tail.next, "groups are committed in the order they were laid")
        if group.isEmpty { return state.tail.next }
        do throws(LogError) {
            if group.start.segment != state.tail.segment { try rotate(to: group.start, &state) }
            precondition(group.start == state.tail, "a group lies where the one before it ends")
            try group.write(to: state.file)
            try state.file.sync()
        } catch {
            let isRefused = error.code == .noSpace && group.start.segment != state.tail.segment
            if !isRefused { failureFound.withLock { $0 = error } }
            throw error
        }
        state.tail = group.tail
        tailDurable.withLock { $0 = state.tail }
        space.note(state.tail)
        files.durable.publish(next: state.tail.next)
        return state.tail.next
    }

    private func rotate(to start: LogTail, _ state: inout State) throws(LogError) {
        precondition(start.segment.ordinal == state.tail.segment.ordinal + 1, "no segment is left out")
        let file = try space.makeSegment(start.segment)
        let full = state.tail.segment
        state.file = file
        state.tail = start
        files.add(start.segment)
        sealed(full)
    }
}
