import ArgumentParser
import EventLog
import Events
import ReadModel

/// `tollbook explain`
struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Everything about a call: its events, attempts, legs, session timer, records and findings.",
        discussion: """
            Read it from top to bottom: what the proxies stated, in the order of time, with the position in the log
            and who said it; what that makes of the call; the records that follow from it.

            EXAMPLES
              tollbook explain a84b4c76e66710@pc33
              tollbook explain a84b4c76e66710@pc33 --format ndjson
            """)

    @OptionGroup var data: DataOptions
    @OptionGroup var format: FormatOptions

    @Argument(help: "The Call-ID.")
    var callid: String

    func validate() throws {
        if format.format == .csv {
            throw ValidationError("a story is no table: --format is table or ndjson here")
        }
    }

    func run() throws {
        let access = try ReadModelAccess(data.directory)
        let output = StandardOutput()
        let isForPeople = format.resolved(for: output) == .table
        try access.read { snapshot in
            // Opened after the snapshot, so that it has every event that the snapshot knows of.
            let log = try data.directory.openLogForReading()
            let stories = try snapshot.stories(callID: callid, log: log, asOf: snapshot.asOf)
            guard !stories.isEmpty else {
                throw CommandFailure(
                    .answerIsNo,
                    "the ledger knows no call with the Call-ID \(callid); `tollbook events --callid` looks at "
                        + "everything in the log")
            }
            for (place, story) in stories.enumerated() {
                let writer = try StoryWriter(story, log: log, snapshot, to: output)
                if isForPeople {
                    if place > 0 { try output.writeLine("") }
                    try writer.writeText()
                } else {
                    try writer.writeJSON()
                }
            }
        }
        try output.flush()
    }
}
