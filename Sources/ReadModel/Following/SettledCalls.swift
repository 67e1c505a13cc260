internal import Events
internal import Projections

/// Fetches calls that have left memory: their records from the read model, their events from the log.
final class SettledCalls: EarlierCalls {
    private let events: CallEvents
    private let writing: WritingThread

    init(events: CallEvents, writing: WritingThread) {
        self.events = events
        self.writing = writing
    }

    func earlier(callID: [UInt8], fromTag: [UInt8], after pending: inout RowBatch) throws -> EarlierCall? {
        if !pending.isEmpty { try writing.write(&pending) }
        let known = try writing.call(CallName(callID: callID, fromTag: fromTag))
        guard !known.positions.isEmpty else { return nil }
        let state = try events.state(at: known.positions.sorted().map { Position(rawValue: $0) })
        return EarlierCall(state: state, records: known.records)
    }
}
