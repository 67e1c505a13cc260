import ArgumentParser

/// The options of a loop that is measured by itself.
struct LoopOptions: ParsableArguments {
    @OptionGroup var options: BenchOptions
    @Option(help: ArgumentHelp("Events in a run (1048576).", valueName: "n")) var events: Int?

    func validate() throws {
        if let events { try BenchRange.check("events", events, 256...(1 << 24)) }
    }

    func run(_ loop: HotLoops.Loop) throws {
        let report = try BenchReport([("bench", loop.rawValue)], HotLoops.figures, options.format)
        try HotLoops(
            events: events ?? options.scaled(1 << 20), directory: try BenchDirectory(options)
        ).run(loop, runs: options.runCount, into: report)
        try report.finish()
    }
}

struct BenchDecode: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decode", abstract: "From bytes to checked events.",
        discussion: """
            EXAMPLES
              tollbook bench decode
            """)
    @OptionGroup var loop: LoopOptions
    func run() throws { try loop.run(.decode) }
}

struct BenchAppend: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "append", abstract: "Frames laid into a group: copy, header, checksum, no disk.",
        discussion: """
            EXAMPLES
              tollbook bench append
            """)
    @OptionGroup var loop: LoopOptions
    func run() throws { try loop.run(.append) }
}

struct BenchCommit: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "commit", abstract: "Groups of a megabyte written and synced.",
        discussion: """
            EXAMPLES
              tollbook bench commit --scratch /var/lib/tollbook
            """)
    @OptionGroup var loop: LoopOptions
    func run() throws { try loop.run(.commit) }
}

struct BenchFold: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fold", abstract: "Calls folded, their rows made and thrown away, no disk.",
        discussion: """
            Decoding is taken off the time.

            EXAMPLES
              tollbook bench fold
            """)
    @OptionGroup var loop: LoopOptions
    func run() throws { try loop.run(.fold) }
}

struct BenchCorpus: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "corpus",
        abstract: "Writes the events of the benchmarks, one a line, for other programs.",
        discussion: """
            EXAMPLES
              tollbook bench corpus --events 4000000 events.ndjson
            """)

    @Option(help: ArgumentHelp("How many; a multiple of 4096.", valueName: "n")) var events = BenchLimits
        .corpusEvents
    @Argument(help: ArgumentHelp("Where to.", valueName: "file")) var file: String

    func validate() throws {
        guard events > 0, events <= 1 << 26, events % 4_096 == 0 else {
            throw ValidationError("--events is a multiple of 4096 up to \(1 << 26), not \(events)")
        }
    }

    func run() throws {
        try Corpus(events: events, batchEvents: 64).write(to: file)
    }
}

struct BenchReceive: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "receive", abstract: "Intake and its log alone, to be measured from outside.",
        discussion: """
            Says where it listens, takes events until SIGTERM, and closes with an account of itself as JSON.

            EXAMPLES
              tollbook bench receive --data ./bench-data
            """)

    @Option(help: ArgumentHelp("A new data directory.", valueName: "dir")) var data: String
    @Option(help: ArgumentHelp("How many events a source may have unacknowledged.", valueName: "events"))
    var credit = 32_768

    func validate() throws {
        try BenchRange.check("credit", credit, 1...(1 << 24))
    }

    func run() throws { try IntakeAlone(data: data, creditEvents: credit).run() }
}
