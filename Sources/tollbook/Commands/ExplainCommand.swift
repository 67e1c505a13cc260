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
            First what happened and what is billed, in sentences. Then each event in the order of time: its position in
            the log, what it says in SIP's terms, what it did, and from when the call would have been overdue after it.
            Then attempts, legs and their session timers, and every field of every record with the rule that gives it
            and the positions that it comes from; revisions, findings, and events that did not come.

            EXAMPLES
              tollbook explain a84b4c76e66710@pc33
              tollbook explain a84b4c76e66710@pc33 --as-of 2026-03-01T12:00:00Z
              tollbook explain a84b4c76e66710@pc33 --format ndjson
            """)

    @OptionGroup var data: DataOptions
    @OptionGroup var format: FormatOptions

    @Argument(help: "The Call-ID.")
    var callid: String
    @Option(help: "Judge what is open as of this time instead of the last that the log tells.")
    var asOf: Instant?

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
            let stories = try snapshot.stories(
                callID: callid, log: log, asOf: asOf?.timestamp ?? snapshot.asOf)
            guard !stories.isEmpty else {
                throw CommandFailure(
                    .answerIsNo,
                    "the ledger knows no call with the Call-ID \(callid); `tollbook events --callid` looks at "
                        + "everything in the log")
            }
            for (place, story) in stories.enumerated() {
                let events = try Self.events(of: story, log)
                let revisions = RevisionRows(log)
                if isForPeople {
                    if place > 0 { try output.writeLine("") }
                    try StoryWriter(story, events, revisions, to: output).write()
                } else {
                    try StoryLines(story: story, events: events, revisions: revisions, output: output).write()
                }
            }
        }
        try output.flush()
    }

    /// In the order of time, fetched in the order of the log, where neighbours cost little.
    private static func events(of story: CallStory, _ log: LogDirectory) throws -> [EventLookup.Found] {
        let lookup = EventLookup(log)
        var found: [Position: EventLookup.Found] = [:]
        for position in story.events.map(\.position).sorted() {
            found[position] = try lookup.event(at: position)
        }
        return story.events.compactMap { found[$0.position] }
    }
}
