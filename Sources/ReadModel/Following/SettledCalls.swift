internal import Events
internal import Projections

/// Fetches calls that have left memory: their records from the read model, their events from the log.
final class SettledCalls: EarlierCalls {
    private let events: CallEvents
    private let writing: WritingThread
    /// Whether questions may overtake what waits to be written; not while tables are filled.
    private let mayOvertake: Bool
    /// Marks of the calls that have left memory in this round, and in those before that are not known to be
    /// committed: their rows may still be on their way.
    private var leaving: [UInt64] = []
    private var rounds: [(next: Position, marks: [UInt64])] = []

    init(events: CallEvents, writing: WritingThread, mayOvertake: Bool) {
        self.events = events
        self.writing = writing
        self.mayOvertake = mayOvertake
    }

    func left(_ mark: UInt64) {
        if mayOvertake { leaving.append(mark) }
    }

    /// Takes note that a commit was ordered behind all rows of the calls that have left so far.
    ///
    /// - Parameter next: the position that it is known by.
    func endRound(_ next: Position) {
        forgetCommitted()
        if leaving.isEmpty { return }
        rounds.append((next, leaving))
        leaving.removeAll(keepingCapacity: true)
    }

    private func forgetCommitted() {
        let committed = writing.committed
        rounds.removeAll { $0.next <= committed }
    }

    /// Whether all rows of a call that has left memory are committed.
    private func isCommitted(_ mark: UInt64) -> Bool {
        forgetCommitted()
        return !leaving.contains(mark) && !rounds.contains { $0.marks.contains(mark) }
    }

    func earlier(
        callID: [UInt8], fromTag: [UInt8], mark: UInt64, after pending: inout RowBatch
    ) throws -> EarlierCall? {
        let overtakes = mayOvertake && isCommitted(mark)
        if !overtakes, !pending.isEmpty { try writing.write(&pending) }
        let known = try writing.call(CallName(callID: callID, fromTag: fromTag), overtaking: overtakes)
        guard !known.positions.isEmpty else { return nil }
        let state = try events.state(at: known.positions.sorted().map { Position(rawValue: $0) })
        return EarlierCall(state: state, records: known.records)
    }
}
