internal import EventLog
internal import Events
internal import Projections

/// Fetches the events of calls from the log by their positions, to fold them again.
final class CallEvents {
    private var fetcher: EventFetcher
    private var decoder = EventDecoder()
    private let sources: SourceRegistry

    init(log: LogDirectory, sources: SourceRegistry) {
        fetcher = log.fetcher()
        self.sources = sources
    }

    /// The packed facts of a call of which these are all positions, sorted.
    func state(at positions: [Position]) throws -> CallState {
        var builder = CallStateBuilder()
        for position in positions {
            try with(position) { view, bytes, sourceEpoch, seq in
                builder.append(view, in: bytes, at: position, sourceEpoch: sourceEpoch, seq: seq)
            }
        }
        guard let state = builder.finish() else {
            throw ReadModelError(.inconsistent, "a record cites no events")
        }
        return state
    }

    /// Lends the event of a call that stands at a position. While it is lent, others may be asked for.
    func with(
        _ position: Position,
        _ body: (borrowing EventView, PaddedBytes, _ sourceEpoch: UInt32, SequenceNumber) throws -> Void
    ) throws {
        let event = try fetcher.event(at: position)
        // Its own: what is lent must stay as it is when another is asked for meanwhile.
        var view = EventView()
        decoder.begin(event.bytes)
        guard
            case .event? = decoder.next(into: &view, from: event.source.source.isLedger ? .ledger : .proxy),
            view.type.belongsToCall
        else {
            throw ReadModelError(.inconsistent, at: position, "a record cites an event that is no call's")
        }
        // The bytes last as long as the event.
        try withExtendedLifetime(event) {
            try body(view, event.bytes, sources.index(of: event.source), event.sequence)
        }
    }
}
