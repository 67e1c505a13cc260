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
        var forgotten = ForgottenCalls(exactMax: 5_000, filterWords: 1 << 13)
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
}
