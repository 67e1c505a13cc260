import EventLog
import Events
import Foundation
import ReadModel

/// Fetches events by their positions, in words.
final class EventLookup {
    /// An event as the log has it.
    struct Found {
        let position: Position
        let source: SourceEpoch
        let sequence: SequenceNumber
        let receivedAt: Timestamp
        let time: Timestamp
        let type: String
        /// What it says, in SIP's terms.
        let says: String
        let json: String
    }

    private var fetcher: EventFetcher
    private var decoder = EventDecoder()
    private var view = EventView()

    init(_ log: LogDirectory) {
        fetcher = log.fetcher()
    }

    /// Cheap for positions that rise.
    func event(at position: Position) throws -> Found {
        let stated = try fetcher.event(at: position)
        decoder.begin(stated.bytes)
        _ = decoder.next(into: &view, from: stated.source.source.isLedger ? .ledger : .proxy)
        // Safety: the text is copied at once.
        let json = unsafe String(decoding: stated.bytes.pointer(at: 0, to: stated.bytes.count), as: UTF8.self)
        return Found(
            position: position, source: stated.source, sequence: stated.sequence,
            receivedAt: stated.receivedAt, time: view.time,
            type: view.type == .unknown ? Self.type(in: json) : view.type.name,
            says: EventPhrase.text(view, in: stated.bytes), json: json)
    }

    /// What an event calls itself whose type is not one of ours.
    private static func type(in json: String) -> String {
        let value = JSONMembers.of(json).first { $0.name == "type" }?.value ?? ""
        return (try? JSONDecoder().decode(String.self, from: Data(value.utf8))) ?? value
    }
}
