internal import EventLog
internal import Events

/// Looks up of which types the events at some positions of the log are.
struct LogTypes {
    private let log: LogDirectory

    init(_ log: LogDirectory) {
        self.log = log
    }

    func types(at positions: [Position]) throws -> [Position: EventType] {
        var fetcher = log.fetcher()
        var decoder = EventDecoder()
        var view = EventView()
        var types: [Position: EventType] = [:]
        types.reserveCapacity(positions.count)
        // In the order of the log, where neighbours cost little.
        for position in positions.sorted() where types[position] == nil {
            let event = try fetcher.event(at: position)
            decoder.begin(event.bytes)
            _ = decoder.next(into: &view, from: event.source.source.isLedger ? .ledger : .proxy)
            types[position] = view.type
        }
        return types
    }
}
