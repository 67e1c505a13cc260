import ArgumentParser
import EventLog
import Events
import ReadModel

/// `tollbook verify`
struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract:
            "Reads the whole log, checks every checksum and hash, and that the read model equals a rebuild.",
        discussion: """
            Changes nothing, and may run while a service does. Exit status 1 where anything is not as it was written.

            EXAMPLES
              tollbook verify
              tollbook verify --log-only
            """)

    @OptionGroup var data: DataOptions
    @OptionGroup var format: FormatOptions

    @Flag(help: "Leave out the comparison of the read model.")
    var logOnly = false

    func run() throws {
        let report: LogVerifier.Report
        do {
            let log = try data.directory.openLogForReading()
            let progress = ProgressReport("verifying the log", unit: "bytes")
            report = try LogVerifier(log).run { progress.update(UInt64($0), of: UInt64($1)) }
            progress.finish()
        } catch let error as LogError where error.code == .damaged {
            throw CommandFailure(.answerIsNo, "the log is damaged: \(error)")
        }
        StandardError.writeLine(
            """
            the log is as it was written: \(HumanCount.grouped(report.events)) events in \
            \(HumanCount.of(report.frames, "frame", "frames")), \(HumanCount.of(report.segments, "segment", "segments")), \
            \(HumanCount.bytes(UInt64(report.bytes)))
            """)
        if report.compressedSegments > 0 {
            StandardError.writeLine(
                """
                \(HumanCount.of(report.compressedSegments, "segment is", "segments are")) compressed \
                (\(HumanCount.bytes(UInt64(report.compressedBytes)))), and unpack to what they were, bit for bit
                """)
        }
        for path in report.badSummaries {
            StandardError.writeLine(
                "\(path) is missing or stale: remove it, and the next `serve` writes it anew")
        }
        guard !logOnly else { return }
        try CheckReport(data.directory).write(format)
        if !report.badSummaries.isEmpty { throw CommandFailure(.answerIsNo) }
    }
}
