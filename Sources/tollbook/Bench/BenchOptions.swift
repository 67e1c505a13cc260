import ArgumentParser
import Foundation
import Glibc

/// What all benchmarks can be told.
struct BenchOptions: ParsableArguments {
    @OptionGroup var format: FormatOptions

    @Option(
        help: ArgumentHelp(
            "How many times each figure is measured (5, with --quick 3); the last row is their median.",
            valueName: "n"))
    var runs: Int?
    @Flag(help: "Measure less, for those who just want to see it: a tenth of the events, three runs.")
    var quick = false
    @Option(
        help: ArgumentHelp(
            "Where the scratch directory is made, and removed at the end; name the disk that matters.",
            valueName: "dir"))
    var scratch = "."

    func validate() throws {
        if let runs, !(1...BenchLimits.runsMax).contains(runs) {
            throw ValidationError("--runs is 1 to \(BenchLimits.runsMax)")
        }
    }

    var runCount: Int { runs ?? (quick ? 3 : 5) }

    /// How much to measure: `full`, or a tenth of it.
    func scaled(_ full: Int) -> Int { quick ? max(1, full / 10) : full }
}

/// Every maximum of the benchmarks.
enum BenchLimits {
    static let runsMax = 1_000
    /// Events of the traffic that intake is fed with again and again: more than any cache holds.
    static let corpusEvents = 1 << 18
    static let batchEventsMax = 4_096
    /// Batches that may be unacknowledged.
    static let windowBatchesMax = 16_384
    static let eventsMax = 1_000_000_000
    /// How long a service may take to answer before the benchmark gives up.
    static let answerSeconds = 60
    /// How long the read model may take to have what was sent.
    static let projectionSeconds = 1_800
    /// Events of one source that may be unacknowledged where traffic is played as it is made.
    static let windowEvents: Int64 = 16_384
    /// Calls that are there before a rate is kept up, and are stated as new ones again and again: a minute of
    /// the traffic's own time, and more than any cache holds.
    static let loopedCalls = 60_000
    /// Bytes of an event in the log, to estimate by.
    static let eventBytes = 320
    /// A bare write is measured in a file of this size, written through beforehand as segments are.
    static let bareFileBytes = 64 << 20
}

/// A directory that goes with the benchmark.
final class BenchDirectory {
    let path: String

    init(_ options: BenchOptions) throws {
        var template = Array((options.scratch + "/tollbook-bench-XXXXXX").utf8CString)
        // Safety: the call writes into the array, whose last byte is the zero that ends it.
        let made = unsafe template.withUnsafeMutableBufferPointer { buffer -> String? in
            guard let base = buffer.baseAddress, unsafe mkdtemp(base) != nil else { return nil }
            return unsafe String(cString: base)
        }
        guard let made else {
            throw CommandFailure(
                .environment,
                "no directory can be made in \(options.scratch): \(SystemError.text(errno)); name another "
                    + "with --scratch")
        }
        path = made
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// A name in it that nobody has yet.
    func fresh(_ name: String) -> String {
        count += 1
        return "\(path)/\(name)-\(count)"
    }

    private var count = 0

    func remove(_ path: String) {
        try? FileManager.default.removeItem(atPath: path)
    }
}
