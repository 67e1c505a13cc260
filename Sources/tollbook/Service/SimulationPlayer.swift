import Events
import Ingest
import Simulation

/// Plays traffic to a service over the acknowledged protocol, each source on a connection of its own.
final class SimulationPlayer {
    /// Each source is a connection with a thread of libzmq's.
    static let sourcesMax = 64
    private static let answerSeconds = 10
    private static let stallSeconds = 30

    private let endpoint: String
    private let rate: Double?
    private let clock = ContinuousClock()
    private let started = ContinuousClock.now
    private let progress = ProgressReport("sending", unit: "events")
    private var sent = 0
    private var heard = ContinuousClock.now
    private var lastUnacknowledged = 0

    /// - Parameter rate: events a second at most; null for as fast as it goes.
    init(endpoint: String, rate: Double?) {
        self.endpoint = endpoint
        self.rate = rate
    }

    /// Returns once everything is acknowledged.
    func play(_ traffic: inout Traffic) throws {
        var sources = Connections(endpoint: endpoint)
        var batch = TrafficBatch()
        while traffic.next(into: &batch) {
            let origin = SourceEpoch(source: batch.source, epoch: batch.epoch)
            let place = try sources.place(of: origin)
            while sources.isFull(place) { try turn(&sources, milliseconds: 20) }
            if batch.isRepetition {
                sources.repeatLast(place)
            } else {
                let payload = batch.payload.withBytes { bytes in
                    // Safety: the bytes are copied during the call.
                    unsafe bytes.withUnsafeBytes { unsafe [UInt8]($0) }
                }
                sources.put(payload, count: batch.count, first: batch.firstSequence, place)
                sent += batch.count
            }
            try turn(&sources, milliseconds: 0)
            try keepRate(&sources)
            progress.update(UInt64(sent), of: nil)
        }
        while sources.unacknowledged > 0 { try turn(&sources, milliseconds: 20) }
        progress.finish()
        say(traffic, sources)
    }

    private func turn(_ sources: inout Connections, milliseconds: Int) throws {
        try sources.turn(milliseconds: milliseconds)
        let unacknowledged = sources.unacknowledged
        if unacknowledged < lastUnacknowledged || unacknowledged == 0 { heard = .now }
        lastUnacknowledged = unacknowledged
        let silence = heard.duration(to: .now)
        guard silence > .seconds(sources.isGreeting ? Self.answerSeconds : Self.stallSeconds) else { return }
        throw CommandFailure(
            .environment,
            "the service at \(endpoint) has acknowledged nothing for \(silence.components.seconds) seconds, "
                + "\(HumanCount.of(unacknowledged, "event waits", "events wait")): start `tollbook serve`, or name "
                + "where it listens with --endpoint")
    }

    /// Waits, if sending would be ahead of the rate that was asked for.
    private func keepRate(_ sources: inout Connections) throws {
        guard let rate else { return }
        while true {
            let due = Double(sent) / rate
            let ahead = due - ProgressReport.seconds(started.duration(to: .now))
            guard ahead > 0 else { return }
            try turn(&sources, milliseconds: max(1, min(20, Int(ahead * 1_000))))
        }
    }

    private func say(_ traffic: borrowing Traffic, _ sources: borrowing Connections) {
        let seconds = ProgressReport.seconds(started.duration(to: .now))
        let speed = HumanCount.grouped(UInt64(Double(sent) / max(seconds, 0.001)))
        var text = "\(HumanCount.of(traffic.callsBegun, "call", "calls")), "
        text += "\(HumanCount.of(sent, "event", "events")) acknowledged in "
        text += "\(HumanDuration.text(microseconds: Int64(seconds * 1e6))) (\(speed)/s)"
        if sources.resends > 0 { text += ", gone back \(sources.resends) times" }
        StandardError.writeLine(text)
    }
}

/// One connection for each epoch of each source; sources restart, and an epoch that is over is let go once it
/// is acknowledged.
private struct Connections: ~Copyable {
    private let endpoint: String
    private var open: [Connection] = []
    /// Of connections that were let go.
    private var resendsBefore = 0

    private final class Connection {
        let origin: SourceEpoch
        var source: EventSource
        /// Another epoch of the source has begun.
        var isOver = false

        init(_ endpoint: String, _ origin: SourceEpoch) throws(IngestError) {
            self.origin = origin
            source = try EventSource(endpoint: endpoint, origin)
        }
    }

    init(endpoint: String) {
        self.endpoint = endpoint
    }

    var unacknowledged: Int { open.reduce(0) { $0 + $1.source.unacknowledged } }
    var isGreeting: Bool { open.contains { $0.source.state == .greeting } }
    var resends: Int { open.reduce(resendsBefore) { $0 + $1.source.machine.resends } }

    mutating func place(of origin: SourceEpoch) throws -> Int {
        if let place = open.firstIndex(where: { $0.origin == origin }) { return place }
        for connection in open where connection.origin.source == origin.source { connection.isOver = true }
        resendsBefore += open.reduce(0) {
            $0 + ($1.isOver && $1.source.unacknowledged == 0 ? $1.source.machine.resends : 0)
        }
        open.removeAll { $0.isOver && $0.source.unacknowledged == 0 }
        open.append(try Connection(endpoint, origin))
        return open.count - 1
    }

    func isFull(_ place: Int) -> Bool { open[place].source.isFull }

    /// - Parameter first: the numbers before it, from the last ones put on, are lost.
    func put(_ payload: [UInt8], count: Int, first: SequenceNumber, _ place: Int) {
        let missing = first.rawValue - open[place].source.machine.last.rawValue - 1
        if missing > 0 { open[place].source.put(skipping: Int(missing)) }
        open[place].source.put(payload, count: count)
    }

    func repeatLast(_ place: Int) { open[place].source.repeatLast() }

    /// Lets every source say and hear what there is; waits with the first that something is owed to.
    func turn(milliseconds: Int) throws {
        var wait = milliseconds
        for connection in open {
            try connection.source.turn(milliseconds: connection.source.unacknowledged > 0 ? wait : 0)
            if connection.source.unacknowledged > 0 { wait = 0 }
            switch connection.source.state {
            case .greeting, .sending: break
            case .superseded:
                throw CommandFailure(
                    .environment,
                    "another process speaks for \(connection.origin.source): two simulations with the same start are "
                        + "at work; give one of them another --start")
            case .refused(let code, let reason):
                throw CommandFailure(
                    .environment,
                    "the service refuses what \(connection.origin.source) says: \(reason) (\(code)). If this traffic was "
                        + "sent before, choose another --start")
            }
        }
    }
}
