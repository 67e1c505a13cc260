internal import Synchronization

/// Entries of the ledger's own, on their way from other parts of the process to the one writer.
package final class Inbox: Sendable {
    /// Lines that belong together, each ended by a newline, and what to do once they are on disk.
    struct Entry: Sendable {
        let lines: [UInt8]
        let count: Int
        let whenDurable: @Sendable (IngestError?) -> Void
    }

    private struct State {
        var entries: [Entry] = []
        var eventCount = 0
        var isClosed = false
    }

    private let state = Mutex(State())
    private let signal: EventSignal

    init() throws(IngestError) {
        signal = try EventSignal()
    }

    func put(_ entry: Entry) throws(IngestError) {
        let failure: IngestError? = state.withLock { state in
            if state.isClosed { return IngestError(.stopped, "intake has stopped") }
            if state.eventCount + entry.count > Limits.inboxEntriesMax, state.eventCount > 0 {
                return IngestError(.inboxFull, "too many of the ledger's own entries wait to be written")
            }
            state.entries.append(entry)
            state.eventCount += entry.count
            return nil
        }
        if let failure { throw failure }
        signal.raise()
    }

    func takeAll() -> [Entry] {
        state.withLock { state in
            let entries = state.entries
            state.entries = []
            state.eventCount = 0
            return entries
        }
    }

    /// Takes the signal that entries are there.
    func takeSignal() { signal.take() }

    /// Nothing is put any more; what is there already is returned.
    func close() -> [Entry] {
        state.withLock { $0.isClosed = true }
        return takeAll()
    }

    func addSignal(to poller: inout Poller) -> Int { poller.add(signal) }
}
