import Testing

@testable import Events
@testable import ReadModel

struct AwaitedMomentTests {
    private func due(_ moment: inout AwaitedMoment, projected: UInt64, now: Int64, durable: UInt64) -> Int64?
    {
        moment.due(
            projected: Position(rawValue: projected), clock: { Timestamp(rawValue: now) },
            durable: { Position(rawValue: durable) }
        )?.rawValue
    }

    @Test func whereNothingIsBehindItIsThisOne() {
        var moment = AwaitedMoment()
        #expect(due(&moment, projected: 10, now: 1, durable: 10) == 1)
        #expect(due(&moment, projected: 12, now: 2, durable: 10) == 2)
    }

    /// However much comes meanwhile, and however late it is by then.
    @Test func anEarlierOneIsJudgedWhenAllOfItsTimeIsThere() {
        var moment = AwaitedMoment()
        #expect(due(&moment, projected: 4, now: 1, durable: 10) == nil)
        #expect(due(&moment, projected: 9, now: 2, durable: 90) == nil)
        #expect(due(&moment, projected: 10, now: 3, durable: 95) == 1)
        #expect(due(&moment, projected: 10, now: 4, durable: 99) == nil)
        #expect(due(&moment, projected: 98, now: 5, durable: 200) == nil)
        #expect(due(&moment, projected: 120, now: 6, durable: 300) == 4)
    }

    @Test func theClockIsAskedFirst() {
        var moment = AwaitedMoment()
        var asked: [String] = []
        _ = moment.due(projected: Position(rawValue: 1)) {
            asked.append("clock")
            return Timestamp(rawValue: 1)
        } durable: {
            asked.append("durable")
            return Position(rawValue: 1)
        }
        #expect(asked == ["clock", "durable"])
    }
}
