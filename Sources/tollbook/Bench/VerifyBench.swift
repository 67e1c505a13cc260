import EventLog
import Foundation

/// How fast the log is verified, beside `sha256sum` over the same files.
struct VerifyBench {
    let calls: Int
    let runs: Int
    let directory: BenchDirectory

    static let figures = [
        "bytes_per_second", "sha256sum_bytes_per_second", "permille_of_sha256sum", "events_per_second",
        "bytes",
    ]

    func run(into report: BenchReport) throws {
        let data = directory.fresh("verify")
        let made = try LogMaker.makePlain(calls: calls, in: data)
        let log = try LogDirectory.openReadOnly(data)
        let files = FileSizes.names(in: log.path).filter { $0.hasSuffix(".segment") }
            .map { log.path + "/" + $0 }
        let hashed = Int(files.reduce(0) { $0 + FileSizes.file($1) })
        let progress = ProgressReport("verify", unit: "runs")
        // The first turn brings the files into memory, and isn't counted.
        for run in 0...runs {
            var begun = Stopwatch.now
            let found = try LogVerifier(log).run()
            let nanoseconds = Stopwatch.now - begun
            guard found.events == UInt64(made.events), found.badSummaries.isEmpty else {
                throw CommandFailure(
                    .answerIsNo,
                    "\(made.events) events were made, and verifying found \(found.events); summaries that "
                        + "don't fit: \(found.badSummaries.count)")
            }
            begun = Stopwatch.now
            try Self.hash(files)
            let hashNanoseconds = Stopwatch.now - begun
            progress.update(UInt64(run), of: UInt64(runs))
            guard run > 0 else { continue }
            // What lies behind the last frame is hashed and not verified, and so not counted either.
            let (own, other) = (
                Stopwatch.rate(found.bytes, in: nanoseconds), Stopwatch.rate(hashed, in: hashNanoseconds)
            )
            try report.add([
                own, other, own * 1_000 / max(1, other), Stopwatch.rate(made.events, in: nanoseconds),
                Int64(found.bytes),
            ])
        }
        progress.finish()
    }

    private static func hash(_ files: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/sha256sum")
        process.arguments = files
        process.standardOutput = FileHandle.nullDevice
        do {
            try process.run()
        } catch {
            throw CommandFailure(
                .environment, "/usr/bin/sha256sum can't be run: \(error.localizedDescription)")
        }
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw CommandFailure(.environment, "sha256sum ended with status \(process.terminationStatus)")
        }
    }
}
