import Events
import Glibc
import Testing

@testable import EventLog

/// The next segment is zeroed beside the log: in small pieces while there is time, in large ones while there
/// is none, and not at all where the log wants the whole machine.
struct ZeroingTests {
    private static let segmentBytes = 8 << 20

    private static func space(_ storage: SimulatedStorage) throws -> SegmentSpace {
        try storage.makeDirectory("/log")
        return SegmentSpace(
            storage: storage, directory: "/log", id: LogID(high: 1, low: 2), segmentBytes: segmentBytes)
    }

    /// The live segment, filled so far.
    private static func tail(_ share: Double, ordinal: UInt32 = 1) -> LogTail {
        LogTail(
            segment: SegmentID(ordinal: ordinal, first: .first), offset: Int(Double(segmentBytes) * share),
            segmentBytes: segmentBytes, next: .first)
    }

    @Test func thereIsTimeWhileTheLiveSegmentIsHardlyFilled() throws {
        let storage = SimulatedStorage()
        let space = try Self.space(storage)
        var looks: [Bool] = []
        try space.prepare { hasTime in
            looks.append(hasTime)
            return true
        }
        #expect(looks == Array(repeating: true, count: Self.segmentBytes / LogLimits.zeroedBytesMin))
        #expect(space.isReady)
        #expect(try storage.open("/log/spare", .read).size() == Self.segmentBytes)
    }

    @Test func piecesAreLargeWhereThereIsNone() throws {
        let space = try Self.space(SimulatedStorage())
        space.note(Self.tail(0.9))
        var looks: [Bool] = []
        try space.prepare { hasTime in
            looks.append(hasTime)
            return true
        }
        #expect(looks == Array(repeating: false, count: Self.segmentBytes / LogLimits.zeroedBytesMax))
        #expect(space.isReady)
    }

    @Test func givingUpLeavesNothing() throws {
        let storage = SimulatedStorage()
        let space = try Self.space(storage)
        var looks = 0
        try space.prepare { _ in
            looks += 1
            return looks < 3
        }
        #expect(!space.isReady && space.failure == nil)
        #expect(try storage.entries(of: "/log") == [])
    }

    /// What goes past the cache costs the processors next to nothing.
    @Test(arguments: [false, true])
    func aLogThatWantsTheWholeMachine(_ hasDirect: Bool) throws {
        let space = try Self.space(SimulatedStorage(hasDirect: hasDirect))
        for ordinal in UInt32(1)...30 { space.note(Self.tail(0.9, ordinal: ordinal)) }
        usleep(UInt32(LogLimits.growthWatchMilliseconds) * 1_000)
        var looks: [Bool] = []
        try space.prepare { hasTime in
            looks.append(hasTime)
            return true
        }
        let pieces = hasDirect ? Self.segmentBytes / LogLimits.zeroedBytesMax : 1
        #expect(
            looks == Array(repeating: false, count: pieces),
            "some 200 MB in little more than a twentieth of a second")
        #expect(space.isReady)
    }

    @Test func growthIsThatOfAWhile() {
        let begun = ContinuousClock.now
        var growth = LogGrowth(1_000, at: begun)
        #expect(growth.now(900_000_000, at: begun + .milliseconds(1)) == 0, "a moment says little")
        #expect(growth.now(50_001_000, at: begun + .milliseconds(500)) == 100_000_000)
        #expect(growth.now(50_001_000, at: begun + .milliseconds(510)) == 100_000_000)
        #expect(growth.now(50_001_000, at: begun + .milliseconds(1_000)) == 0)
    }
}
