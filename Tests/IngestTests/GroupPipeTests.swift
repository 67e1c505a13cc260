import EventLog
import Events
import Foundation
import Synchronization
import Testing

@testable import Ingest

/// Who writes a group: the thread that fills it, or the writer's.
@Suite(.serialized)
struct GroupPipeTests {
    /// Lends a pipe into a new log on a disk whose faults the test sets.
    private static func withPipe(
        segmentBytes: Int = LogLimits.segmentBytesDefault,
        _ body: (GroupPipe, LogDirectory, FickleStorage.Shared) throws -> Void
    ) throws {
        let directory = TemporaryDirectory()
        let faults = FickleStorage.Shared()
        var options = LogOptions()
        options.segmentBytes = segmentBytes
        let log = try LogDirectory.open(directory.path, options: options, storage: FickleStorage(faults))
        defer { log.close() }
        let pipe = try GroupPipe(log: log)
        defer { pipe.stop() }
        try body(pipe, log, faults)
    }

    private static func lay(_ number: Int64, bytes: Int = 300, in pipe: GroupPipe) throws {
        let source = try #require(SourceName("p"))
        let payload = [UInt8](repeating: 0x20, count: bytes - 1) + [0x0A]
        // Safety: bytes are read as bytes.
        let position = unsafe pipe.group.append(
            .events, from: SourceEpoch(source: source, epoch: Epoch(rawValue: 7)),
            first: SequenceNumber(rawValue: number), count: 1, receivedAt: Timestamp(rawValue: 1),
            payload: payload.span.bytes)
        try #require(position != nil)
    }

    @Test func smallGroupsAreWrittenByWhoFillsThem() throws {
        try Self.withPipe { pipe, log, _ in
            #expect(!pipe.commitLittle(), "there is nothing to write")
            try Self.lay(1, in: pipe)
            #expect(pipe.commitLittle())
            #expect(pipe.durable.rawValue == 1 && pipe.isIdle && log.durable.next.rawValue == 2)
            try Self.lay(2, bytes: Limits.groupBytesSmall, in: pipe)
            #expect(!pipe.commitLittle(), "a large one is the writer's")
            try pipe.flush()
            try Self.lay(3, in: pipe)
            try Self.lay(4, in: pipe)
            #expect(!pipe.commitLittle(), "and so is what comes faster than it is written")
            try pipe.flush()
            #expect(pipe.durable.rawValue == 3 && log.durable.next.rawValue == 5)
        }
    }

    /// Where the disk is slow, the thread that fills goes on filling.
    @Test func aSlowDiskIsLeftToTheWriter() throws {
        try Self.withPipe { pipe, _, faults in
            faults.value.withLock { $0.isSlow = true }
            try Self.lay(1, in: pipe)
            #expect(pipe.commitLittle())
            faults.value.withLock { $0.isSlow = false }
            for number in 0..<Limits.groupsAfterSlowSync {
                try Self.lay(Int64(number) + 2, in: pipe)
                try #require(!pipe.commitLittle())
                try pipe.flush()
            }
            try Self.lay(Int64(Limits.groupsAfterSlowSync) + 2, in: pipe)
            #expect(pipe.commitLittle())
        }
    }

    @Test func aFullDiskIsTheWritersToWaitFor() throws {
        try Self.withPipe(segmentBytes: LogLimits.segmentBytesMin) { pipe, log, faults in
            try Self.lay(1, bytes: LogLimits.segmentBytesMin - 8_192, in: pipe)
            try pipe.flush()
            faults.value.withLock { $0.isFull = true }
            try pipe.rotate(room: 32_768)
            try Self.lay(2, bytes: 32_768, in: pipe)
            #expect(!pipe.commitLittle())
            #expect(pipe.error == nil)
            #expect(pipe.submit())
            for _ in 0..<100 where !pipe.isFull { pipe.toFiller.wait(milliseconds: 100) }
            try #require(pipe.isFull)
            #expect(pipe.underWay.map(\.frameCount) == [1])
            try Self.lay(3, in: pipe)
            try Self.lay(4, in: pipe)
            #expect(pipe.underWay.map(\.frameCount) == [1, 2])
            faults.value.withLock { $0.isFull = false }
            for _ in 0..<100 where !pipe.isIdle { pipe.toFiller.wait(milliseconds: 100) }
            #expect(log.durable.next.rawValue == 3)
            #expect(pipe.underWay.map(\.frameCount) == [2])
            try pipe.flush()
            #expect(pipe.underWay.isEmpty)
        }
    }

    /// What could not be synced is not durable, and nothing more is taken.
    @Test func aFailedSyncEndsIt() throws {
        try Self.withPipe { pipe, log, faults in
            try Self.lay(1, in: pipe)
            faults.value.withLock { $0.failsToSync = true }
            #expect(pipe.commitLittle(), "nobody else is to try")
            #expect(pipe.error?.errno == EIO)
            #expect(pipe.durable.rawValue == 0 && log.durable.next == .first)
            #expect(!pipe.commitLittle())
        }
    }
}
