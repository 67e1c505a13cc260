import ArgumentParser
import Events
import ReadModel

/// `tollbook dialogs`
struct DialogsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dialogs",
        abstract: "What is open now: parties, state, age, last refresh, next due, expiry.",
        discussion: """
            “Now” is the last time that the log tells, unless --as-of says another.

            EXAMPLES
              tollbook dialogs
              tollbook dialogs --as-of 2026-03-01T12:00:00Z --format csv
            """)

    @OptionGroup var data: DataOptions
    @OptionGroup var format: FormatOptions

    @Option(help: "Judge as of this time instead of the last that the log tells.")
    var asOf: Instant?
    @Option(help: "Only the call with this Call-ID.")
    var callid: String?

    func run() throws {
        let output = StandardOutput()
        let format = format.resolved(for: output)
        try ReadModelAccess(data.directory).read { snapshot in
            let asOf = asOf?.timestamp ?? snapshot.asOf
            let writer = try AnswerWriter(
                ReadModelSnapshot.dialogColumns, table: .dialogs(asOf: asOf.rawValue), format: format,
                to: output)
            for row in try snapshot.dialogs(asOf: asOf, callID: callid) { try writer.write(row) }
            try writer.finish(none: "open dialogs")
        }
        try output.flush()
    }
}

extension TableDesign {
    static func dialogs(asOf: Int64) -> TableDesign {
        /// Time from now to then: “in 3m 05s”, “3m 05s ago”.
        @Sendable func distance(_ fields: AnswerFields, _ field: String) -> String {
            guard let time = fields.integer(field) else { return AnswerFields.none }
            let text = HumanDuration.text(microseconds: time >= asOf ? time - asOf : asOf - time)
            return time >= asOf ? "in \(text)" : "\(text) ago"
        }
        return TableDesign([
            .time("Started", "started_at").droppable(1),
            .text("From", "from_uri", cellsMin: 8),
            .text("To", "to_uri", cellsMin: 8),
            .word("State", "state"),
            .duration("Age", "age_us"),
            .made("Timer") { fields in
                guard let interval = fields.integer("session_interval"), interval > 0 else {
                    return AnswerFields.none
                }
                return "\(interval) s" + (fields["refresher"] == .null ? "" : " " + fields.text("refresher"))
            }.droppable(2),
            .made("Last refresh", right: true) { distance($0, "last_refresh_at") }.droppable(4),
            .made("Last proof", right: true) { distance($0, "last_proof_at") }.droppable(3),
            .made("Refresh due", right: true) { distance($0, "next_due_at") }.droppable(5),
            .made("Deadline", right: true) { distance($0, "deadline") },
            .made("Hung") { $0.isSet("hung") ? "hung" : "·" },
            .text("Call-ID", "callid", cellsMin: 10),
        ])
    }
}
