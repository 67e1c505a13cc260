import Testing

@testable import Events
@testable import Projections
@testable import Simulation

/// A call that was put away must be known as such however many there are, or its late events would be taken
/// for a new call's; a stranger may be taken for one, but seldom, however many there are. Tried below, at and
/// beyond the number at which keys give way to a filter, and at which one filter gives way to the next:
/// 16,384 calls fill the first, 32,768 more the second.
struct ForgottenCallsTests {
    private static func key(_ number: Int) -> CallKey {
        CallKey(callID: Array("call-\(number)@example.com".utf8), fromTag: [], seed: 11)
    }

    @Test(arguments: [1, 4_999, 5_000, 5_001, 16_384, 16_385, 49_152, 49_153, 400_000])
    func noneIsMissedAndFewStrangersAreTaken(count: Int) {
        var forgotten = ForgottenCalls(exactMax: 5_000, filterWordsFirst: 1 << 13)
        for number in 0..<count { forgotten.insert(Self.key(number)) }
        for number in 0..<count { forgotten.insert(Self.key(number)) }
        var missed = 0
        for number in 0..<count where !forgotten.contains(Self.key(number)) { missed += 1 }
        #expect(missed == 0)
        var taken = 0
        for number in count..<count + 100_000 where forgotten.contains(Self.key(number)) { taken += 1 }
        // One or two of 100,000 pass each filter that is full.
        var (fullFilters, calls) = (0, 16_384)
        while calls <= count { (fullFilters, calls) = (fullFilters + 1, calls * 2 + 16_384) }
        #expect(taken < 6 * (fullFilters + 1), "\(taken) of 100,000")
        if count <= 5_000 { #expect(taken == 0) }
    }

    /// What becomes of bytes that are put on a shelf.
    enum Fate { case kept, refused, lost }

    private final class MemoryShelf: Shelf {
        @safe
        private final class Copy: Sendable {
            // Safety: allocated in init, freed in deinit, not written in between.
            nonisolated(unsafe) let bytes: UnsafeMutableRawBufferPointer

            init(_ original: UnsafeRawBufferPointer, isLost: Bool) {
                unsafe bytes = .allocate(byteCount: original.count, alignment: 64)
                unsafe bytes.copyMemory(from: original)
                if isLost { unsafe bytes.initializeMemory(as: UInt8.self, repeating: 0) }
            }

            deinit { unsafe bytes.deallocate() }
        }

        private let fate: Fate
        private(set) var asked: [Int] = []

        init(_ fate: Fate) { self.fate = fate }

        func put(_ bytes: UnsafeRawBufferPointer) -> ShelvedBytes? {
            asked.append(bytes.count)
            if fate == .refused { return nil }
            let copy = unsafe Copy(bytes, isLost: fate == .lost)
            // Safety: the copy keeps its bytes.
            return unsafe ShelvedBytes(
                base: UnsafeRawPointer(copy.bytes.baseAddress!), count: bytes.count, owner: copy)
        }
    }

    /// What is kept in memory does not grow with the calls that ever were, and none is missed for that: nor
    /// where the shelf has no room, nor where a disk has lost what was put there.
    @Test(arguments: [Fate.kept, .refused, .lost]) func fullFiltersGoToTheShelf(fate: Fate) {
        let shelf = MemoryShelf(fate)
        var forgotten = ForgottenCalls(
            exactMax: 5_000, filterWordsFirst: 1 << 13, filterWordsMax: 1 << 14, shelf: shelf)
        // The first three are full then: 16,384, 32,768 and as many again.
        for number in 0..<81_920 { forgotten.insert(Self.key(number)) }
        // Whatever may be in one that was lost is in none besides.
        #expect(shelf.asked == (fate == .lost ? [8 << 13] : [8 << 13, 8 << 14]))
        for number in 81_920..<100_000 { forgotten.insert(Self.key(number)) }
        #expect(shelf.asked.count == (fate == .lost ? 1 : 3))
        #expect((0..<100_000).allSatisfy { forgotten.contains(Self.key($0)) })
        let taken = (100_000..<200_000).count { forgotten.contains(Self.key($0)) }
        #expect(fate == .lost || taken < 24, "\(taken) of 100,000")
    }
}
