import Events
import Simulation

/// Events of about 280 bytes, four a call, cut into batches of one source: made before anything is measured.
///
/// Events don't know their numbers, so that the same ones can be sent again and again as new ones.
final class Corpus {
    let batchEvents: Int
    private(set) var eventCount = 0
    /// The payloads, one behind the other.
    private var bytes: [UInt8] = []
    private var ends: [Int] = []

    /// - Parameter events: a multiple of `batchEvents`, and of the four events of a call.
    init(events: Int, batchEvents: Int) {
        precondition(events % batchEvents == 0 && events % 4 == 0, "whole calls and whole batches")
        self.batchEvents = batchEvents
        bytes.reserveCapacity(events * 300)
        ends.reserveCapacity(events / batchEvents)
        var settings = BenchTraffic.settings(calls: events / 4, sources: 1)
        settings.batchEvents = batchEvents
        settings.batchLingerMicroseconds = .max / 4
        var traffic = Traffic(settings)
        var batch = TrafficBatch()
        while traffic.next(into: &batch) {
            batch.payload.withBytes { payload in
                // Safety: copied during the call.
                unsafe payload.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
            }
            ends.append(bytes.count)
            eventCount += batch.count
        }
        precondition(eventCount == events && ends.count == events / batchEvents, "every batch is full")
    }

    var batchCount: Int { ends.count }
    var byteCount: Int { bytes.count }

    /// The payload of a batch.
    func withPayload<Result, Failure: Error>(
        _ place: Int, _ body: (borrowing Span<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let bytes = bytes
        return try body(bytes.span.extracting((place == 0 ? 0 : ends[place - 1])..<ends[place]))
    }

    /// Writes the lines as they are, for programs that are no part of this one.
    func write(to path: String) throws {
        try LineFile(path).append(bytes)
    }
}

/// The traffic that everything is measured with: `simulate --preset plain --seed 1`.
enum BenchTraffic {
    static func settings(calls: Int, sources: Int) -> TrafficSettings {
        var settings = TrafficSettings.plain(
            seed: 1, start: Timestamp(rawValue: 1_767_225_600_000_000), calls: calls, sources: sources)
        settings.batchEvents = 256
        return settings
    }
}
