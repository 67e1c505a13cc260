import EventLog
import Events
import Foundation
import Testing

@testable import Ingest

/// PUSH to PULL and PUB to SUB over real sockets: events in any order, gaps once the clock says that it is
/// time.
@Suite(.serialized)
struct UnaskedTests {
    static func alone(_ number: Int64, epoch: Int64 = 7) -> String {
        String(Sample.event(number).dropLast()) + #","source":"p","epoch":\#(epoch),"seq":\#(number)}"#
    }

    @Test func takesBatchesAndSingleEventsInAnyOrder() throws {
        let ledger = try TestLedger()
        let peer = try TestPeer(.push, ledger.service.pullEndpoints[0])
        try peer.send(Sample.batch(3, 2), Sample.lines(3...4))
        try peer.send(Self.alone(2))
        try peer.send(Sample.batch(1, 1), Sample.lines(1...1))
        #expect(ledger.wait { $0.events == 4 })
        ledger.clock.advance(microseconds: 10_000_000)
        ledger.stop()
        #expect(try ledger.frames() == ["p/7 3-4", "p/7 2-2", "p/7 1-1"])
        #expect(try ledger.events()[2] == Self.alone(2), "the bytes of a single event are kept as they came")
        #expect(ledger.service.statistics.gaps == 0)
    }

    @Test func statesWhatIsMissingOnceItsTimeIsUp() throws {
        let ledger = try TestLedger()
        let peer = try TestPeer(.push, ledger.service.pullEndpoints[0])
        try peer.send(Sample.batch(3, 1), Sample.lines(3...3))
        try peer.send(Sample.batch(6, 1), Sample.lines(6...6))
        #expect(ledger.wait { $0.events == 2 })
        ledger.clock.advance(microseconds: 4_999_999)
        try peer.send(Sample.batch(4, 1), Sample.lines(4...4))
        #expect(ledger.wait { $0.events == 3 })
        #expect(ledger.service.statistics.gaps == 0, "not yet")
        ledger.clock.advance(microseconds: 1)
        #expect(ledger.wait { $0.gaps == 2 })
        try peer.send(Sample.batch(5, 1), Sample.lines(5...5))
        #expect(ledger.wait { $0.events == 4 }, "and still taken when it comes after all")
        ledger.stop()
        #expect(
            try ledger.frames() == ["p/7 3-3", "p/7 6-6", "p/7 4-4", "gap p/7 1-2", "gap p/7 5-5", "p/7 5-5"])
        let gaps = try ledger.events(ofLedger: true)
        #expect(
            gaps[0].hasSuffix(#""from_seq":1,"to_seq":2,"after":null,"before":1700000000000003}"#),
            "\(gaps[0])")
        #expect(
            gaps[1].hasSuffix(
                #""from_seq":5,"to_seq":5,"after":1700000000000004,"before":1700000000000006}"#), "\(gaps[1])"
        )
    }

    @Test func aHeartbeatTellsOfALossAtTheEnd() throws {
        let ledger = try TestLedger()
        let peer = try TestPeer(.push, ledger.service.pullEndpoints[0])
        try peer.send(Sample.batch(1, 1), Sample.lines(1...1))
        try peer.send(Sample.heartbeat(1))
        try peer.send(Sample.heartbeat(3))
        try peer.send(Sample.batch(4, 1), Sample.lines(4...4))
        #expect(ledger.wait { $0.events == 2 })
        ledger.clock.advance(microseconds: 5_000_000)
        #expect(ledger.wait { $0.gaps == 1 })
        ledger.stop()
        #expect(try ledger.frames() == ["p/7 1-1", "p/7 4-4", "gap p/7 2-3"])
    }

    @Test func statesNothingTwiceAlsoAfterARestart() throws {
        let directory = TemporaryDirectory()
        var ledger = try TestLedger(in: directory)
        do {
            let peer = try TestPeer(.push, ledger.service.pullEndpoints[0])
            try peer.send(Sample.batch(2, 1), Sample.lines(2...2))
            #expect(ledger.wait { $0.events == 1 })
            ledger.stop()
        }
        #expect(ledger.service.statistics.gaps == 1, "what is missing at the end is stated at once")
        ledger = try TestLedger(in: directory)
        let peer = try TestPeer(.push, ledger.service.pullEndpoints[0])
        try peer.send(Sample.batch(4, 1), Sample.lines(4...4))
        #expect(ledger.wait { $0.events == 1 })
        ledger.clock.advance(microseconds: 5_000_000)
        #expect(ledger.wait { $0.gaps == 1 })
        ledger.stop()
        #expect(try ledger.frames() == ["p/7 2-2", "gap p/7 1-1", "p/7 4-4", "gap p/7 3-3"])
    }

    @Test func holdsRepetitionsAgainstTheLog() throws {
        let ledger = try TestLedger()
        let peer = try TestPeer(.push, ledger.service.pullEndpoints[0])
        try peer.send(Sample.batch(1, 2), Sample.lines(1...2))
        try peer.send(Sample.batch(1, 2), Sample.lines(1...2))
        try peer.send(Sample.batch(2, 2), Sample.lines(2...3, "other"))
        #expect(ledger.wait { $0.batches == 3 })
        ledger.stop()
        #expect(try ledger.frames() == ["p/7 1-2", "conflict p/7 2-2", "p/7 3-3"])
        #expect(ledger.service.statistics.duplicates == 2)
    }

    @Test func rejectsABadSingleEventUnderItsNumber() throws {
        let ledger = try TestLedger()
        let peer = try TestPeer(.push, ledger.service.pullEndpoints[0])
        try peer.send(#"{"type":"dialog.acked","source":"p","epoch":7,"seq":1}"#)
        let broken = "{\"type\":\"x\",\n\"time\":1,\"source\":\"p\",\"epoch\":7,\"seq\":2}"
        try peer.send(broken)
        try peer.send(broken)
        try peer.send(Self.alone(3) + "\n")
        #expect(ledger.wait { $0.batches == 4 })
        ledger.stop()
        #expect(try ledger.frames() == ["rejected p/7 1-1", "rejected p/7 2-2", "p/7 3-3"])
        #expect(try ledger.events(ofLedger: true)[1].contains(#""reason":"line_break""#))
        #expect(try ledger.events() == [Self.alone(3)])
        #expect(ledger.service.statistics.duplicates == 1)
    }

    /// Whoever says who he is takes his number, whatever else is wrong.
    @Test(arguments: [
        Self.alone(1) + " x", Self.alone(1) + "\n" + Self.alone(2),
        Self.alone(1).dropLast() + #","event":{},"seq":1}"#,
    ])
    func whatIsMoreThanOneObjectIsRejectedUnderItsNumber(_ frame: String) throws {
        let ledger = try TestLedger()
        let peer = try TestPeer(.push, ledger.service.pullEndpoints[0])
        try peer.send(frame)
        #expect(ledger.wait { $0.batches == 1 })
        ledger.stop()
        #expect(try ledger.frames() == ["rejected p/7 1-1"])
    }

    @Test(arguments: [
        ["x"], [""], ["{}"], [Sample.event(1)], [Sample.hello()], [Sample.batch(1, 1)],
        [Sample.batch(1, 2), Sample.lines(1...1)], ["topic", Sample.batch(1, 1), Sample.lines(1...1)],
        [#"{"type":"ledger.tick","time":1,"source":"ledger","epoch":7,"seq":1}"#],
        [Sample.batch(1, 1), Sample.lines(1...1), "x", "y"],
    ])
    func takesNothingElse(_ frames: [String]) throws {
        let ledger = try TestLedger()
        let peer = try TestPeer(.push, ledger.service.pullEndpoints[0])
        try peer.send(frames)
        try peer.send(Sample.batch(1, 1), Sample.lines(1...1))
        #expect(ledger.wait { $0.events == 1 })
        #expect(ledger.service.statistics.refused == 1)
        ledger.stop()
        #expect(try ledger.frames() == ["p/7 1-1"])
    }

    /// A rejected line tells no time: the event before it does.
    @Test func aGapIsBoundedByTheNearestEvents() throws {
        let ledger = try TestLedger()
        let peer = try TestPeer(.push, ledger.service.pullEndpoints[0])
        try peer.send(Sample.batch(1, 3), Sample.lines(1...2) + "bad\n")
        try peer.send(Sample.batch(6, 2), "worse\n" + Sample.lines(7...7))
        try peer.send(Sample.batch(3_000, 1), Sample.lines(3_000...3_000))
        #expect(ledger.wait { $0.batches == 3 })
        ledger.clock.advance(microseconds: 5_000_000)
        #expect(ledger.wait { $0.gaps == 2 })
        ledger.stop()
        let far = try #require(try ledger.events(ofLedger: true).last)
        let farBounds = #""after":1700000000000007,"before":1700000000003000}"#
        #expect(far.hasSuffix(#""from_seq":8,"to_seq":2999,"# + farBounds), "\(far)")
        let gap = try #require(try ledger.events(ofLedger: true).dropLast().last)
        let bounds = #""after":1700000000000002,"before":1700000000000007}"#
        #expect(gap.hasSuffix(#""from_seq":4,"to_seq":5,"# + bounds), "\(gap)")
    }

    @Test func aSubscriberTakesTopicsOrNone() throws {
        let ledger = try TestLedger()
        let peer = try TestPeer(.publisher, ledger.service.subscriberEndpoints[0])
        // A PUB drops what it has no subscriber for: say the first event until it has come.
        var tries = 0
        while ledger.service.statistics.batches == 0 {
            try peer.send(Sample.batch(1, 1), Sample.lines(1...1))
            usleep(2_000)
            tries += 1
            try #require(tries < 2_000)
        }
        try peer.send("sip", Sample.batch(2, 1), Sample.lines(2...2))
        try peer.send("sip", Self.alone(3))
        try peer.send(Self.alone(4))
        try peer.send("sip", Sample.heartbeat(6))
        try peer.send("", Self.alone(7))
        #expect(ledger.wait { $0.events == 5 })
        ledger.clock.advance(microseconds: 5_000_000)
        #expect(ledger.wait { $0.gaps == 1 })
        ledger.stop()
        #expect(
            try ledger.frames() == ["p/7 1-1", "p/7 2-2", "p/7 3-3", "p/7 4-4", "p/7 7-7", "gap p/7 5-6"])
    }
}

/// The watch over missing numbers, by itself.
struct GapWatchTests {
    let session = SessionIndex(rawValue: 0)

    func due(_ watch: inout GapWatch, _ now: Int64, all: Bool = false) -> [String] {
        watch.takeDue(now: Timestamp(rawValue: now), all: all).map { "\($0.1.first)-\($0.1.last)" }
    }

    func watch(knowing: Int64 = 0) -> GapWatch {
        var watch = GapWatch(patienceMicroseconds: 10)
        watch.begin(
            session, missing: [NumberRange(knowing + 1, NumberRange.numberMax)], now: Timestamp(rawValue: 0))
        return watch
    }

    func came(_ watch: inout GapWatch, _ first: Int64, _ last: Int64, at now: Int64) {
        watch.came(session, NumberRange(first, last), now: Timestamp(rawValue: now))
    }

    @Test func anEpochBeginsAtOne() {
        var watch = watch()
        came(&watch, 3, 3, at: 0)
        #expect(due(&watch, 9) == [])
        #expect(due(&watch, 10) == ["1-2"])
        #expect(due(&watch, 99) == [], "once")
    }

    @Test func aHoleShrinksFromEitherEndAndInTheMiddle() {
        var watch = watch()
        came(&watch, 11, 11, at: 0)
        came(&watch, 1, 1, at: 1)
        came(&watch, 10, 12, at: 2)
        came(&watch, 5, 6, at: 3)
        #expect(watch.count == 2)
        #expect(due(&watch, 10) == ["2-4", "7-9"], "and keeps its age")
    }

    @Test func aHoleThatIsFilledIsForgotten() {
        var watch = watch()
        came(&watch, 3, 3, at: 0)
        came(&watch, 6, 6, at: 0)
        came(&watch, 1, 5, at: 1)
        #expect(watch.count == 0)
        #expect(due(&watch, 99) == [])
    }

    @Test func eachHoleHasItsOwnAge() {
        var watch = watch()
        came(&watch, 2, 2, at: 0)
        came(&watch, 4, 4, at: 5)
        #expect(due(&watch, 10) == ["1-1"])
        #expect(due(&watch, 14) == [])
        #expect(due(&watch, 15) == ["3-3"])
    }

    @Test func knowsWhatTheLogKnows() {
        var watch = GapWatch(patienceMicroseconds: 10)
        watch.begin(
            session, missing: [NumberRange(2, 3), NumberRange(7, NumberRange.numberMax)],
            now: Timestamp(rawValue: 0))
        came(&watch, 8, 8, at: 1)
        #expect(due(&watch, 10) == ["2-3"])
        #expect(due(&watch, 11) == ["7-7"])
    }

    @Test func concludesEarlyWhereTooManyAreOpen() {
        var watch = watch()
        for number in 1...Int64(Limits.openGapsMax) { came(&watch, number * 2, number * 2, at: 0) }
        #expect(watch.count == Limits.openGapsMax)
        #expect(due(&watch, 1) == [])
        came(&watch, 100_000, 100_000, at: 0)
        #expect(due(&watch, 1).count == Limits.openGapsMax + 1)
    }

    @Test func whatCouldNotBeStatedIsDueAgain() {
        var watch = watch()
        came(&watch, 3, 3, at: 0)
        came(&watch, 6, 6, at: 0)
        #expect(due(&watch, 10) == ["1-2", "4-5"])
        watch.putBack(session, NumberRange(4, 5), now: Timestamp(rawValue: 10))
        watch.putBack(session, NumberRange(1, 2), now: Timestamp(rawValue: 10))
        came(&watch, 5, 5, at: 11)
        #expect(due(&watch, 11) == ["1-2", "4-4"])
        #expect(watch.count == 0)
    }

    @Test func allOfThemAreDueAtTheEnd() {
        var watch = watch()
        came(&watch, 3, 3, at: 0)
        #expect(due(&watch, 0, all: true) == ["1-2"])
    }
}
