internal import Events
internal import Synchronization

/// Follows a log that another process writes: goes on as far as there are whole frames.
///
/// It may be ahead of that process's sync by the group that is being written.
final class TailFollower: Sendable {
    private struct State {
        var tail: LogTail
        var scan: SegmentScan?
    }

    private let files: LogFiles
    private let state: Mutex<State>

    init(files: LogFiles, tail: LogTail) {
        self.files = files
        state = Mutex(State(tail: tail))
    }

    /// - Returns: the position that the next event will have.
    func look() throws(LogError) -> Position {
        let result: Result<Position, LogError> = state.withLock { state in
            do throws(LogError) {
                return .success(try look(&state))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private func look(_ state: inout State) throws(LogError) -> Position {
        var scan: SegmentScan
        if let known = state.scan {
            scan = known
        } else {
            scan = SegmentScan(
                try files.open(state.tail.segment), from: state.tail.offset, position: state.tail.next)
        }
        while true {
            if case .frame = try scan.step() { continue }
            if files.successor(of: scan.reading.segment) == nil {
                let list = try LogFiles.look(at: files.directory, in: files.storage).segments
                if list.count > files.list.count { files.replaceList(list) }
            }
            guard let successor = files.successor(of: scan.reading.segment) else { break }
            // The frame may have been finished between the look at it and the look at the directory.
            if scan.next < successor.first, case .frame = try scan.step() { continue }
            guard scan.next == successor.first else {
                throw scan.damage("the segment ends before position \(successor.first)")
            }
            scan = SegmentScan(try files.open(successor))
        }
        state.scan = scan
        if scan.next > files.durable.next { files.durable.publish(next: scan.next) }
        return scan.next
    }
}
