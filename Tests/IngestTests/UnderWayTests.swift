import EventLog
import Events
import Glibc
import Synchronization
import Testing

@testable import Ingest

/// What comes again while the disk is still busy with it.
@Suite(.serialized)
struct UnderWayTests {
    /// So many lines that the writer's thread gets them.
    private static let many: ClosedRange<Int64> = 1...900

    /// Lends a service whose disk is busy with `many` and doesn't end.
    private static func withBusyDisk(
        _ body: (
            inout TestPeer, IngestService, LogDirectory, _ release: () -> Void
        ) throws -> Void
    ) throws {
        let directory = TemporaryDirectory()
        let faults = FickleStorage.Shared()
        let (log, service) = try BrokenDiskTests.start(
            directory, faults, segmentBytes: 8 << 20, credit: 10_000)
        faults.value.withLock { $0.holdsSyncs = true }
        // Nobody waits for ever where an expectation fails.
        defer {
            faults.value.withLock { $0.holdsSyncs = false }
            service.stop()
            log.close()
        }
        var peer = try TestPeer(.dealer, service.routerEndpoints[0])
        let lines = Sample.lines(many)
        #expect(lines.utf8.count > Limits.groupBytesSmall)
        try peer.send(Sample.batch(1, many.count), lines)
        // It's the writer's then, and what comes next goes into the other group.
        try wait(service) { $0.events == UInt64(many.count) }
        try body(&peer, service, log) { faults.value.withLock { $0.holdsSyncs = false } }
    }

    private static func wait(_ service: IngestService, until isDone: (IngestStatistics) -> Bool) throws {
        for _ in 0..<20_000 where !isDone(service.statistics) { usleep(1_000) }
        try #require(isDone(service.statistics), "\(service.statistics)")
    }

    @Test func isKnownWithoutWaitingAndAcknowledgedOnceItIsOnDisk() throws {
        try Self.withBusyDisk { peer, service, log, release in
            // In the group behind the one that is written: an event, a bad line and a conflict.
            try peer.send(Sample.batch(901, 2), Sample.lines(901...901) + "no json\n")
            try peer.send(Sample.batch(5, 1), Sample.lines(5...5, "other"))
            try Self.wait(service) { $0.events == 901 && $0.rejected == 1 && $0.conflicts == 1 }
            // Everything again, and the conflict as well.
            try peer.send(Sample.batch(1, Self.many.count), Sample.lines(Self.many))
            try peer.send(Sample.batch(901, 2), Sample.lines(901...901) + "no json\n")
            try peer.send(Sample.batch(5, 1), Sample.lines(5...5, "other"))
            try Self.wait(service) { $0.duplicates == 903 }
            #expect(log.durable.next == .first, "the disk is busy all the while")
            #expect(try peer.answer(within: 50) == nil)
            release()
            var answers: [String] = []
            while answers.last != Sample.ack(902, credit: 10_000) {
                answers.append(try #require(try peer.answer()))
            }
            #expect(service.statistics.events == 901 && service.statistics.conflicts == 1)
            var frames: [String] = []
            var reader = try log.reader()
            while let frame = try reader.next() {
                let about = frame.header.subject
                frames.append(
                    about.map { "\($0.isConflict ? "conflict" : "rejected") \($0.first.rawValue)" }
                        ?? "\(frame.header.firstSequence.rawValue) \(frame.header.count)")
            }
            #expect(frames == ["1 900", "901 1", "rejected 902", "conflict 5"])
        }
    }

    @Test func isKnownWhereNobodyWaitsForAnAnswer() throws {
        try Self.withBusyDisk { _, service, _, _ in
            let other = try TestPeer(.push, service.pullEndpoints[0])
            try other.send(Sample.batch(1, Self.many.count), Sample.lines(Self.many))
            try Self.wait(service) { $0.duplicates == 900 }
            #expect(service.statistics.events == 900 && service.statistics.conflicts == 0)
        }
    }

    @Test func isWrittenFirstWhereItIsMuch() throws {
        try Self.withBusyDisk { peer, service, _, release in
            // With the frame that is being written, as many as are looked through.
            let last = 900 + Int64(Limits.framesSearchedMax) - 1
            for number in 901...last { try peer.send(Sample.batch(number, 1), Sample.lines(number...number)) }
            try peer.send(Sample.batch(last, 1), Sample.lines(last...last))
            try Self.wait(service) { $0.events == UInt64(last) && $0.duplicates == 1 }
            // One more, and the same again waits for the disk.
            let more = last + 1
            try peer.send(Sample.batch(more, 1), Sample.lines(more...more))
            try Self.wait(service) { $0.events == UInt64(more) }
            try peer.send(Sample.batch(more, 1), Sample.lines(more...more))
            usleep(50_000)
            #expect(service.statistics.duplicates == 1)
            release()
            try Self.wait(service) { $0.duplicates == 2 }
        }
    }
}
