import Testing

@testable import Ingest

@Suite struct TurnPauseTests {
    @Test func looksAreApartWhileTheReadModelIsBehind() {
        var pause = TurnPause(nanosecondsMin: 1_000)
        #expect(pause.next(at: 5_000, .behind) == 0, "after a silence")
        #expect(pause.next(at: 5_300, .behind) == 700)
        #expect(pause.next(at: 6_900, .farBehind) == 100, "the look before was at 6,000")
        #expect(pause.next(at: 8_000, .behind) == 0, "just due")
        #expect(pause.next(at: 8_001, .behind) == 999)
    }

    @Test func nobodyWaitsWhileItKeepsUp() {
        var pause = TurnPause(nanosecondsMin: 1_000)
        for now in stride(from: UInt64(0), to: 5_000, by: 100) { #expect(pause.next(at: now, .current) == 0) }
        #expect(pause.next(at: 5_000, .behind) == 900, "looks meanwhile count")
    }
}
