import Testing

@testable import Events
@testable import Projections
@testable import Simulation

/// A call that is open is handed over whole, then what was added, and whole again where that can't be told or
/// a pass through all calls comes by.
struct OpenCallPiecesTests {
    @Test func onlyWhatWasAddedIsHandedOverAgain() throws {
        var feed = Feed([Self.event(1)], settledMax: 10)
        var (whole, known) = try Self.take(1, of: &feed)
        #expect(known == [0] && whole > 0)
        let before = whole
        (whole, known) = try Self.take(2, of: &feed)
        #expect(known == [before] && whole > before)
        // It was said whole in this pass; in the next it has to be once.
        #expect(Self.again(&feed) == 0)
        #expect(Self.again(&feed) == 1)
        #expect(Self.again(&feed) == 1)
    }

    @Test func anAdditionDoesNotCountInAPass() throws {
        var feed = Feed([Self.event(1)], settledMax: 10)
        _ = try Self.take(1, of: &feed)
        #expect(Self.again(&feed) == 0)
        #expect(try Self.take(2, of: &feed).known != [0])
        #expect(Self.again(&feed) == 1)
    }

    @Test func whatCannotBeCountedIsHandedOverWhole() throws {
        let most = Int(UInt16.max)
        for (agentBytes, isWhole) in [(most / 2 - 400, false), (most / 2, true)] {
            var feed = Feed([Self.event(1)], settledMax: 10)
            let (before, _) = try Self.take(1, of: &feed)
            try feed.take(Self.event(2, agentBytes: agentBytes))
            let (_, known) = try Self.take(3, agentBytes: agentBytes, of: &feed)
            #expect(known == [isWhole ? 0 : before], "\(agentBytes)")
        }
    }

    private static func event(_ number: Int64, agentBytes: Int = 10) -> StatedEvent {
        let agent = String(repeating: "a", count: agentBytes)
        return StatedEvent(
            position: UInt64(number), source: "edge", epoch: 1, seq: number,
            json: #"{"type":"dialog.trying","time":\#(1_700_000_000_000_000 + number),"callid":"c","#
                + #""from_tag":"f","cseq":\#(number),"user_agent":"\#(agent)"}"#)
    }

    /// Takes an event of the one call; returns how long its packed facts are then, and of how many bytes each
    /// call that is handed over is known.
    private static func take(
        _ number: Int64, agentBytes: Int = 10, of feed: inout Feed
    ) throws -> (whole: Int, known: [Int]) {
        try feed.take(event(number, agentBytes: agentBytes))
        var (whole, found) = (0, [Int]())
        feed.book.takeChanges { _, fold, known, _ in
            var rows = RowBatch()
            fold.appendPacked(from: 0, to: &rows)
            whole = rows.textBytes
            found.append(known)
        } closed: { _ in
        }
        return (whole, found)
    }

    /// How many calls a pass hands over.
    private static func again(_ feed: inout Feed) -> Int {
        var count = 0
        let isThrough = feed.book.forEachOpenAgain(places: 100) { _, _, _ in count += 1 }
        #expect(isThrough)
        return count
    }
}
