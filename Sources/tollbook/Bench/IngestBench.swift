import Events

/// How many events a second are on disk and acknowledged, and how long each waits for that.
struct IngestBench {
    let batchEvents: Int
    let window: Int
    let events: Int
    let creditEvents: Int
    let runs: Int
    let directory: BenchDirectory

    static let figures = [
        "events_per_second", "ack_p50_ns", "ack_p99_ns", "service_ns_per_event", "events_per_sync",
        "allocations", "events",
    ]

    func run(into report: BenchReport) throws {
        let corpus = Corpus(events: BenchLimits.corpusEvents, batchEvents: batchEvents)
        let progress = ProgressReport("ingest", unit: "runs")
        for run in 0..<runs {
            try report.add(try once(corpus))
            progress.update(UInt64(run + 1), of: UInt64(runs))
        }
        progress.finish()
    }

    private func once(_ corpus: Corpus) throws -> [Int64?] {
        WarmMemory.touch(bytes: events * BenchLimits.eventBytes)
        let data = directory.fresh("ingest")
        defer { directory.remove(data) }
        let service = try ServiceUnderTest([
            "bench", "receive", "--data", data, "--credit", "\(creditEvents)",
        ])
        var sender = try BatchSender(endpoint: service.endpoint, BenchSource.origin)
        try sender.greet()
        let batches = events / batchEvents
        var latencies: [Int64] = []
        let begun = Stopwatch.now
        try sender.send(corpus, batches: batches, window: window, latencies: &latencies)
        let nanoseconds = Stopwatch.now - begun
        let account = try service.stopIntake()
        let count = batches * batchEvents
        guard account.events == Int64(count) else {
            throw CommandFailure(
                .answerIsNo, "\(count) events were acknowledged, and intake counted \(account.events)")
        }
        let spread = Spread(latencies)
        return [
            Stopwatch.rate(count, in: nanoseconds), spread.median, spread.quantile(0.99),
            account.processorNanoseconds / Int64(count), Int64(count) / max(1, account.groups),
            account.allocations,
            Int64(count),
        ]
    }
}

/// The one source of the benchmarks of intake.
enum BenchSource {
    static let origin: SourceEpoch = {
        guard let name = SourceName("bench") else { preconditionFailure("a valid name") }
        return SourceEpoch(source: name, epoch: Epoch(rawValue: 1))
    }()
}
