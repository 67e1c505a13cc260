import EventLog
import Events
import Foundation
import Projections
import ReadModel

/// How long the read model takes to be made from the log: records, session timers, audit, durable and
/// indexed.
struct RebuildBench {
    let calls: Int
    let runs: Int
    let directory: BenchDirectory
    /// A log that is there already, instead of one that is made.
    var data: String?

    static let figures = [
        "nanoseconds", "events_per_second", "cdrs", "events", "read_model_bytes",
    ]

    func run(into report: BenchReport) throws {
        let data = self.data ?? directory.fresh("rebuild")
        let made = self.data == nil ? try LogMaker.makePlain(calls: calls, in: data) : nil
        let log = try LogDirectory.openReadOnly(data)
        let progress = ProgressReport("rebuild", unit: "runs")
        for run in 0..<runs {
            let path = directory.fresh("read-model")
            WarmMemory.read(filesOf: log.path)
            let begun = Stopwatch.now
            let rebuild = try Rebuild(log, at: path, recipe: Rebuild.Recipe())
            try rebuild.advance()
            try rebuild.finish()
            let nanoseconds = Stopwatch.now - begun
            let events = Int(rebuild.next.rawValue - 1)
            let records = try ReadModelReader(path: path).read { try $0.count(.records) }
            if let made, records != made.calls || events != made.events {
                throw CommandFailure(
                    .answerIsNo,
                    "\(made.calls) calls of \(made.events) events were made, and the rebuild has \(records) "
                        + "records of \(events) events")
            }
            try report.add([
                nanoseconds, Stopwatch.rate(events, in: nanoseconds), Int64(records), Int64(events),
                FileSizes.file(path),
            ])
            try Rebuild.remove(path)
            progress.update(UInt64(run + 1), of: UInt64(runs))
        }
        progress.finish()
    }
}

/// How many bytes files have.
enum FileSizes {
    static func file(_ path: String) -> Int64 {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        return (attributes?[.size] as? NSNumber)?.int64Value ?? 0
    }

    static func names(in directory: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []).sorted()
    }
}
