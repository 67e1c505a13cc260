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
        var view = EventView()
        for position in positions {
            let event = try fetcher.event(at: position)
            decoder.begin(event.bytes)
            guard
                case .event? = decoder.next(
                    into: &view, from: event.source.source.isLedger ? .ledger : .proxy),
                view.type.belongsToCall
            else {
                throw ReadModelError(.inconsistent, at: position, "a record cites an event that is no call's")
            }
            builder.append(
                view, in: event.bytes, at: position, sourceEpoch: sources.index(of: event.source),
                seq: event.sequence)
        }
        guard let state = builder.finish() else {
            throw ReadModelError(.inconsistent, "a record cites no events")
        }
        return state
    }
}
