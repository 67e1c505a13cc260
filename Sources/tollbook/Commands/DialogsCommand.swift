import ArgumentParser
import Events
import ReadModel

/// `tollbook dialogs`
struct DialogsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dialogs",
        abstract:
            "What is open now, or, with --suspect, what hung: parties, state, last proof of life, deadlines.",
        discussion: """
            “Now” is the last time that the log tells, unless --as-of says another. The table gives times from there:
            −5m 00s is five minutes ago, +5m 00s in five minutes.

            With --suspect one row for each leg that hung: that is open past its deadline, or that was ended by nobody
            who could know. Those for whose longest time nobody can vouch come first, each with the last proof of life,
            the rule that makes it hung, and what each way to treat hung calls would bill.

            EXAMPLES
              tollbook dialogs
              tollbook dialogs --as-of 2026-03-01T12:00:00Z --format csv
              tollbook dialogs --suspect
              tollbook dialogs --suspect --since 2026-03-01 --user-agent "ACME SIP 1.2" --format ndjson
            """)

    @OptionGroup var data: DataOptions
    @OptionGroup var format: FormatOptions

    @Flag(help: "The legs that hung, open ones and those that have ended, the worst first.")
    var suspect = false
    @Option(help: "Judge open legs as of this time instead of the last that the log tells.")
    var asOf: Instant?
    @Option(help: "Only calls that started at this time or later (RFC 3339 or microseconds since 1970).")
    var since: Instant?
    @Option(help: "Only calls that started before this time.")
    var until: Instant?
    @Option(help: "Only the call with this Call-ID.")
    var callid: String?
    @Option(help: "Only calls of which this source stated an event.")
    var source: String?
    @Option(help: "Only calls of this user agent, the whole of its name.")
    var userAgent: String?

    func run() throws {
        var filter = DialogFilter()
        filter.since = since?.timestamp
        filter.until = until?.timestamp
        filter.callID = callid
        filter.source = source
        filter.userAgent = userAgent
        let output = StandardOutput()
        let format = format.resolved(for: output)
        try ReadModelAccess(data.directory).read { snapshot in
            let asOf = asOf?.timestamp ?? snapshot.asOf
            if suspect {
                let writer = try AnswerWriter(
                    SuspectLeg.columns, table: .suspects, format: format, to: output)
                for leg in try snapshot.suspects(filter, asOf: asOf) {
                    try writer.write(leg.answer(because: SuspectWords.because(leg)))
                }
                try writer.finish(none: "hung legs")
            } else {
                let writer = try AnswerWriter(
                    ReadModelSnapshot.dialogColumns, table: .dialogs(asOf: asOf.rawValue), format: format,
                    to: output)
                for row in try snapshot.dialogs(filter, asOf: asOf) { try writer.write(row) }
                try writer.finish(none: "open dialogs")
            }
        }
        try output.flush()
    }
}

extension TableDesign {
    static func dialogs(asOf: Int64) -> TableDesign {
        /// Time from now to then: “+3m 05s” is to come, “−3m 05s” is past.
        @Sendable func distance(_ fields: AnswerFields, _ field: String) -> String {
            guard let time = fields.integer(field) else { return AnswerFields.none }
            let text = HumanDuration.text(microseconds: time >= asOf ? time - asOf : asOf - time)
            return (time >= asOf ? "+" : "−") + text
        }
        return TableDesign([
            .moment("Started", "started_at").droppable(3),
            .party("From", "from_uri"),
            .party("To", "to_uri"),
            .made("State") { $0.isSet("hung") ? "hung" : $0.text("state") },
            .duration("Age", "age_us"),
            .timer.droppable(2),
            .made("Refreshed", right: true) { distance($0, "last_refresh_at") },
            .made("Proof", right: true) { distance($0, "last_proof_at") }.droppable(1),
            .made("Due", right: true) { distance($0, "next_due_at") },
            .made("Deadline", right: true) { distance($0, "deadline") },
            .text("Call-ID", "callid", cellsMin: 10, wanted: 16),
        ])
    }
}
