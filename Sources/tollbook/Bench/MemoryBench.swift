import Events
import Ingest
import ReadModel
import Simulation

/// How much memory the service takes for each open dialog.
struct MemoryBench {
    let dialogs: Int
    let runs: Int
    let directory: BenchDirectory

    static let figures = ["bytes_per_dialog", "memory_bytes", "memory_at_start_bytes", "open_dialogs"]
    /// What the service may take whatever is open.
    static let fixedBytes: Int64 = 150_000_000

    func run(into report: BenchReport) throws {
        for _ in 0..<runs { try report.add(try once()) }
    }

    private func once() throws -> [Int64?] {
        let data = directory.fresh("memory")
        defer { directory.remove(data) }
        let ledger = try LedgerUnderTest(data: data)
        let atStart = try ledger.memory
        var traffic = Traffic(LogMaker.open(calls: dialogs, start: IngestOptions.wallClock(), sources: 1))
        let player = try TrafficPlayer(ledger.service.endpoint)
        let progress = ProgressReport("opening dialogs", unit: "events")
        while try player.sendNext(of: &traffic) {
            progress.update(UInt64(player.sent), of: UInt64(2 * dialogs))
        }
        try player.finish()
        progress.finish()
        try ledger.waitUntilProjected(events: player.sent)
        let open = try ledger.read { try $0.count(.openCalls) }
        guard open == dialogs else {
            throw CommandFailure(.answerIsNo, "\(dialogs) dialogs were opened, and \(open) are open")
        }
        let memory = try ledger.memory
        try ledger.stop()
        return [max(0, memory - Self.fixedBytes) / Int64(dialogs), memory, atStart, Int64(open)]
    }
}

/// Plays traffic of one source to a service as it is made, with a window of events.
final class TrafficPlayer {
    private var sender: BatchSender
    private var batch = TrafficBatch()

    init(_ endpoint: String) throws {
        sender = try BatchSender(endpoint: endpoint, BenchSource.origin)
        try sender.greet()
    }

    var sent: Int64 { sender.sent }
    var acknowledged: Int64 { sender.acknowledged }

    /// False where the traffic is over.
    func sendNext(of traffic: inout Traffic) throws -> Bool {
        guard traffic.next(into: &batch) else { return false }
        try sendBatch()
        return true
    }

    func sendNext(of traffic: inout LoopedTraffic) throws {
        traffic.next(into: &batch)
        try sendBatch()
    }

    private func sendBatch() throws {
        while sender.sent - sender.acknowledged > BenchLimits.windowEvents {
            try sender.takeAcknowledgements(waiting: 100)
        }
        try sender.takeAcknowledgements()
        let count = batch.count
        // Safety: the bytes stay where they are during the call.
        try batch.payload.withBytes { (bytes: RawSpan) throws in
            try unsafe bytes.withUnsafeBytes { raw in
                try unsafe sender.send(raw.bindMemory(to: UInt8.self).span, count: count)
            }
        }
    }

    /// Waits a moment for acknowledgements, and sends nothing.
    func rest() throws { try sender.takeAcknowledgements(waiting: 1) }

    /// Waits until all is acknowledged.
    func finish() throws {
        let begun = Stopwatch.now
        while sender.acknowledged < sender.sent {
            try sender.takeAcknowledgements(waiting: 100)
            guard Stopwatch.now - begun < Int64(BenchLimits.answerSeconds) * 1_000_000_000 else {
                throw CommandFailure(
                    .environment,
                    "\(sender.sent - sender.acknowledged) events wait for their acknowledgement since "
                        + "\(BenchLimits.answerSeconds) seconds")
            }
        }
    }
}
