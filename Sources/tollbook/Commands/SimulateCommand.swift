import ArgumentParser
import Events
import Ingest
import Simulation

/// `tollbook simulate`
struct SimulateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract:
            "Plays proxies: realistic traffic over ZeroMQ, seeded, with faults on request; or into a file.",
        discussion: """
            Speaks to a service as a proxy does, with acknowledgements, and ends when everything is acknowledged. The
            same seed and the same start give the same events, byte for byte.

            EXAMPLES
              tollbook simulate --calls 1000
              tollbook simulate --calls 100000 --rate 5000 --sources 8 --faults some
              tollbook simulate --seed 7 --calls 200000 --out events.ndjson
              tollbook simulate --calls 1000000 --calls-per-second 1 --late 0.01 --late-hours 168 --out late.ndjson
              tollbook simulate --lost 0.001 --duplicated 0.01 --clock-skew 250
            """)

    enum Preset: String, CaseIterable, ExpressibleByArgument {
        /// Everything that proxies see.
        case realistic
        /// Four events a call and nothing else.
        case plain
    }

    enum FaultPreset: String, CaseIterable, ExpressibleByArgument {
        case none, some
    }

    @Option(help: "Where the service takes acknowledged events.")
    var endpoint = "tcp://127.0.0.1:5590"
    @Option(
        help: ArgumentHelp(
            "Write the events into this file instead, for `import`; - is the standard output.",
            valueName: "file"))
    var out: String?
    @Option(help: "Same seed, same events.")
    var seed: UInt64 = 1
    @Option(help: "How many calls to begin.")
    var calls = 1_000
    @Option(help: ArgumentHelp("How many proxies state them.", valueName: "n"))
    var sources = 4
    @Option(
        help: ArgumentHelp(
            "Send so many events a second at most; without it as fast as it goes.", valueName: "events"))
    var rate: Double?
    @Option(
        help: ArgumentHelp(
            "How many calls begin in a second of the time that the events tell.", valueName: "n"))
    var callsPerSecond = 50.0
    @Option(
        help:
            "The time that the first event tells; without it so that the last calls begin about an hour ago, and 2026-01-01 with --out."
    )
    var start: Instant?
    @Option(help: "realistic or plain (four events a call).")
    var preset = Preset.realistic
    @Option(help: "none, or some: a little of everything that follows.")
    var faults = FaultPreset.none
    @Option(help: ArgumentHelp("Share of the batches that are said twice.", valueName: "share"))
    var duplicated: Double?
    @Option(help: ArgumentHelp("Share of the events that others overtake.", valueName: "share"))
    var outOfOrder: Double?
    @Option(help: ArgumentHelp("Share of the events that come late.", valueName: "share"))
    var late: Double?
    @Option(help: ArgumentHelp("How late they come at most; 168 is a week.", valueName: "hours"))
    var lateHours = 1.0
    @Option(help: ArgumentHelp("Share of the events that never come.", valueName: "share"))
    var lost: Double?
    @Option(help: ArgumentHelp("Share of the events that are none.", valueName: "share"))
    var invalid: Double?
    @Option(help: ArgumentHelp("How far the sources' clocks are off at most.", valueName: "milliseconds"))
    var clockSkew: Int64?

    func validate() throws {
        guard (1...SimulationPlayer.sourcesMax).contains(sources) else {
            throw ValidationError("--sources is 1 to \(SimulationPlayer.sourcesMax)")
        }
        guard calls >= 0 else { throw ValidationError("--calls is 0 or more") }
        guard callsPerSecond > 0, callsPerSecond <= 1_000_000 else {
            throw ValidationError("--calls-per-second is above 0, up to 1000000")
        }
        if let rate, !(rate > 0) { throw ValidationError("--rate is above 0") }
        for (name, share) in [
            ("duplicated", duplicated), ("out-of-order", outOfOrder), ("late", late), ("lost", lost),
            ("invalid", invalid),
        ] {
            if let share, !(0...1).contains(share) {
                throw ValidationError("--\(name) is a share from 0 to 1")
            }
        }
        if !(lateHours > 0 && lateHours <= 8_784) {
            throw ValidationError("--late-hours is above 0, up to 8784 (a year)")
        }
        if let clockSkew, !(0...86_400_000).contains(clockSkew) {
            throw ValidationError("--clock-skew is 0 to 86400000 milliseconds")
        }
    }

    func run() throws {
        var traffic = Traffic(settings)
        if let out {
            try write(&traffic, to: out)
        } else {
            try SimulationPlayer(endpoint: endpoint, rate: rate).play(&traffic)
        }
    }

    private func write(_ traffic: inout Traffic, to path: String) throws {
        var file = try TrafficFile(path: path)
        let progress = ProgressReport("writing", unit: "events")
        do throws(TrafficFileError) {
            try file.write(&traffic) { progress.update(UInt64($0), of: nil) }
        } catch {
            // The reader of a pipe has had enough.
            if error.errno == SystemError.brokenPipe { throw OutputClosed() }
            throw error
        }
        let (events, bytes) = (file.eventsWritten, file.bytesWritten)
        try file.close()
        progress.finish()
        let size = HumanCount.bytes(UInt64(bytes))
        StandardError.writeLine(
            "\(HumanCount.of(traffic.callsBegun, "call", "calls")), \(HumanCount.of(events, "event", "events")), \(size)"
        )
    }

    private var settings: TrafficSettings {
        let start = start?.timestamp ?? standardStart
        var settings =
            switch preset {
            case .realistic:
                TrafficSettings.realistic(
                    seed: seed, start: start, calls: calls, callsPerSecond: callsPerSecond, sources: sources)
            case .plain:
                TrafficSettings.plain(
                    seed: seed, start: start, calls: calls, callsPerSecond: callsPerSecond, sources: sources)
            }
        if faults == .some { settings.faults = .some }
        settings.faults.duplicated = duplicated ?? settings.faults.duplicated
        settings.faults.outOfOrder = outOfOrder ?? settings.faults.outOfOrder
        settings.faults.late = late ?? settings.faults.late
        settings.faults.lateMicroseconds = Int64(lateHours * 3_600_000_000)
        settings.faults.lost = lost ?? settings.faults.lost
        settings.faults.invalid = invalid ?? settings.faults.invalid
        if let clockSkew { settings.faults.clockSkewMicroseconds = clockSkew * 1_000 }
        // Only objects can stand inside the object that is a line of the file.
        settings.faults.invalidAsObjects = out != nil
        return settings
    }

    /// With a service the traffic lies in the past, as its clock has it, and differs from that of a run
    /// before.
    private var standardStart: Timestamp {
        guard out == nil else { return Timestamp(rawValue: 1_767_225_600_000_000) }
        let span = Double(calls) / callsPerSecond + 3_600
        return IngestOptions.wallClock().advanced(by: -Int64(min(span, 3_155_760_000) * 1_000_000))
    }
}
