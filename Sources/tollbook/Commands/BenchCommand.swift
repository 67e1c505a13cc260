import ArgumentParser
import EventLog

/// `tollbook bench`
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measures how fast this machine runs Tollbook.",
        discussion: """
            Each benchmark makes its own data in a scratch directory and removes it. A row a run, medians last; as
            NDJSON where there is no terminal. What each figure means is in tools/bench/README.md; tools/bench/run
            holds them against other programs on the same machine.

            EXAMPLES
              tollbook bench ingest --quick
              tollbook bench latency --scratch /var/lib/tollbook
              tollbook bench rebuild --calls 1000000
              tollbook bench decode --format ndjson
            """,
        subcommands: [
            BenchIngest.self, BenchLatency.self, BenchRebuild.self, BenchVerify.self,
            BenchCompress.self,
            BenchMemory.self, BenchRestart.self, BenchSustained.self,
            BenchDecode.self, BenchAppend.self, BenchCommit.self, BenchFold.self,
            BenchCorpus.self, BenchLog.self, BenchReceive.self,
        ])
}

struct BenchIngest: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ingest",
        abstract: "Events a second, each on disk before it is acknowledged.",
        discussion: """
            Sends events of about 280 bytes to intake in a process of its own, over TCP on loopback; so many batches
            may be unacknowledged. Nothing reads the log meanwhile.

            EXAMPLES
              tollbook bench ingest
              tollbook bench ingest --batch 1 --window 4000
            """)

    @OptionGroup var options: BenchOptions
    @Option(help: ArgumentHelp("Events in a batch.", valueName: "n")) var batch = 64
    @Option(help: ArgumentHelp("Batches that may be unacknowledged.", valueName: "n")) var window = 64
    @Option(help: ArgumentHelp("Events in a run (4000000 in batches, 1000000 one by one).", valueName: "n"))
    var events: Int?

    func validate() throws {
        try BenchRange.check(batch: batch)
        try BenchRange.check("window", window, 1...BenchLimits.windowBatchesMax)
        if let events { try BenchRange.check("events", events, batch...BenchLimits.eventsMax) }
    }

    func run() throws {
        let report = try BenchReport(
            [("bench", "ingest"), ("batch", "\(batch)"), ("window", "\(window)")], IngestBench.figures,
            options.format)
        try IngestBench(
            batchEvents: batch, window: window,
            events: events ?? options.scaled(batch == 1 ? 1_000_000 : 4_000_000),
            creditEvents: max(32_768, batch * window), runs: options.runCount,
            directory: try BenchDirectory(options)
        ).run(into: report)
        try report.finish()
    }
}

struct BenchLatency: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "latency",
        abstract: "From sending a batch to its acknowledgement, beside a bare fdatasync of the same bytes.",
        discussion: """
            One batch at a time; a hundred of them and a hundred bare writes in turns.

            EXAMPLES
              tollbook bench latency
              tollbook bench latency --batch 1
            """)

    @OptionGroup var options: BenchOptions
    @Option(help: ArgumentHelp("Events in a batch.", valueName: "n")) var batch = 64
    @Option(help: ArgumentHelp("Hundreds of batches in a run.", valueName: "n")) var rounds: Int?

    func validate() throws {
        try BenchRange.check(batch: batch)
        if let rounds { try BenchRange.check("rounds", rounds, 1...100_000) }
    }

    func run() throws {
        let report = try BenchReport(
            [("bench", "latency"), ("batch", "\(batch)"), ("window", "1")], LatencyBench.figures,
            options.format)
        try LatencyBench(
            batchEvents: batch, rounds: rounds ?? options.scaled(50), runs: options.runCount,
            directory: try BenchDirectory(options)
        ).run(into: report)
        try report.finish()
    }
}

struct BenchRebuild: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rebuild",
        abstract: "The whole read model from the log: records, timers, audit, durable and indexed.",
        discussion: """
            EXAMPLES
              tollbook bench rebuild
              tollbook bench rebuild --calls 10000000 --runs 1
            """)

    @OptionGroup var options: BenchOptions
    @Option(help: ArgumentHelp("Calls of four events each (1000000).", valueName: "n")) var calls: Int?
    @Option(help: ArgumentHelp("Take the log of this data directory instead.", valueName: "dir"))
    var data: String?

    func validate() throws {
        if let calls { try BenchRange.check("calls", calls, 1...(BenchLimits.eventsMax / 4)) }
    }

    func run() throws {
        let report = try BenchReport([("bench", "rebuild")], RebuildBench.figures, options.format)
        try RebuildBench(
            calls: calls ?? options.scaled(1_000_000), runs: options.runCount,
            directory: try BenchDirectory(options), data: data
        ).run(into: report)
        try report.finish()
    }
}

struct BenchVerify: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "The log verified, beside sha256sum over the same files.",
        discussion: """
            The read model is not compared: that is a rebuild.

            EXAMPLES
              tollbook bench verify
            """)

    @OptionGroup var options: BenchOptions
    @Option(help: ArgumentHelp("Calls of four events each (1000000).", valueName: "n")) var calls: Int?

    func validate() throws {
        if let calls { try BenchRange.check("calls", calls, 1...(BenchLimits.eventsMax / 4)) }
    }

    func run() throws {
        let report = try BenchReport([("bench", "verify")], VerifyBench.figures, options.format)
        try VerifyBench(
            calls: calls ?? options.scaled(1_000_000), runs: options.runCount,
            directory: try BenchDirectory(options)
        ).run(into: report)
        try report.finish()
    }
}

struct BenchCompress: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compress",
        abstract: "Full segments compressed, and read beside plain ones.",
        discussion: """
            Of the realistic traffic of `simulate`, with 500 calls a second.

            EXAMPLES
              tollbook bench compress
              tollbook bench compress --level 9 --block-bytes 262144
            """)

    @OptionGroup var options: BenchOptions
    @Option(help: ArgumentHelp("Calls of about six events each (166000).", valueName: "n")) var calls: Int?
    @Option(help: ArgumentHelp("What zstd calls the level.", valueName: "n"))
    var level = LogLimits.compressionLevelDefault
    @Option(help: ArgumentHelp("What goes into a block.", valueName: "bytes"))
    var blockBytes = LogLimits.blockBytesDefault

    func validate() throws {
        if let calls { try BenchRange.check("calls", calls, 100...(BenchLimits.eventsMax / 6)) }
        try BenchRange.check("level", level, CompressionOptions.levels)
        try BenchRange.check("block-bytes", blockBytes, LogLimits.blockBytesMin...LogLimits.blockBytesMax)
    }

    func run() throws {
        let report = try BenchReport(
            [("bench", "compress"), ("level", "\(level)"), ("block_bytes", "\(blockBytes)")],
            CompressBench.figures, options.format)
        try CompressBench(
            calls: calls ?? options.scaled(166_000), runs: options.runCount, level: level,
            blockBytes: blockBytes, directory: try BenchDirectory(options)
        ).run(into: report)
        try report.finish()
    }
}

/// What may be asked for.
enum BenchRange {
    static func check(_ name: String, _ value: Int, _ range: ClosedRange<Int>) throws {
        guard range.contains(value) else {
            throw ValidationError("--\(name) is \(range.lowerBound) to \(range.upperBound), not \(value)")
        }
    }

    /// The corpus is cut into whole batches.
    static func check(batch: Int) throws {
        let isPower = batch > 0 && batch & (batch - 1) == 0
        guard isPower, batch <= BenchLimits.batchEventsMax else {
            throw ValidationError(
                "--batch is a power of two up to \(BenchLimits.batchEventsMax), not \(batch)")
        }
    }
}
