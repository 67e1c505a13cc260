import EventLog
import Events
import ReadModel

/// The read model held against a rebuild, table by table.
struct CheckReport {
    private let report: Comparison.Report

    /// Makes the comparison; takes as long as a rebuild.
    init(_ directory: DataDirectory) throws {
        let log = try directory.openLogForReading()
        guard directory.hasReadModel else {
            throw CommandFailure(
                .environment,
                "there is no read model at \(directory.readModelPath) to compare with: `tollbook rebuild` makes it"
            )
        }
        let progress = ProgressReport("rebuilding to compare", unit: "events")
        let end = log.durable.next.rawValue
        var comparing: ProgressReport?
        report = try Comparison.run(
            readModel: directory.readModelPath, log: log, examplesMax: CommandLimits.differencesShownMax
        ) {
            progress.update($0.rawValue - 1, of: max(end, $0.rawValue) - 1)
        } comparing: { rows in
            if comparing == nil {
                progress.finish()
                comparing = ProgressReport("comparing", unit: "rows")
            }
            comparing?.update(UInt64(rows), of: nil)
        }
        progress.finish()
        comparing?.finish()
    }

    var isEqual: Bool { report.isEqual }

    private static let columns: [AnswerColumn] = [
        AnswerColumn("table", .text), AnswerColumn("rows", .number), AnswerColumn("different", .number),
    ]

    private static let table = TableDesign([
        .word("Table", "table"), .number("Rows", "rows"), .count("Different", "different"),
    ])

    /// - Throws: the answer “no” where anything differs.
    func write(_ options: FormatOptions) throws {
        let output = StandardOutput()
        let format = options.resolved(for: output)
        let writer = try AnswerWriter(Self.columns, table: Self.table, format: format, to: output)
        for table in report.tables {
            try writer.write([
                .text(table.name), .integer(Int64(table.rows)), .integer(Int64(table.differences)),
            ])
        }
        try writer.finish(none: "tables")
        try output.flush()
        for difference in report.examples { StandardError.writeLine(Self.text(difference)) }
        let through = "events up to position \(report.next.rawValue - 1)"
        guard report.isEqual else {
            let count = report.tables.reduce(0) { $0 + $1.differences }
            throw CommandFailure(
                .answerIsNo,
                "the read model is not what the log makes of \(through): "
                    + "\(HumanCount.of(count, "row differs", "rows differ")). `tollbook rebuild` makes it anew"
            )
        }
        StandardError.writeLine("the read model is what a rebuild makes of \(through)")
    }

    private static func text(_ difference: Comparison.Difference) -> String {
        let place = "\(difference.table): \(DisplayText.harmless(difference.key))"
        switch difference.kind {
        case .missing: return "\(place): only in the rebuilt one"
        case .surplus: return "\(place): not in the rebuilt one"
        case .column(let name, let kept, let rebuilt):
            return
                "\(place): \(name) is \(DisplayText.harmless(kept)), rebuilt \(DisplayText.harmless(rebuilt))"
        }
    }
}
