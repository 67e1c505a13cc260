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
        /// What the file has of the page that the tail lies in, before it.
        var edge: [UInt8]
    }

    /// Which frames the newest segments have, as far as they are on disk.
    private struct Noted {
        var live: SummaryBuilder
        /// Of the segment before, whose summary may not be on disk yet.
        var before: (segment: SegmentID, index: IdentityIndex)?

        mutating func offsets(in segment: SegmentID, for source: SourceEpoch, _ number: Int64) -> [Int]? {
            if live.segment == segment { return live.index.offsets(for: source, number) }
            return before?.segment == segment ? before?.index.offsets(for: source, number) : nil
        }
    }

    private let files: LogFiles
    private let space: SegmentSpace
    private let sealed: @Sendable (SealedSegment) -> Void
    /// Held while a group is written and synced.
    private let state: Mutex<State>
    /// Apart from the state, so that asking never waits for the disk.
    private let noted: Mutex<Noted>
    /// Apart from the state, so that asking never waits for the disk.
    private let failureFound = Mutex<LogError?>(nil)

    /// - Parameters:
    ///   - edge: what the live segment has of the page that the tail lies in, before it.
    ///   - summary: of what the live segment has.
    ///   - sealed: is told of each segment that is full.
    init(
        files: LogFiles, space: SegmentSpace, tail: LogTail, file: any StorageFile, edge: [UInt8],
        summary: SummaryBuilder, sealed: @escaping @Sendable (SealedSegment) -> Void
    ) {
        self.files = files
        self.space = space
        self.sealed = sealed
        noted = Mutex(Noted(live: summary))
        state = Mutex(State(tail: tail, file: file, edge: edge))
    }

    /// What poisoned the log; null while it is well.
    package var failure: LogError? { failureFound.withLock(\.self) }

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

    /// Where the frames of a segment lie that hold an event or are about it, as far as they are on disk,
    /// rising; null where the segment is neither the live one nor that before it. Of a group that is being
    /// committed there may be nothing yet.
    func offsets(in segment: SegmentID, for source: SourceEpoch, _ number: Int64) -> [Int]? {
        noted.withLock { $0.offsets(in: segment, for: source, number) }
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
            try group.write(to: state.file, behind: &state.edge)
            try state.file.sync()
        } catch {
            let isRefused = error.code == .noSpace && group.start.segment != state.tail.segment
            if !isRefused { failureFound.withLock { $0 = error } }
            throw error
        }
        state.tail = group.tail
        space.note(state.tail)
        files.publish(end: state.tail)
        noted.withLock { group.note(in: &$0.live) }
        return state.tail.next
    }

    private func rotate(to start: LogTail, _ state: inout State) throws(LogError) {
        precondition(start.segment.ordinal == state.tail.segment.ordinal + 1, "no segment is left out")
        let file = try space.makeSegment(start.segment)
        let full = noted.withLock { noted in
            let full = noted.live
            noted.before = (full.segment, full.index)
            noted.live = SummaryBuilder(log: files.id, segment: start.segment, table: full.table)
            return SealedSegment(summary: full, end: state.tail)
        }
        state.file = file
        state.edge.removeAll(keepingCapacity: true)
        state.tail = start
        files.add(start.segment)
        sealed(full)
    }
}
