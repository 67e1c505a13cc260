import EventLog
import Events
import Glibc
import Simulation

/// Makes a log of traffic without sockets: what benchmarks that read a log begin with.
struct LogMaker {
    /// What went into the log, counted by whoever made the traffic.
    struct Made {
        let calls: Int
        let events: Int
        let openCalls: Int
    }

    /// Writes all of `traffic` into a new log. What it has sealed has its summaries afterwards, and is not
    /// compressed: that would go on beside what is measured.
    ///
    /// - Parameter copy: gets the events as they are, one a line.
    static func make(
        _ traffic: inout Traffic, in data: String, segmentBytes: Int = LogLimits.segmentBytesDefault,
        copy: LineFile? = nil
    ) throws -> Made {
        var options = LogOptions()
        options.segmentBytes = segmentBytes
        options.compression = nil
        let log = try LogDirectory.open(data, options: options)
        defer { log.close() }
        let progress = ProgressReport("making a log to measure with", unit: "events")
        let group = log.makeGroup()
        group.begin(at: log.tail)
        var batch = TrafficBatch()
        var events = 0
        while traffic.next(into: &batch) {
            if try !append(batch, to: group) {
                try log.writer.commit(group)
                group.begin(
                    at: group.tail,
                    room: FrameGroup.frameBytes(payload: batch.payload.count, from: batch.source))
                guard try append(batch, to: group) else { preconditionFailure("a new group has room") }
            }
            try copy?.append(batch)
            events += batch.count
            progress.update(UInt64(events), of: nil)
        }
        try log.writer.commit(group)
        try copy?.close()
        // Sealed segments get what goes with them.
        try log.maintain()
        progress.finish()
        return Made(calls: traffic.callsBegun, events: events, openCalls: traffic.openCalls)
    }

    /// Compresses the full segments of a log, as a service does when it has nothing else to do.
    static func compress(_ data: String, level: Int = LogLimits.compressionLevelDefault) throws {
        var options = LogOptions()
        options.compression?.level = level
        let log = try LogDirectory.open(data, options: options)
        defer { log.close() }
        try log.compress()
    }

    private static func append(_ batch: borrowing TrafficBatch, to group: FrameGroup) throws -> Bool {
        batch.payload.withBytes { payload in
            group.append(
                .events, from: SourceEpoch(source: batch.source, epoch: batch.epoch),
                first: batch.firstSequence, count: batch.count, receivedAt: batch.readyAt, payload: payload)
                != nil
        }
    }

    /// Four events a call, each call over at the end.
    static func makePlain(calls: Int, in data: String) throws -> Made {
        var traffic = Traffic(BenchTraffic.settings(calls: calls, sources: 4))
        return try make(&traffic, in: data)
    }

    /// Calls that are all open at the end, of two events each, begun within the last minute before `start`.
    static func open(calls: Int, start: Timestamp, sources: Int) -> TrafficSettings {
        var settings = BenchTraffic.settings(calls: calls, sources: sources)
        // Other calls than those of the traffic that ends.
        settings.seed = 2
        // So many a second that all have begun and been answered long before the first would be refreshed.
        settings.start = start.advanced(by: -80_000_000)
        settings.callsPerSecond = max(1, Double(calls) / 40)
        settings.durations = Durations(exponentialShare: 1, exponentialMean: 1e9, secondsMax: 1e9)
        settings.until = settings.start.advanced(by: 70_000_000)
        return settings
    }
}

/// Lines on their way to a file.
final class LineFile {
    private let path: String
    private let descriptor: Int32
    private var pending: [UInt8] = []

    init(_ path: String) throws {
        self.path = path
        // Safety: the path is lent for the length of the call.
        descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw CommandFailure(
                .environment, "\(path) can't be written: \(SystemError.text(errno)); name another file")
        }
    }

    deinit {
        Glibc.close(descriptor)
    }

    func append(_ batch: borrowing TrafficBatch) throws {
        batch.payload.withBytes { payload in
            // Safety: copied during the call.
            unsafe payload.withUnsafeBytes { unsafe pending.append(contentsOf: $0) }
        }
        if pending.count >= 1 << 20 { try close() }
    }

    func append(_ bytes: [UInt8]) throws {
        pending += bytes
        try close()
    }

    /// Writes what was held back.
    func close() throws {
        var done = 0
        while done < pending.count {
            // Safety: `done` stays below the count.
            let taken = unsafe pending.withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress.map { unsafe $0 + done }, $0.count - done)
            }
            guard taken > 0 || errno == EINTR else {
                throw CommandFailure(.environment, "\(path) can't be written: \(SystemError.text(errno))")
            }
            done += max(0, taken)
        }
        pending.removeAll(keepingCapacity: true)
    }
}
