import ArgumentParser
import Events
import ReadModel

/// `tollbook timers`
struct TimersCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "timers",
        abstract: "Session timers (RFC 4028): leg by leg, or in sums.",
        discussion: """
            Without --by one row a leg: each point at which its session timer was set, and how the time to the next
            went. With --by one row for each hour in which calls started, source, or user agent.

            EXAMPLES
              tollbook timers --callid a84b4c76e66710@pc33
              tollbook timers --by user-agent
              tollbook timers --by hour --format csv > timers.csv
              tollbook timers --by source --as-of 2026-03-01T12:00:00Z
            """)

    enum Bucket: String, ExpressibleByArgument, CaseIterable {
        case hour, source
        case userAgent = "user-agent"

        var ofReadModel: ReadModelSnapshot.TimerBucket {
            switch self {
            case .hour: .hour
            case .source: .source
            case .userAgent: .userAgent
            }
        }
    }

    @OptionGroup var data: DataOptions
    @OptionGroup var format: FormatOptions

    @Option(help: "Sums by hour, source or user-agent.")
    var by: Bucket?
    @Option(help: "Judge open legs as of this time instead of the last that the log tells.")
    var asOf: Instant?
    @Option(help: "Only the call with this Call-ID.")
    var callid: String?

    func validate() throws {
        if by != nil, callid != nil {
            throw ValidationError("--by counts all calls: leave out --callid, or --by")
        }
    }

    func run() throws {
        let output = StandardOutput()
        let format = format.resolved(for: output)
        try ReadModelAccess(data.directory).read { snapshot in
            if let bucket = by?.ofReadModel {
                let writer = try AnswerWriter(
                    ReadModelSnapshot.statisticsColumns(by: bucket), table: .statistics(by: bucket),
                    format: format,
                    to: output)
                for row in try snapshot.statistics(by: bucket, asOf: asOf?.timestamp) {
                    try writer.write(row)
                }
                try writer.finish(none: "calls")
            } else {
                let writer = try AnswerWriter(
                    ReadModelSnapshot.timerColumns, table: .timers, format: format, to: output)
                try snapshot.timers(asOf: asOf?.timestamp, callID: callid) { try writer.write($0) }
                try writer.finish(none: "legs")
            }
        }
        try output.flush()
    }
}

extension TableDesign {
    static let timers = TableDesign([
        .text("Call-ID", "callid", cellsMin: 10),
        .text("To tag", "to_tag", cellsMin: 8),
        .made("Session timer", cellsMin: 16) { MarkLine.text($0.text("marks")) },
        .time("Expires", "expires_at").droppable(3),
        .made("Hung") { $0.isSet("hung") ? "hung" : "·" },
        .duration("Overrun", "overrun_us").droppable(1),
        .duration("Unproven", "unproven_us").droppable(2),
    ])

    static func statistics(by bucket: ReadModelSnapshot.TimerBucket) -> TableDesign {
        let first: Column =
            switch bucket {
            case .hour: .made("Hour") { CalendarTime.text($0.integer("hour") ?? 0, fractionDigits: 0) }
            case .source: .text("Source", "source")
            case .userAgent: .text("User agent", "user_agent")
            }
        return TableDesign([
            first,
            .number("Calls", "calls").droppable(2),
            .number("Answered", "answered").droppable(1),
            .made("With timer") {
                Bar.labelled($0.integer("with_timer") ?? 0, of: $0.integer("answered") ?? 0, cells: 6)
            }.droppable(2),
            .made("On time") { Bar.labelled($0.integer("on_time") ?? 0, of: Self.refreshed($0), cells: 10) },
            .count("Late", "late"), .count("Critical", "critical"), .count("Overdue", "overdue"),
            .count("Expired", "expired"), .count("422", "interval_rejections").droppable(5),
            .count("Failed", "refreshes_failed").droppable(6),
            .count("Hung", "hung"), .duration("Overrun", "overrun_us").droppable(3),
            .duration("Unproven", "unproven_us").droppable(4),
        ])
    }

    /// Intervals that were put to the test: ended and running ones were not.
    private static func refreshed(_ fields: AnswerFields) -> Int64 {
        ["on_time", "late", "critical", "overdue", "expired"].reduce(0) { $0 + (fields.integer($1) ?? 0) }
    }
}
