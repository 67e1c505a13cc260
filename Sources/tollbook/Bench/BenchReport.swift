import Glibc
import ReadModel

/// The figures of a benchmark: a row for each run as soon as it is over, and at last their medians.
///
/// A figure is a whole number with its unit in its name, so that nothing is lost by rounding and rows can be
/// compared by machines.
final class BenchReport {
    private let output = StandardOutput()
    private let writer: AnswerWriter
    private let figures: [String]
    private let labels: [(name: String, value: String)]
    private let format: OutputFormat
    private var runs: [[Int64?]] = []

    /// - Parameters:
    ///   - labels: what was measured, the same in each row.
    ///   - figures: the names of the numbers that each run gives.
    init(_ labels: [(name: String, value: String)], _ figures: [String], _ options: FormatOptions) throws {
        self.labels = labels
        self.figures = figures
        format = options.resolved(for: output)
        let columns =
            labels.map { AnswerColumn($0.name, .text) } + [AnswerColumn("run", .text)]
            + figures.map { AnswerColumn($0, .number) }
        let design =
            labels.map { TableDesign.Column.word(Self.title($0.name), $0.name) }
            + [.word("Run", "run")]
            + figures.map { name in
                .made(Self.title(name), right: true) { fields in
                    fields.integer(name).map { HumanCount.grouped(UInt64(max(0, $0))) } ?? AnswerFields.none
                }
            }
        writer = try AnswerWriter(columns, table: TableDesign(design), format: format, to: output)
    }

    /// Takes the figures of a run, in the order of their names; null what could not be measured.
    func add(_ values: [Int64?]) throws {
        runs.append(values)
        try write("\(runs.count)", values)
        if format != .table { try output.flush() }
    }

    /// Closes with the median of each figure.
    func finish() throws {
        let medians = figures.indices.map { place -> Int64? in
            let known = runs.compactMap { $0[place] }
            return known.isEmpty ? nil : Spread(known).median
        }
        try write("median", medians)
        try writer.finish(none: "runs")
        try output.flush()
    }

    private func write(_ run: String, _ values: [Int64?]) throws {
        let numbers = values.map { value -> AnswerValue in value.map { .integer($0) } ?? .null }
        try writer.write(labels.map { .text($0.value) } + [.text(run)] + numbers)
    }

    private static func title(_ name: String) -> String {
        let words = name.split(separator: "_").joined(separator: " ")
        return words.prefix(1).uppercased() + words.dropFirst()
    }
}

/// Where numbers lie.
struct Spread {
    private let sorted: [Int64]

    init(_ numbers: [Int64]) {
        sorted = numbers.sorted()
    }

    /// The one that `share` of all don't exceed; 0 where there are none.
    func quantile(_ share: Double) -> Int64 {
        guard let last = sorted.last else { return 0 }
        let place = Int((Double(sorted.count) * share).rounded(.up)) - 1
        return place < sorted.count ? sorted[max(0, place)] : last
    }

    var median: Int64 { quantile(0.5) }
    var greatest: Int64 { sorted.last ?? 0 }
}

/// Time as it passes, in nanoseconds since some moment.
enum Stopwatch {
    static var now: Int64 {
        var time = timespec()
        // Safety: writes the one struct that it is given.
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// Processor time of this process, of all its threads.
    static var processor: Int64 {
        var time = timespec()
        // Safety: writes the one struct that it is given.
        unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// So many a second.
    static func rate(_ count: Int, in nanoseconds: Int64) -> Int64 {
        Int64(Double(count) * 1e9 / Double(max(1, nanoseconds)))
    }
}
