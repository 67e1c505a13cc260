import EventLog
import Events
import Simulation

/// How fast full segments are compressed, how small they become, and how fast they are read then, beside the
/// plain ones.
struct CompressBench {
    let calls: Int
    let runs: Int
    let level: Int
    let blockBytes: Int
    let directory: BenchDirectory

    static let figures = [
        "bytes_per_thousand_events", "plain_bytes_per_second", "read_bytes_per_second",
        "permille_of_plain_read", "verify_bytes_per_second", "permille_of_plain_verify",
        "nanoseconds_per_single_event", "plain_nanoseconds_per_single_event",
    ]

    func run(into report: BenchReport) throws {
        let plain = directory.fresh("plain")
        let made = try make(in: plain)
        let progress = ProgressReport("compress", unit: "runs")
        for run in 0..<runs {
            let data = directory.fresh("compressed")
            guard try make(in: data).events == made.events else {
                preconditionFailure("the same traffic has as many events")
            }
            let compressed = try compress(data)
            // In turns, and each first once to bring the files into memory.
            var plainTimes = try measure(plain, events: made.events)
            var times = try measure(data, events: made.events)
            plainTimes = try measure(plain, events: made.events)
            times = try measure(data, events: made.events)
            try report.add([
                Int64(compressed.fileBytes * 1_000 / compressed.events),
                Stopwatch.rate(compressed.plainBytes, in: compressed.nanoseconds),
                Stopwatch.rate(times.bytes, in: times.read),
                plainTimes.read * 1_000 / max(1, times.read),
                Stopwatch.rate(times.bytes, in: times.verify),
                plainTimes.verify * 1_000 / max(1, times.verify),
                times.single, plainTimes.single,
            ])
            directory.remove(data)
            progress.update(UInt64(run + 1), of: UInt64(runs))
        }
        progress.finish()
    }

    private func make(in data: String) throws -> LogMaker.Made {
        var traffic = Traffic(
            TrafficSettings.realistic(
                seed: 1, start: Timestamp(rawValue: 1_767_225_600_000_000), calls: calls,
                callsPerSecond: 500, sources: 4))
        // Also little traffic is to fill a few segments.
        let bytes = min(
            max(calls * 250 / 4096 * 4096, LogLimits.segmentBytesMin), LogLimits.segmentBytesDefault)
        return try LogMaker.make(&traffic, in: data, segmentBytes: bytes)
    }

    /// What compressing a log came to, of its full segments alone.
    private func compress(
        _ data: String
    ) throws -> (plainBytes: Int, fileBytes: Int, events: Int, nanoseconds: Int64) {
        var options = LogOptions()
        options.compression?.level = level
        options.compression?.blockBytes = blockBytes
        let log = try LogDirectory.open(data, options: options)
        defer { log.close() }
        let begun = Stopwatch.now
        try log.compress()
        let nanoseconds = Stopwatch.now - begun
        let usage = try log.usage()
        let events = Int(log.tail.segment.first.rawValue - 1)
        guard events > 0, usage.compressedSegments == usage.segments - 1 else {
            throw CommandFailure(
                .answerIsNo,
                "\(usage.compressedSegments) of \(usage.segments) segments were compressed: ask for more calls"
            )
        }
        return (usage.compressedPlainBytes, usage.compressedFileBytes, events, nanoseconds)
    }

    /// How long it takes to read all frames, to verify the log, and to fetch an event.
    private func measure(
        _ data: String, events: Int
    ) throws -> (read: Int64, verify: Int64, single: Int64, bytes: Int) {
        let log = try LogDirectory.openReadOnly(data)
        var begun = Stopwatch.now
        var reader = try log.reader()
        var count = 0
        while let frame = try reader.next() { count += frame.header.count }
        let read = Stopwatch.now - begun
        begun = Stopwatch.now
        let report = try LogVerifier(log).run()
        let verify = Stopwatch.now - begun
        guard count == events, report.events == UInt64(events), report.badSummaries.isEmpty else {
            throw CommandFailure(
                .answerIsNo, "\(events) events were made, \(count) read, \(report.events) verified")
        }
        // Far from each other: whatever was unpacked for one is of no use for the next.
        var fetcher = log.fetcher()
        let fetched = min(events, 1_000)
        begun = Stopwatch.now
        for place in 0..<fetched {
            _ = try fetcher.event(
                at: Position(rawValue: UInt64(place * 7_919 % fetched * (events / fetched) + 1)))
        }
        return (read, verify, (Stopwatch.now - begun) / Int64(fetched), report.bytes)
    }
}
