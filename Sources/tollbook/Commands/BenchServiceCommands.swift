import ArgumentParser
import Simulation

struct BenchMemory: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "memory",
        abstract: "Memory of the whole service for each open dialog.",
        discussion: """
            Dialogs are opened over the wire and stay open. What the service takes beyond 150 MB is divided among them;
            memory that files stand behind is not counted.

            EXAMPLES
              tollbook bench memory --dialogs 100000
            """)

    @OptionGroup var options: BenchOptions
    @Option(help: ArgumentHelp("Dialogs open at the end (1000000).", valueName: "n")) var dialogs: Int?

    func validate() throws {
        if let dialogs { try BenchRange.check("dialogs", dialogs, 1...10_000_000) }
    }

    func run() throws {
        let report = try BenchReport([("bench", "memory")], MemoryBench.figures, options.format)
        try MemoryBench(
            dialogs: dialogs ?? options.scaled(1_000_000), runs: options.runs ?? 1,
            directory: try BenchDirectory(options)
        ).run(into: report)
        try report.finish()
    }
}

struct BenchRestart: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restart",
        abstract: "From the start of a service that has much to its first acknowledgement.",
        discussion: """
            EXAMPLES
              tollbook bench restart --events 1000000 --dialogs 10000
            """)

    @OptionGroup var options: BenchOptions
    @Option(help: ArgumentHelp("Events in the log (10000000).", valueName: "n")) var events: Int?
    @Option(help: ArgumentHelp("Dialogs open at the end of it (100000).", valueName: "n")) var dialogs: Int?

    private var counts: (events: Int, dialogs: Int) {
        (events ?? options.scaled(10_000_000), dialogs ?? options.scaled(100_000))
    }

    func validate() throws {
        let (events, dialogs) = counts
        try BenchRange.check("dialogs", dialogs, 1...10_000_000)
        try BenchRange.check("events", events, (2 * dialogs + 4)...BenchLimits.eventsMax)
    }

    func run() throws {
        let report = try BenchReport([("bench", "restart")], RestartBench.figures, options.format)
        try RestartBench(
            events: counts.events, dialogs: counts.dialogs, runs: options.runCount,
            directory: try BenchDirectory(options)
        ).run(into: report)
        try report.finish()
    }
}

struct BenchSustained: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sustained",
        abstract: "A rate kept up by the whole service: how far the read model falls behind, and memory.",
        discussion: """
            Twenty times a second it is looked how long ago the newest event that the read model has was
            acknowledged.

            EXAMPLES
              tollbook bench sustained --rate 100000 --seconds 30
              tollbook bench sustained --rate 300000 --seconds 600
              tollbook bench sustained --rate 100000 --calls-before 20000000
            """)

    @OptionGroup var options: BenchOptions
    @Option(help: ArgumentHelp("Events a second.", valueName: "events")) var rate = 300_000
    @Option(help: ArgumentHelp("How long (60, with --quick 10).", valueName: "seconds")) var seconds: Int?
    @Option(
        help: ArgumentHelp(
            "Calls that have ended, with a record each, before it begins; further runs go on from there.",
            valueName: "n"))
    var callsBefore = 0

    func validate() throws {
        try BenchRange.check("rate", rate, 1...10_000_000)
        try BenchRange.check("calls-before", callsBefore, 0...BenchLimits.eventsMax / 4)
        if let seconds { try BenchRange.check("seconds", seconds, 1...86_400) }
    }

    func run() throws {
        let report = try BenchReport(
            [("bench", "sustained"), ("rate", "\(rate)"), ("calls_before", "\(callsBefore)")],
            SustainedBench.figures, options.format)
        try SustainedBench(
            rate: rate, seconds: seconds ?? (options.quick ? 10 : 60), callsBefore: callsBefore,
            runs: options.runs ?? 1, directory: try BenchDirectory(options)
        ).run(into: report)
        try report.finish()
    }
}

struct BenchLog: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log",
        abstract: "Makes a log to measure with.",
        discussion: """
            Events stand in it as a service would have put them there.

            EXAMPLES
              tollbook bench log --calls 1000000 --data ./bench-data --ndjson events.ndjson
              tollbook bench log --preset realistic --calls 100000 --data ./bench-data
            """)

    static let figures = ["calls", "events"]

    @OptionGroup var format: FormatOptions
    @Option(help: ArgumentHelp("A new data directory.", valueName: "dir")) var data: String
    @Option(help: ArgumentHelp("How many calls.", valueName: "n")) var calls = 1_000_000
    @Option(help: "realistic or plain (four events a call).") var preset = SimulateCommand.Preset.plain
    @Option(help: ArgumentHelp("Put the same events into this file, one a line.", valueName: "file"))
    var ndjson: String?
    @Flag(help: "Compress its full segments.") var compress = false

    func validate() throws {
        try BenchRange.check("calls", calls, 1...(BenchLimits.eventsMax / 4))
    }

    func run() throws {
        let report = try BenchReport(
            [("bench", "log"), ("preset", preset.rawValue)], Self.figures, format)
        var traffic = Traffic(settings)
        let made = try LogMaker.make(&traffic, in: data, copy: try ndjson.map { try LineFile($0) })
        if compress { try LogMaker.compress(data) }
        try report.add([Int64(made.calls), Int64(made.events)])
        try report.finish()
    }

    private var settings: TrafficSettings {
        let plain = BenchTraffic.settings(calls: calls, sources: 4)
        guard preset == .realistic else { return plain }
        return .realistic(seed: plain.seed, start: plain.start, calls: calls)
    }
}
