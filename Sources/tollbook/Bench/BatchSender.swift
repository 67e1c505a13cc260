import Events
import Ingest

/// A source that does nothing but send: batches that are there already, so many unacknowledged at a time, and
/// the time from sending each to its acknowledgement.
///
/// Beside `EventSource` it leaves out whatever would cost time here and not matter: sending again, keeping
/// copies, heartbeats.
struct BatchSender: ~Copyable {
    private let socket: ZeroMQSocket
    private let origin: SourceEpoch
    private let endpoint: String
    private var poller = Poller()
    private var header = RequestHeader()
    private let message = ZeroMQMessage()
    /// The number of the last event that was sent, and of the last that was acknowledged.
    private(set) var sent: Int64 = 0
    private(set) var acknowledged: Int64 = 0

    init(endpoint: String, _ origin: SourceEpoch) throws {
        self.origin = origin
        self.endpoint = endpoint
        socket = try Self.connect(endpoint)
        _ = poller.add(socket)
    }

    private static func connect(_ endpoint: String) throws(IngestError) -> ZeroMQSocket {
        var options = SocketOptions()
        options.sendMessagesMax = BenchLimits.windowBatchesMax
        options.receiveMessagesMax = BenchLimits.windowBatchesMax
        let socket = try ZeroMQSocket(.dealer, in: ZeroMQContext(), options)
        try socket.connect(endpoint)
        return socket
    }

    /// Says hello and waits for the welcome.
    mutating func greet() throws {
        header.hello(origin)
        try send(header.bytes.span, more: false)
        while true {
            guard let reply = try hear() else {
                try waitForAnswer()
                continue
            }
            guard case .welcome(_, let next, _) = reply else { throw Self.failure(endpoint, "\(reply)") }
            sent = next - 1
            acknowledged = next - 1
            return
        }
    }

    /// Sends `count` batches of the corpus, from its beginning, and returns once all are acknowledged.
    ///
    /// - Parameters:
    ///   - window: how many batches may be unacknowledged.
    ///   - latencies: gets the nanoseconds from sending each batch to its acknowledgement.
    mutating func send(
        _ corpus: Corpus, batches count: Int, window: Int, latencies: inout [Int64]
    ) throws {
        let size = Int64(corpus.batchEvents)
        var begun = [Int64](repeating: 0, count: window)
        var done = 0
        var next = 0
        let first = sent + 1
        latencies.reserveCapacity(latencies.count + count)
        while done < count {
            while next < count, next - done < window {
                begun[next % window] = Stopwatch.now
                try send(corpus, batch: next % corpus.batchCount)
                next += 1
                if next % 16 == 0 { break }
            }
            if let reply = try hear() {
                try take(reply)
            } else if next - done == window || next == count {
                try waitForAnswer()
            }
            let through = Int((acknowledged - first + 1) / size)
            guard through > done else { continue }
            let now = Stopwatch.now
            while done < through {
                latencies.append(now - begun[done % window])
                done += 1
            }
        }
    }

    /// Sends one batch of the corpus.
    private mutating func send(_ corpus: Corpus, batch place: Int) throws {
        header.batch(origin, first: sent + 1, count: corpus.batchEvents)
        try send(header.bytes.span, more: true)
        try corpus.withPayload(place) { payload in try send(payload, more: false) }
        sent += Int64(corpus.batchEvents)
    }

    /// Sends a batch that somebody else has made, without waiting for its acknowledgement.
    mutating func send(_ payload: borrowing Span<UInt8>, count: Int) throws {
        header.batch(origin, first: sent + 1, count: count)
        try send(header.bytes.span, more: true)
        try send(payload, more: false)
        sent += Int64(count)
    }

    /// Takes the acknowledgements that have come; waits for one first, where `milliseconds` are given.
    mutating func takeAcknowledgements(waiting milliseconds: Int = 0) throws {
        if milliseconds > 0 { try poller.wait(milliseconds: milliseconds) }
        while let reply = try hear() { try take(reply) }
    }

    private mutating func take(_ reply: Reply) throws {
        switch reply {
        case .ack(let through, _): acknowledged = max(acknowledged, through)
        case .credit: break
        default: throw Self.failure(endpoint, "\(reply)")
        }
    }

    private func send(_ bytes: borrowing Span<UInt8>, more: Bool) throws {
        while try socket.send(bytes, more: more) != .sent {
            // No room yet, or no connection.
            var signal = Poller()
            try signal.wait(milliseconds: 1)
        }
    }

    private borrowing func hear() throws -> Reply? {
        guard try socket.receive(into: message) else { return nil }
        return message.withBytes { Reply.read($0) }
    }

    private mutating func waitForAnswer() throws {
        let begun = Stopwatch.now
        try poller.wait(milliseconds: BenchLimits.answerSeconds * 1_000)
        if Stopwatch.now - begun > Int64(BenchLimits.answerSeconds) * 1_000_000_000 - 1_000_000 {
            throw Self.failure(endpoint, "nothing for \(BenchLimits.answerSeconds) seconds")
        }
    }

    private static func failure(_ endpoint: String, _ what: String) -> CommandFailure {
        CommandFailure(
            .environment,
            "the service at \(endpoint) answered \(what): see what it says itself, and start over")
    }
}
