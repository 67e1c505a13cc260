import Glibc

/// The time to an acknowledgement with one batch at a time, beside a bare write and `fdatasync` of the same
/// bytes, taken in turns so that both meet the same disk.
struct LatencyBench {
    let batchEvents: Int
    let rounds: Int
    let runs: Int
    let directory: BenchDirectory

    static let figures = [
        "ack_p50_ns", "ack_p99_ns", "sync_p50_ns", "sync_p99_ns", "above_p99_ns", "bytes", "samples",
    ]
    private static let turnBatches = 100

    func run(into report: BenchReport) throws {
        let corpus = Corpus(events: batchEvents * 4 * Self.turnBatches, batchEvents: batchEvents)
        let progress = ProgressReport("latency", unit: "runs")
        for run in 0..<runs {
            try report.add(try once(corpus))
            progress.update(UInt64(run + 1), of: UInt64(runs))
        }
        progress.finish()
    }

    private func once(_ corpus: Corpus) throws -> [Int64] {
        let data = directory.fresh("latency")
        defer { directory.remove(data) }
        let service = try ServiceUnderTest(["bench", "receive", "--data", data])
        var sender = try BatchSender(endpoint: service.endpoint, BenchSource.origin)
        try sender.greet()
        let bare = try BareFile(data + ".bare")
        defer { directory.remove(data + ".bare") }
        let bytes = corpus.byteCount / corpus.batchCount
        var acknowledged: [Int64] = []
        var synced: [Int64] = []
        // The first turn of each finds caches and files as they are after a start, and isn't counted.
        for turn in 0...rounds {
            var taken: [Int64] = []
            try sender.send(corpus, batches: Self.turnBatches, window: 1, latencies: &taken)
            var bareTaken: [Int64] = []
            for place in 0..<Self.turnBatches {
                bareTaken.append(try corpus.withPayload(place) { try bare.write($0) })
            }
            guard turn > 0 else { continue }
            acknowledged += taken
            synced += bareTaken
        }
        _ = try service.stopIntake()
        let (acks, syncs) = (Spread(acknowledged), Spread(synced))
        return [
            acks.median, acks.quantile(0.99), syncs.median, syncs.quantile(0.99),
            acks.quantile(0.99) - syncs.quantile(0.99), Int64(bytes), Int64(acknowledged.count),
        ]
    }
}

/// A file that was written through once, as segments of the log are: what a sync costs at least.
final class BareFile {
    private let descriptor: Int32
    private var offset = 0

    init(_ path: String) throws {
        // Safety: the path is lent for the length of the call.
        descriptor = unsafe open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw CommandFailure(.environment, "\(path) can't be made: \(SystemError.text(errno))")
        }
        let zeros = [UInt8](repeating: 0, count: 1 << 20)
        while offset < BenchLimits.bareFileBytes {
            _ = try write(zeros.span, synced: false)
        }
        guard fdatasync(descriptor) == 0 else { throw Self.failure() }
        offset = 0
    }

    deinit {
        close(descriptor)
    }

    /// Writes the bytes behind the ones before and syncs them; returns the nanoseconds that took.
    func write(_ bytes: borrowing Span<UInt8>, synced: Bool = true) throws -> Int64 {
        if offset + bytes.count > BenchLimits.bareFileBytes { offset = 0 }
        let begun = Stopwatch.now
        let count = bytes.count
        // Safety: writes what the span holds.
        let taken = unsafe bytes.withUnsafeBufferPointer {
            unsafe pwrite(descriptor, $0.baseAddress, count, offset)
        }
        guard taken == count, !synced || fdatasync(descriptor) == 0 else { throw Self.failure() }
        offset += count
        return Stopwatch.now - begun
    }

    private static func failure() -> CommandFailure {
        CommandFailure(.environment, "a bare file can't be written: \(SystemError.text(errno))")
    }
}
