import ArgumentParser
import Events
import ReadModel

/// `tollbook audit`
struct AuditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Findings: what broke RFC 4028, which calls hung, with the evidence by log position.",
        discussion: """
            A table shows sums by code and by user agent first, the worst first, then the findings. With --fail-on the
            exit status is 1 if there is a finding as grave as that, which makes it a check for scripts.

            EXAMPLES
              tollbook audit
              tollbook audit --code hung_call,session_expired --since 2026-03-01
              tollbook audit --user-agent "ACME SIP 1.2" --format csv
              tollbook audit --limit 0
              tollbook audit --since 2026-03-01 --fail-on error --format ndjson
            """)

    enum SeverityWord: String, CaseIterable, ExpressibleByArgument, KnownWords {
        case error, warning, info

        static var all: [String] { allCases.map(\.rawValue) }
        /// The greater, the graver.
        var weight: Int { self == .error ? 2 : self == .warning ? 1 : 0 }
    }

    @OptionGroup var data: DataOptions
    @OptionGroup var format: FormatOptions

    @Option(help: "Judge open calls as of this time instead of the last that the log tells.")
    var asOf: Instant?
    @Option(help: ArgumentHelp("Only these codes, separated by commas.", valueName: "codes"))
    var code: WordList<FindingWord>?
    @Option(help: ArgumentHelp("Only these severities, separated by commas.", valueName: "words"))
    var severity: WordList<SeverityWord>?
    @Option(help: "Only the call with this Call-ID.")
    var callid: String?
    @Option(help: "Only calls of which this source stated an event.")
    var source: String?
    @Option(help: "Only calls of this user agent, the whole of its name.")
    var userAgent: String?
    @Option(help: "Only findings of this time or later (RFC 3339 or microseconds since 1970).")
    var since: Instant?
    @Option(help: "Only findings before this time.")
    var until: Instant?
    @Option(help: "Exit status 1 if there is a finding of this severity or a graver one.")
    var failOn: SeverityWord?

    @Option(
        help: ArgumentHelp(
            "List so many findings at most; sums and --fail-on go by all. A table lists "
                + "\(CommandLimits.findingsListedMax) unless told otherwise, NDJSON and CSV list all.",
            valueName: "n"))
    var limit: Int?

    func validate() throws {
        if let limit, limit < 0 { throw ValidationError("--limit is 0 or more") }
    }

    func run() throws {
        var filter = FindingFilter()
        filter.codes = code?.words ?? []
        filter.severities = severity?.words ?? []
        filter.callID = callid
        filter.source = source
        filter.userAgent = userAgent
        filter.since = since?.timestamp
        filter.until = until?.timestamp
        let output = StandardOutput()
        let format = format.resolved(for: output)
        var gravest = -1
        try ReadModelAccess(data.directory).read { snapshot in
            let asOf = asOf?.timestamp ?? snapshot.asOf
            if format == .table {
                try AuditSummary(snapshot, filter, asOf: asOf).write(to: output)
            }
            let writer = try AnswerWriter(FindingRow.columns, table: .findings, format: format, to: output)
            let most = limit ?? (format == .table ? CommandLimits.findingsListedMax : Int.max)
            var left = 0
            try snapshot.findings(filter, asOf: asOf) { finding in
                gravest = max(gravest, SeverityWord(rawValue: finding.severity)?.weight ?? 0)
                if writer.count < most { try writer.write(finding.answer) } else { left += 1 }
            }
            if left > 0, format == .table {
                try writer.finish()
                try output.writeLine(
                    "and \(HumanCount.grouped(UInt64(left))) more: choose with --code, --severity, --since and the like, "
                        + "or list all with --limit \(writer.count + left)")
            } else {
                try writer.finish(none: "findings")
            }
        }
        try output.flush()
        if let failOn, gravest >= failOn.weight { throw CommandFailure(.answerIsNo) }
    }
}

enum FindingWord: KnownWords {
    static var all: [String] { FindingRow.codes }
}

extension TableDesign {
    static let findings = TableDesign([
        .time("Time", "at"),
        .word("Severity", "severity"),
        .word("Code", "code"),
        .text("Call-ID", "callid", cellsMin: 10),
        .text("To tag", "to_tag", cellsMin: 8).droppable(3),
        .made("Positions", cellsMin: 10) { $0.words("positions") }.droppable(2),
        .made("Detail", cellsMin: 16) { fields in
            let words = fields.text("detail").filter { !"{}\"".contains($0) }
            return words.replacing(",", with: ", ").replacing(":", with: "=")
        }.droppable(1),
    ])
}

/// What the findings come to, by code and by user agent, the worst first.
struct AuditSummary {
    private let codes: [AnswerRow]
    private let userAgents: [AnswerRow]

    init(_ snapshot: ReadModelSnapshot, _ filter: FindingFilter, asOf: Timestamp) throws {
        codes = try snapshot.findingsByCode(filter, asOf: asOf)
        userAgents = try snapshot.findingsByUserAgent(filter, asOf: asOf)
    }

    func write(to output: StandardOutput) throws {
        guard !codes.isEmpty else { return }
        let byCode = try AnswerWriter(
            ReadModelSnapshot.findingsByCodeColumns,
            table: TableDesign([
                .word("Severity", "severity"), .word("Code", "code"), .number("Findings", "findings"),
                .number("Calls", "calls"),
            ]), format: .table, to: output)
        for row in codes { try byCode.write(row) }
        try byCode.finish(none: "findings")
        try output.writeLine("")
        let byUserAgent = try AnswerWriter(
            ReadModelSnapshot.findingsByUserAgentColumns,
            table: TableDesign([
                .text("User agent", "user_agent"), .count("Errors", "errors"), .count("Warnings", "warnings"),
                .count("Infos", "infos"), .number("Calls", "calls"),
            ]), format: .table, to: output)
        for row in userAgents { try byUserAgent.write(row) }
        try byUserAgent.finish(none: "findings")
        try output.writeLine("")
    }
}
