import EventLog
import Events
import Projections
import ReadModel

/// What another policy would change: first each record that is billed otherwise, then the sums.
struct PolicyDifferenceReport {
    let directory: DataDirectory
    let policy: PolicyText

    /// Writes nothing into the data directory; takes as long as a rebuild.
    func write(_ options: FormatOptions) throws {
        let log = try directory.openLogForReading()
        let recipe =
            directory.hasReadModel ? try Rebuild.Recipe(keptIn: directory.readModelPath) : Rebuild.Recipe()
        let output = StandardOutput()
        let format = options.resolved(for: output)
        let changes = try AnswerWriter(
            PolicyDifference.columns, table: .policyChanges, format: format, to: output)
        let difference = try compared(log, recipe) { try changes.write($0) }
        if format == .table {
            try changes.finish(none: "record is billed otherwise")
            try writeTables(difference, to: output)
        } else {
            for row in difference.terminations + difference.bases + [difference.totalRow] {
                try changes.write(row)
            }
        }
        try output.flush()
        let before =
            try recipe.fixedPolicy.map {
                try PolicyFile.parse(Array($0.utf8), path: "the read model's policy").citation
                    + ", which the read model bills all calls by"
            } ?? "the policies that the log states"
        StandardError.writeLine(
            """
            compared as of position \(difference.next.rawValue - 1) of the log: now billed by \(before); then all \
            calls by \(policy.policy.citation). Nothing was changed: `tollbook rebuild --policy FILE` bills so
            """)
    }

    private func compared(
        _ log: LogDirectory, _ recipe: Rebuild.Recipe, _ change: (AnswerRow) throws -> Void
    ) throws -> PolicyDifference {
        let progress = ProgressReport("reading the log to compare", unit: "events")
        let end = log.durable.next.rawValue - 1
        do {
            return try PolicyDifference(of: log, recipe: recipe, policy: policy.policy) {
                progress.update($0.rawValue - 1, of: end)
                if $0.rawValue > end { progress.finish() }
            } change: {
                try change($0)
            }
        } catch let error as ReadModelError where error.code == .database {
            throw CommandFailure(
                .environment,
                "the comparison is made in a temporary file, and that failed: \(error.detail). TMPDIR names another "
                    + "directory for it; it takes as much room as the read model")
        }
    }

    private func writeTables(_ difference: PolicyDifference, to output: StandardOutput) throws {
        for (rows, table) in [
            (difference.terminations, TableDesign.policySumsByTermination),
            (difference.bases, .policySumsByBasis),
        ] where !rows.isEmpty {
            try output.writeLine("")
            let writer = try AnswerWriter(PolicyDifference.columns, table: table, format: .table, to: output)
            for row in rows { try writer.write(row) }
            try writer.finish(none: "records")
        }
        let total = difference.total
        func time(_ milliseconds: Int64) -> String {
            HumanDuration.text(microseconds: milliseconds.multipliedReportingOverflow(by: 1000).partialValue)
        }
        try output.writeLine("")
        try output.writeLine(
            """
            \(HumanCount.grouped(UInt64(total.changed))) of \
            \(HumanCount.of(Int(total.records), "record", "records")) billed otherwise: \
            \(time(total.oldMilliseconds)) now, \(time(total.newMilliseconds)) then, a difference of \
            \(TableDesign.signed(time(total.difference), total.difference)); \(total.held) held, \
            \(total.released) released
            """)
    }
}

extension TableDesign {
    static let policyChanges = TableDesign([
        .time("Started", "started_at"),
        .text("From", "from_uri", cellsMin: 8).droppable(5),
        .text("To", "to_uri", cellsMin: 8).droppable(4),
        .word("Termination", "termination").droppable(1),
        .text("Policy", "old_policy", cellsMin: 8).droppable(6),
        .word("Basis", "old_billing_basis").droppable(2), .word("Then", "new_billing_basis").droppable(2),
        billed("Billed", "old_billable_ms"), billed("Then", "new_billable_ms"), difference,
        .text("Call-ID", "callid", cellsMin: 10),
        .text("To tag", "to_tag", cellsMin: 8).droppable(3),
    ])

    static let policySumsByTermination = TableDesign(
        [
            .made("Termination") { $0["termination"] == .null ? "unanswered" : $0.text("termination") }
        ] + policySums)

    static let policySumsByBasis = TableDesign(
        [
            .word("Basis", "old_billing_basis"), .word("Then", "new_billing_basis"),
        ] + policySums)

    private static let policySums: [Column] = [
        .number("Records", "records"), .count("Changed", "changed"), .duration("Billed", "old_billable_ms"),
        .duration("Then", "new_billable_ms"), difference, .count("Held", "held"),
        .count("Released", "released"),
    ]

    private static let difference = Column.made("Difference", right: true) { fields in
        let milliseconds = fields.integer("difference_ms") ?? 0
        return milliseconds == 0 ? "·" : signed(fields.duration("difference_ms"), milliseconds)
    }

    private static func billed(_ title: String, _ field: String) -> Column {
        .made(title, right: true) { $0[field] == .null ? "held" : $0.duration(field) }
    }

    /// A duration with its sign, also where that is a plus.
    static func signed(_ text: String, _ value: Int64) -> String { value > 0 ? "+" + text : text }
}
