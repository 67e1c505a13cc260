import ArgumentParser
import Events
import ReadModel

/// `tollbook cdrs`
struct CallRecordsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cdrs",
        abstract: "Call detail records.",
        discussion: """
            One record a leg that has ended, or a call that ended without any, in the order of their start.

            With --format opensips or kamailio they are written as SQL that fills the tables of that proxy's own call
            records (acc, missed_calls, and Kamailio's acc_cdrs), in one transaction, times in UTC.

            With --revisions one row a revision, records in the order of Call-ID and tags: a late event never edits a
            record, but makes the next revision of it, or withdraws it. What selects records selects them by any of
            their revisions, and all revisions are shown.

            EXAMPLES
              tollbook cdrs --since 2026-03-01 --until 2026-04-01 --format csv > march.csv
              tollbook cdrs --user alice --disposition answered
              tollbook cdrs --termination session_timeout,unterminated
              tollbook cdrs --callid a84b4c76e66710@pc33 --revisions
              tollbook cdrs --since 2026-03-01 --format kamailio | sqlite3 kamailio.sqlite
              tollbook cdrs --source ams --format opensips | mysql opensips
            """)

    @OptionGroup var data: DataOptions
    @OptionGroup var format: RecordFormatOptions

    @Option(help: "Only calls that started at this time or later (RFC 3339 or microseconds since 1970).")
    var since: Instant?
    @Option(help: "Only calls that started before this time.")
    var until: Instant?
    @Option(help: "Only the call with this Call-ID.")
    var callid: String?
    @Option(help: "Only calls from or to this user, or this whole URI.")
    var user: String?
    @Option(help: ArgumentHelp("Only these dispositions, separated by commas.", valueName: "words"))
    var disposition: WordList<DispositionWord>?
    @Option(help: ArgumentHelp("Only these terminations, separated by commas.", valueName: "words"))
    var termination: WordList<TerminationWord>?
    @Option(help: "Only calls of which this source stated an event.")
    var source: String?
    @Option(help: "Only calls of this user agent, the whole of its name.")
    var userAgent: String?
    @Flag(help: "All revisions of each record: what each changed, and the event that did it.")
    var revisions = false

    func validate() throws {
        if revisions, let proxy = format.format, proxy.proxy != nil {
            throw ValidationError(
                "\(proxy.rawValue) has no table for revisions: leave out --revisions, or take --format csv")
        }
    }

    func run() throws {
        var filter = CallRecordFilter()
        filter.since = since?.timestamp
        filter.until = until?.timestamp
        filter.callID = callid
        filter.user = user
        filter.disposition = disposition?.words ?? []
        filter.termination = termination?.words ?? []
        filter.source = source
        filter.userAgent = userAgent
        let output = StandardOutput()
        let proxy = format.format?.proxy
        let format = format.resolved(for: output)
        try ReadModelAccess(data.directory).read { snapshot in
            if let proxy {
                let export = try ProxyExport(
                    proxy, columns: ReadModelSnapshot.callRecordColumns, to: output)
                try snapshot.callRecords(filter) { try export.write($0) }
                try export.finish()
            } else if revisions {
                // Opened after the snapshot, so that it has every event that the snapshot knows of.
                let log = try data.directory.openLogForReading()
                let rows = RevisionRows(log)
                let writer = try AnswerWriter(
                    RevisionRows.columns, table: .revisions, format: format, to: output)
                var held: [RecordRevision] = []
                try snapshot.revisions(filter, log: log) { revision in
                    held.append(revision)
                    guard held.count >= CommandLimits.revisionsHeldMax else { return }
                    for row in try rows.answers(held) { try writer.write(row) }
                    held.removeAll(keepingCapacity: true)
                }
                for row in try rows.answers(held) { try writer.write(row) }
                try writer.finish(none: "records")
            } else {
                let writer = try AnswerWriter(
                    ReadModelSnapshot.callRecordColumns, table: .callRecords, format: format, to: output)
                try snapshot.callRecords(filter) { try writer.write($0) }
                try writer.finish(none: "records")
            }
        }
        try output.flush()
    }
}

extension TableDesign {
    static let callRecords = TableDesign([
        .moment("Started", "started_at"),
        .party("From", "from_uri"),
        .party("To", "to_uri"),
        // A leg was answered: how it ended says more.
        .made("Outcome") { fields in
            if fields["termination"] != .null { return fields.text("termination") }
            let code = fields.integer("sip_code").map { " \($0)" } ?? ""
            return fields.text("disposition") + code
        },
        .word("By", "ended_by").droppable(7),
        .duration("Setup", "setup_us").droppable(6),
        .duration("Duration", "duration_us"),
        .made("Billed", right: true) { fields in
            fields["billable_ms"] == .null ? "held" : fields.duration("billable_ms")
        }.droppable(1),
        .word("Basis", "billing_basis").droppable(2),
        .timer.droppable(5),
        .count("Refreshes", "refreshes").droppable(8),
        .made("Flags", cellsMin: 10) { $0.words("flags") }.droppable(3),
        .number("Leg", "leg").droppable(4),
        .text("Call-ID", "callid", cellsMin: 11, wanted: 20),
    ])
}
