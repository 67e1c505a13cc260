import Foundation
import Glibc
import Synchronization
import Testing

@testable import EventLog

/// Compression leaves the processors to others that want them, for as long as few segments wait.
@Suite("Compression pauses", .serialized)
struct CompressionPauseTests {
    private static let contended = ProcessorWait.Times(ran: 4_000_000, waited: 8_000_000)
    private static let free = ProcessorWait.Times(ran: 12_000_000, waited: 2_000_000)

    private static func pause(segmentBytes: Int = LogLimits.segmentBytesDefault) -> CompressionPause {
        CompressionPause(
            segmentBytes: segmentBytes, milliseconds: LogOptions().compressionPauseMilliseconds)
    }

    @Test("Where the processors are wanted, pauses grow up to a limit, and end with that")
    func grows() {
        var pause = Self.pause()
        let pauses = (0..<6).map { _ in pause.after(Self.contended, segments: 1) }
        #expect(pauses == [50, 100, 200, 400, 400, 400])
        #expect(pause.after(Self.free, segments: 1) == 0)
        #expect(pause.after(Self.contended, segments: 1) == 50)
    }

    @Test("A moment says little")
    func moments() {
        var pause = Self.pause()
        let moment = ProcessorWait.Times(ran: 0, waited: 3_000_000)
        // Nor is there anything to rest from.
        for _ in 0..<4 { #expect(pause.after(moment, segments: 1) == 0) }
        let work = ProcessorWait.Times(ran: 1_000_000, waited: 0)
        #expect((0..<6).map { _ in pause.after(work, segments: 1) } == [0, 0, 50, 0, 0, 50])
        // Ten of these, and nobody had to wait.
        #expect((0..<6).map { _ in pause.after(work, segments: 1) } == [0, 0, 50, 0, 0, 0])
    }

    @Test("Where many segments wait, or nobody knows how busy the processors are, it goes on")
    func many() {
        var pause = Self.pause()
        #expect(pause.after(Self.contended, segments: LogLimits.segmentsDelayedMax) == 50)
        #expect(pause.after(Self.contended, segments: LogLimits.segmentsDelayedMax + 1) == 0)
        #expect(pause.after(nil, segments: 1) == 0)
        // Large segments are fewer.
        #expect(Self.pause(segmentBytes: 256 << 20).segmentsMax == 4)
        #expect(Self.pause(segmentBytes: LogLimits.segmentBytesMax).segmentsMax == 1)
    }

    @Test("Whatever the kernel says is a number")
    func anyNumber() {
        var pause = Self.pause()
        let most = ProcessorWait.Times(ran: .max, waited: .max)
        #expect((0..<3).map { _ in pause.after(most, segments: 1) } == [0, 0, 0])
    }

    /// More threads that never rest than there are processors: each waits for a part of the time.
    @Test("The scheduler's count is read")
    func reads() async throws {
        let isOver = Atomic<Bool>(false)
        for _ in 0..<2 * ProcessInfo.processInfo.activeProcessorCount {
            Thread { while !isOver.load(ordering: .relaxed) {} }.start()
        }
        let times = try await onThread {
            // Here and not behind it: who waits is resumed when other tests leave a thread to it.
            defer { isOver.store(true, ordering: .relaxed) }
            var wait = ProcessorWait()
            var sum = ProcessorWait.Times()
            let end = ContinuousClock.now + .seconds(20)
            while sum.waited < 30_000_000 || sum.ran < 30_000_000, ContinuousClock.now < end {
                guard let times = wait.next() else { return ProcessorWait.Times?.none }
                sum.ran += times.ran
                sum.waited += times.waited
            }
            return sum
        }
        let found = try #require(times, "this system counts")
        #expect(found.ran >= 30_000_000 && found.waited >= 30_000_000)
    }

    @Test("As many segments as may wait do so while the processors are wanted, and no more")
    func waiting() throws {
        let place = Backend.simulated.makePlace()
        let log = try place.open {
            $0.processorTimes = { Self.contended }
            // Longer than this test lasts, however busy the machine is.
            $0.compressionPauseMilliseconds = 300_000...300_000
        }
        let ledger = Ledger(log)
        let waitingMax = LogLimits.segmentsDelayedMax
        while place.segmentPaths.count + place.compressedPaths.count <= waitingMax + 12 {
            try ledger.append(Ledger.source("a"), count: 10, padding: 500)
            try ledger.commit()
        }
        // All of them wait before the first is compressed.
        try log.maintain()
        log.startMaintenance()
        // The live one is plain as well.
        let end = ContinuousClock.now + .seconds(120)
        while place.segmentPaths.count > waitingMax + 1, ContinuousClock.now < end { usleep(1_000) }
        // Time enough for all of them, but for the pause.
        usleep(500_000)
        #expect(place.segmentPaths.count == waitingMax + 1)
        #expect(place.compressedPaths.count >= 11)
        // Which nobody waits for who closes the log.
        let begun = ContinuousClock.now
        log.close()
        #expect(ContinuousClock.now - begun < .seconds(120))
        let again = try place.open()
        try again.compress()
        #expect(place.segmentPaths.count == 1)
        #expect(try Ledger.read(again) == ledger.entries)
        again.close()
    }
}
