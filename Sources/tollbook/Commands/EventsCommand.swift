import ArgumentParser
import EventLog
import Events
import ReadModel

/// `tollbook events`
struct EventsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events",
        abstract: "The log: every event with its position, identity and the bytes that came.",
        discussion: """
            One JSON object a line: {"position","received_at","source","epoch","seq","event"}. That is also what
            `import` takes.

            EXAMPLES
              tollbook events > backup.ndjson
              tollbook events --from 1000000
              tollbook events --callid a84b4c76e66710@pc33 --format table
              tollbook events --follow
            """)

    @OptionGroup var data: DataOptions
    @Option(help: "ndjson (also on a terminal), csv or table.")
    var format: OutputFormat = .ndjson

    @Option(name: .customLong("from"), help: ArgumentHelp("Begin at this position.", valueName: "position"))
    var first: UInt64 = 1
    @Option(help: "Only the events of the call with this Call-ID.")
    var callid: String?
    @Flag(help: "Go on with what comes, until interrupted.")
    var follow = false

    func validate() throws {
        if first < 1 { throw ValidationError("--from is a position; the first one is 1") }
    }

    func run() throws {
        let log = try data.directory.openLogForReading()
        let start = Position(rawValue: first)
        let output = StandardOutput()
        guard start <= log.durable.next || follow else {
            throw CommandFailure(
                .environment,
                "there is no position \(start) yet: the log has \(log.durable.next.rawValue - 1) events")
        }
        let writer = try EventWriter(format: format, to: output, onlyCallID: callid)
        while follow, log.durable.next < start { try log.wait(for: log.durable.next, atMost: .seconds(1)) }
        var reader = try log.reader(from: start)
        while true {
            while let frame = try reader.next() { try writer.write(frame, from: start) }
            guard follow else { break }
            try writer.pause()
            try log.wait(for: reader.position, atMost: .seconds(1))
        }
        try writer.finish()
        try output.flush()
    }
}
