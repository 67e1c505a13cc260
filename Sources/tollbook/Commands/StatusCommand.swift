import ArgumentParser
import EventLog
import Events
import Foundation
import Projections
import ReadModel

/// `tollbook status`
struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Sources, positions, lag, gaps, rejected events, disk.",
        discussion: """
            NDJSON is one object with all of it; CSV is the sources, one row an epoch of each.

            EXAMPLES
              tollbook status
              tollbook status --format ndjson | jq .behind
            """)

    @OptionGroup var data: DataOptions
    @OptionGroup var format: FormatOptions

    func run() throws {
        let directory = data.directory
        let log = try directory.openLogForReading()
        let access = try ReadModelAccess(directory)
        let output = StandardOutput()
        try access.read { snapshot in
            let status = try LedgerStatus(directory, log: log, snapshot)
            switch format.resolved(for: output) {
            case .table: try status.writeTable(to: output)
            case .ndjson: try status.writeJSON(to: output)
            case .csv: try status.writeSources(.csv, to: output)
            }
        }
        try output.flush()
    }
}

/// The state of a ledger at one moment.
struct LedgerStatus {
    private let facts: [(name: String, title: String, value: AnswerValue, shown: String)]
    private let sources: [AnswerRow]
    private let gaps: [AnswerRow]

    init(_ directory: DataDirectory, log: LogDirectory, _ snapshot: ReadModelSnapshot) throws {
        sources = try snapshot.sourceAccounts()
        gaps = try snapshot.missingNumbers()
        let logFiles = Self.size(of: log.path)
        let segments = try log.usage()
        let readModel = ["", "-wal", "-shm"].reduce(0) { $0 + Self.fileBytes(directory.readModelPath + $1) }
        let free = Self.freeBytes(of: directory.path)
        let end = max(log.durable.next, snapshot.next).rawValue
        let behind = end - snapshot.next.rawValue
        let rejected = sources.reduce(Int64(0)) { sum, row in
            if case .integer(let count) = row[3] { sum + count } else { sum }
        }
        func count(_ number: UInt64) -> (AnswerValue, String) {
            (.integer(Int64(number)), HumanCount.grouped(number))
        }
        func bytes(_ number: UInt64) -> (AnswerValue, String) {
            (.integer(Int64(number)), HumanCount.bytes(number))
        }
        func table(_ table: ReadModelSnapshot.CountedTable) throws -> (AnswerValue, String) {
            count(UInt64(try snapshot.count(table)))
        }
        let policy = snapshot.policy(at: .last).citation
        let asOf = snapshot.asOf.rawValue
        let list: [(String, String, (AnswerValue, String))] = [
            ("log", "Log", (.text(log.id.description), log.id.description)),
            ("events", "Events", count(end - 1)),
            ("behind", "Read model behind by", count(behind)),
            (
                "as_of", "Last time told",
                (.integer(asOf), asOf == 0 ? AnswerFields.none : CalendarTime.text(asOf))
            ),
            ("cdrs", "CDRs", try table(.records)),
            ("open_calls", "Open calls", try table(.openCalls)),
            ("findings", "Findings", try table(.findings)),
            ("rejected", "Rejected events", count(UInt64(rejected))),
            ("open_gaps", "Open gaps", count(UInt64(gaps.count))),
            (
                "policy", "Billing policy",
                (.text(policy), policy + (snapshot.isPolicyFixed ? ", for all calls" : ""))
            ),
            ("log_bytes", "Log on disk", bytes(logFiles)),
            (
                "compressed_bytes", "Of it compressed",
                (.integer(Int64(segments.compressedFileBytes)), Self.compression(segments))
            ),
            (
                "compressed_from_bytes", "Compressed from",
                bytes(UInt64(segments.compressedPlainBytes))
            ),
            ("read_model_bytes", "Read model on disk", bytes(readModel)),
            ("free_bytes", "Free on disk", bytes(free)),
        ]
        facts = list.map { ($0.0, $0.1, $0.2.0, $0.2.1) }
    }

    func writeTable(to output: StandardOutput) throws {
        let width = facts.reduce(0) { max($0, $1.title.count) }
        for fact in facts {
            let padding = String(repeating: " ", count: width - fact.title.count)
            try output.writeLine("\(fact.title)\(padding)  \(fact.shown)")
        }
        try output.writeLine("")
        try writeSources(.table, to: output)
        guard !gaps.isEmpty else { return }
        try output.writeLine("")
        let writer = try AnswerWriter(
            ReadModelSnapshot.gapColumns,
            table: TableDesign([
                .text("Missing of source", "gap_source"), .number("Epoch", "gap_epoch").droppable(3),
                .number("From", "from_seq"),
                .number("To", "to_seq"), .number("Missing", "missing"), .time("After", "after"),
                .time("Before", "before"), .number("Stated at position", "position"),
            ]), format: .table, to: output)
        for row in gaps { try writer.write(row) }
        try writer.finish(none: "gaps")
    }

    func writeSources(_ format: OutputFormat, to output: StandardOutput) throws {
        let writer = try AnswerWriter(
            ReadModelSnapshot.sourceColumns,
            table: TableDesign([
                .text("Source", "source"), .number("Epoch", "epoch").droppable(4),
                .number("Events", "events"),
                .count("Rejected", "rejected"), .count("Missing", "missing"), .number("Last seq", "last_seq"),
                .time("Last event", "last_at"), .time("Last heartbeat", "last_heartbeat_at").droppable(3),
                .number("Active", "active").droppable(1), .time("Stopped", "stopped_at").droppable(2),
            ]), format: format, to: output)
        for row in sources { try writer.write(row) }
        try writer.finish(none: "sources")
    }

    func writeJSON(to output: StandardOutput) throws {
        try output.write { bytes in
            bytes.append(UInt8(ascii: "{"))
            for fact in facts {
                JSONText.appendQuoted(fact.name.utf8, to: &bytes)
                bytes.append(UInt8(ascii: ":"))
                AnswerWriter.appendJSON(fact.value, to: &bytes)
                bytes.append(UInt8(ascii: ","))
            }
            bytes.append(contentsOf: #""sources":"#.utf8)
            AnswerWriter.appendJSON(sources, ReadModelSnapshot.sourceColumns, to: &bytes)
            bytes.append(contentsOf: #","gaps":"#.utf8)
            AnswerWriter.appendJSON(gaps, ReadModelSnapshot.gapColumns, to: &bytes)
            bytes.append(contentsOf: "}\n".utf8)
        }
    }

    /// `11.3 MiB, 3 of 5 segments, ratio 6.9`
    private static func compression(_ usage: LogUsage) -> String {
        let size = HumanCount.bytes(UInt64(usage.compressedFileBytes))
        let count = "\(usage.compressedSegments) of \(HumanCount.of(usage.segments, "segment", "segments"))"
        guard usage.compressedFileBytes > 0 else { return "\(size), \(count)" }
        let ratio = Double(usage.compressedPlainBytes) / Double(usage.compressedFileBytes)
        return "\(size), \(count), ratio \(Double(Int(ratio * 10)) / 10)"
    }

    private static func fileBytes(_ path: String) -> UInt64 {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        return (attributes?[.size] as? NSNumber)?.uint64Value ?? 0
    }

    private static func size(of directory: String) -> UInt64 {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        return names.reduce(0) { $0 + fileBytes(directory + "/" + $1) }
    }

    private static func freeBytes(of path: String) -> UInt64 {
        let attributes = try? FileManager.default.attributesOfFileSystem(forPath: path)
        return (attributes?[.systemFreeSize] as? NSNumber)?.uint64Value ?? 0
    }
}
