import Foundation
import Testing

@testable import Events
@testable import Projections
@testable import Simulation

/// Stated events sorted into calls, and each call folded.
struct FoldedCalls: ~Copyable {
    let sources = SourceRegistry()
    /// By position.
    private(set) var events: [UInt64: StatedEvent] = [:]
    private var states: [(key: [UInt8], events: [StatedEvent])] = []

    init(_ all: [StatedEvent]) {
        var places: [[UInt8]: Int] = [:]
        for event in all {
            events[event.position] = event
            var key: [UInt8] = []
            Feed.decode(event) { view, bytes, _ in
                guard view.type.belongsToCall else { return }
                JSONText.append(view.text(.callID) ?? .empty, in: bytes, to: &key)
                key.append(0)
                JSONText.append(view.text(.fromTag) ?? .empty, in: bytes, to: &key)
            }
            guard !key.isEmpty else { continue }
            if let place = places[key] {
                states[place].events.append(event)
            } else {
                places[key] = states.count
                states.append((key, [event]))
            }
        }
    }

    /// Folds each call in turn.
    func eachFold(_ body: (borrowing CallFold) throws -> Void) throws {
        var fold = CallFold(settings: Settings())
        for call in states {
            fold.fold(try state(of: call.events), sources: sources)
            try body(fold)
        }
    }

    /// A call that is made of these events alone.
    func state(of events: [StatedEvent]) throws -> CallState {
        var builder = CallStateBuilder()
        for event in events {
            Feed.decode(event) { view, bytes, source in
                builder.append(
                    view, in: bytes, at: Position(rawValue: event.position),
                    sourceEpoch: sources.index(of: source), seq: SequenceNumber(rawValue: event.seq))
            }
        }
        let state = builder.finish()
        return try #require(state)
    }

    /// The fields of an event, read by a parser that is not ours.
    func fields(at position: Position) throws -> [String: Any] {
        let event = try #require(events[position.rawValue])
        return try #require(try JSONSerialization.jsonObject(with: Data(event.json.utf8)) as? [String: Any])
    }

    /// Realistic traffic with late, lost and repeated events.
    static func traffic(seed: UInt64, calls: Int) -> [StatedEvent] {
        var settings = TrafficSettings.realistic(
            seed: seed, start: Timestamp(rawValue: 1_700_000_000_000_000), calls: calls, callsPerSecond: 5,
            sources: 3)
        settings.faults = .some
        settings.faults.invalid = 0
        var traffic = Traffic(settings)
        var buffer = EventBytes()
        var events: [StatedEvent] = []
        while let event = traffic.next(into: &buffer) {
            let json = buffer.withBytes { bytes in
                unsafe bytes.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
            }
            events.append(
                StatedEvent(
                    position: UInt64(events.count + 1), source: "proxy-\(event.source)",
                    epoch: event.epoch.rawValue, seq: event.sequence.rawValue, json: json))
            buffer.removeAll()
        }
        return events
    }
}
