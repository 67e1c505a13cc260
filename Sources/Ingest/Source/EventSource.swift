package import Events
internal import Glibc

/// A source that delivers events to a ledger over a DEALER socket and keeps each until it is acknowledged.
///
/// One thread uses it. It does nothing by itself: whoever has put something in calls `turn`.
///
/// ```
/// var source = try EventSource(endpoint: "tcp://127.0.0.1:5599", origin)
/// while source.isFull { try source.turn(milliseconds: 100) }
/// source.put(lines, count: 64)
/// try source.turn(milliseconds: 0)
/// …
/// let isComplete = try source.drain(milliseconds: 10_000)
/// ```
package struct EventSource: ~Copyable {
    private let socket: ZeroMQSocket
    private var poller = Poller()
    package private(set) var machine: SourceMachine
    private var header = RequestHeader()
    private let message = ZeroMQMessage()
    private let surplus = ZeroMQMessage()
    private let clock: @Sendable () -> Timestamp
    /// Whether the socket had no room, or no connection, when it was tried last.
    private var isBlocked = false

    /// - Parameter clock: what the intervals are measured with; heartbeats bear its time.
    package init(
        endpoint: String, _ machine: SourceMachine,
        clock: @escaping @Sendable () -> Timestamp = { IngestOptions.wallClock() }
    ) throws(IngestError) {
        self.machine = machine
        self.clock = clock
        socket = try Self.connect(endpoint)
        _ = poller.add(socket)
    }

    package init(endpoint: String, _ origin: SourceEpoch) throws(IngestError) {
        try self.init(endpoint: endpoint, SourceMachine(origin))
    }

    private static func connect(_ endpoint: String) throws(IngestError) -> ZeroMQSocket {
        var options = SocketOptions()
        options.sendMessagesMax = Limits.sourceMessagesMax
        options.receiveMessagesMax = Limits.sourceMessagesMax
        let socket = try ZeroMQSocket(.dealer, in: ZeroMQContext(), options)
        try socket.connect(endpoint)
        return socket
    }

    package var isFull: Bool { machine.isFull }
    package var unacknowledged: Int { machine.unacknowledged }
    package var state: SourceMachine.State { machine.state }

    package mutating func put(_ payload: [UInt8], count: Int) {
        machine.put(payload, count: count)
    }

    package mutating func put(skipping count: Int) {
        machine.put(skipping: count)
    }

    package mutating func repeatLast() {
        machine.repeatLast()
    }

    /// Sends what may be sent and takes what has come; then, where nothing has, waits for something to come.
    package mutating func turn(milliseconds: Int) throws(IngestError) {
        let hasHeard = try hear()
        try say()
        guard !hasHeard, milliseconds > 0 else { return }
        var wait = Int64(milliseconds)
        // A full queue tells by nothing that it has room again but time.
        if isBlocked { wait = min(wait, 5) }
        if let due = machine.nextDue() { wait = min(wait, max(1, due.microseconds(since: clock()) / 1_000)) }
        try poller.wait(milliseconds: Int(wait))
        if try hear() { try say() }
    }

    /// Takes turns until everything is acknowledged. False where the time was over before, or where the
    /// ledger takes nothing from this source.
    package mutating func drain(milliseconds: Int) throws(IngestError) -> Bool {
        let end = Receiver.monotonic() + UInt64(milliseconds) * 1_000_000
        while machine.unacknowledged > 0 {
            switch machine.state {
            case .superseded, .refused: return false
            case .greeting, .sending: break
            }
            guard Receiver.monotonic() < end else { return false }
            try turn(milliseconds: 50)
        }
        return true
    }

    private mutating func hear() throws(IngestError) -> Bool {
        var hasHeard = false
        while try socket.receive(into: message) {
            var hasMore = message.hasMore
            while hasMore {
                _ = try socket.receive(into: surplus)
                hasMore = surplus.hasMore
            }
            if let reply = message.withBytes({ Reply.read($0) }) {
                machine.heard(reply, now: clock())
                hasHeard = true
            }
        }
        return hasHeard
    }

    private mutating func say() throws(IngestError) {
        isBlocked = false
        while let sending = machine.next(now: clock()) {
            guard try send(sending) else {
                machine.takeBack(sending)
                isBlocked = true
                return
            }
        }
    }

    /// False where the queue is full.
    private mutating func send(_ sending: SourceMachine.Sending) throws(IngestError) -> Bool {
        var payload: [UInt8] = []
        switch sending {
        case .hello: header.hello(machine.origin)
        case .heartbeat(let last):
            header.heartbeat(machine.origin, last: last.rawValue, time: clock())
        case .skip(let range):
            header.skip(machine.origin, range, reason: "not to be had any more")
        case .batch(let place):
            let batch = machine.batch(place)
            header.batch(machine.origin, first: batch.first, count: batch.count)
            payload = batch.payload
        }
        let text = header.bytes
        guard try socket.send(text.span, more: !payload.isEmpty) == .sent else { return false }
        // libzmq takes the further frames of a message whose first it has taken.
        if !payload.isEmpty { _ = try socket.send(payload.span) }
        return true
    }
}
