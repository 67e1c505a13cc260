import EventLog
import Events
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
    static func make(
        _ traffic: inout Traffic, in data: String, segmentBytes: Int = LogLimits.segmentBytesDefault
    ) throws -> Made {
        var options = LogOptions()
        options.segmentBytes = segmentBytes
        options.compression = nil
        let log = try LogDirectory.open(data, options: options)
        defer { log.close() }
        log.startMaintenance()
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
            events += batch.count
            progress.update(UInt64(events), of: nil)
        }
        try log.writer.commit(group)
        progress.finish()
        return Made(calls: traffic.callsBegun, events: events, openCalls: traffic.openCalls)
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

    /// Calls that are all open at the end, of two events each.
    static func open(calls: Int) -> TrafficSettings {
        var settings = BenchTraffic.settings(calls: calls, sources: 4)
        // So many a second that all have begun and been answered long before the first would be refreshed.
        settings.callsPerSecond = max(1, Double(calls) / 40)
        settings.durations = Durations(exponentialShare: 1, exponentialMean: 1e9, secondsMax: 1e9)
        settings.until = settings.start.advanced(by: 70_000_000)
        return settings
    }
}
