import EventLog
import Glibc
import Ingest
import Logging

/// Intake and its log without anything that reads it: what takes events from the socket to the disk.
struct IntakeAlone {
    let data: String
    let creditEvents: Int

    /// Runs until SIGTERM or SIGINT, says where it listens, and closes with an account of itself.
    func run() throws {
        // Before any thread is made, so that all of them leave the signal to this one.
        var signals = sigset_t()
        // Safety: the sets are this function's own.
        unsafe sigemptyset(&signals)
        unsafe sigaddset(&signals, SIGTERM)
        unsafe sigaddset(&signals, SIGINT)
        unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
        let log = try LogDirectory.open(data)
        defer { log.close() }
        log.startMaintenance()
        var options = IngestOptions()
        options.routerEndpoints = ["tcp://127.0.0.1:*"]
        options.creditEvents = creditEvents
        options.logger = Logger(label: "tollbook") { StreamLogHandler.standardError(label: $0) }
        let ingest = try IngestService.start(log: log, options: options)
        let output = StandardOutput()
        for endpoint in ingest.routerEndpoints { try output.writeLine("listening router \(endpoint)") }
        try output.flush()
        let (processor, allocations) = (Stopwatch.processor, AllocationCounter.count)
        var caught: Int32 = 0
        unsafe sigwait(&signals, &caught)
        ingest.stop()
        if let failure = ingest.failure { throw failure }
        let counted = AllocationCounter.count.map { "\($0 - (allocations ?? 0))" } ?? "null"
        let statistics = ingest.statistics
        try output.writeLine(
            """
            {"events":\(statistics.events),"groups":\(statistics.groups),\
            "cpu_ns":\(Stopwatch.processor - processor),"allocations":\(counted)}
            """)
        try output.flush()
    }
}
