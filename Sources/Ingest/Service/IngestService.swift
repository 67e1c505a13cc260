package import EventLog
package import Events
internal import Synchronization

/// Intake as a service: sockets, protocol, and the one writer of the log.
///
/// Two threads of its own, none of the cooperative pool's: one receives, checks and lays, the other writes
/// and syncs. `start` returns once every endpoint listens. `stop` takes nothing more, makes durable what was
/// taken, sends the acknowledgements and closes the sockets, in that order; call it on SIGTERM, then close
/// the log.
package final class IngestService: Sendable {
    private let receiver: Receiver
    private let thread: Mutex<OwnThread?>

    /// Listens, and begins to take events.
    ///
    /// - Parameter log: freshly opened for writing: what it has is taken from its table as of opening. Nobody
    ///   else may write to it until `stop` has returned.
    /// - Throws: where an endpoint is in use, can be reached from outside, or is none.
    package static func start(
        log: LogDirectory, options: IngestOptions = IngestOptions()
    ) throws(IngestError) -> IngestService {
        let receiver = try Receiver(log: log, options: options)
        let thread: OwnThread
        do throws(IngestError) {
            thread = try OwnThread(name: "tollbook-intake") { receiver.run() }
        } catch {
            receiver.pipe.stop()
            throw error
        }
        return IngestService(receiver: receiver, thread: thread)
    }

    private init(receiver: Receiver, thread: consuming OwnThread) {
        self.receiver = receiver
        self.thread = Mutex(thread)
    }

    deinit {
        stop()
    }

    /// Ends intake in good order. Blocks until it has ended; not for the cooperative pool. Calling it again
    /// does nothing.
    package func stop() {
        receiver.isStopping.store(true, ordering: .releasing)
        receiver.toReceiver.raise()
        guard let thread = thread.withLock({ $0.take() }) else { return }
        thread.join()
    }

    /// Where it listens, each endpoint with its port.
    package var routerEndpoints: [String] { receiver.endpoints.router }
    package var pullEndpoints: [String] { receiver.endpoints.pull }
    package var subscriberEndpoints: [String] { receiver.endpoints.subscriber }

    package var statistics: IngestStatistics { receiver.published.withLock { $0 } }

    /// Why it takes nothing any more; null while it does.
    package var failure: IngestError? { receiver.failure.withLock { $0 } }

    /// The epoch in which the ledger itself speaks.
    package var ledger: SourceEpoch { receiver.ledger }

    /// Looks at once at what is looked at now and then: gaps that are due, space on the disk.
    package func wake() { receiver.toReceiver.raise() }

    /// Appends entries of the ledger's own (`ledger.tick`, `ledger.expired`, `ledger.policy`): JSON objects
    /// without a newline. They get their numbers here and stand in the log side by side.
    ///
    /// - Parameter whenDurable: called once, on the receiving thread, when they are on disk, or with what
    ///   kept them from it. It must not wait.
    /// - Throws: `line` where one is no valid entry of the ledger's, `inboxFull`, `stopped`; nothing is
    ///   appended and nothing called then.
    package func append(
        _ events: [[UInt8]], whenDurable: @escaping @Sendable (IngestError?) -> Void
    ) throws(IngestError) {
        guard !events.isEmpty else {
            whenDurable(nil)
            return
        }
        let lines = try OwnEntries.lines(of: events)
        try receiver.inbox.put(Inbox.Entry(lines: lines, count: events.count, whenDurable: whenDurable))
    }

    /// The same, returning once they are on disk.
    package func append(_ events: [[UInt8]]) async throws(IngestError) {
        let outcome: Result<Void, IngestError> = await withCheckedContinuation { continuation in
            do throws(IngestError) {
                try append(events) { error in
                    continuation.resume(returning: error.map { .failure($0) } ?? .success(()))
                }
            } catch {
                continuation.resume(returning: .failure(error))
            }
        }
        try outcome.get()
    }
}

/// The check of what other parts of the process want to state.
enum OwnEntries {
    static func lines(of events: [[UInt8]]) throws(IngestError) -> [UInt8] {
        var lines: [UInt8] = []
        for event in events {
            lines.append(contentsOf: event)
            lines.append(0x0A)
        }
        guard lines.count <= LogLimits.payloadBytesMax else {
            throw IngestError(.line, "too many entries at once: \(events.count), \(lines.count) bytes")
        }
        let buffer = PaddedBuffer(copying: lines)
        var decoder = EventDecoder()
        var view = EventView()
        decoder.begin(buffer.bytes)
        var found = 0
        while let line = decoder.next(into: &view, from: .ledger) {
            found += 1
            if case .fault(let fault) = line {
                throw IngestError(.line, "an entry of the ledger's own is not valid: \(fault)")
            }
        }
        guard found == events.count else {
            throw IngestError(.line, "an entry of the ledger's own holds a line break")
        }
        return lines
    }
}
