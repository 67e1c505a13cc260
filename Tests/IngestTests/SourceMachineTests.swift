import Events
import Testing

@testable import Ingest

/// The source's side: what it sends, when it says it again, and when it stops.
struct SourceMachineTests {
    var machine = SourceMachine(
        Conversation.origin(7), heldMax: 10, resendMicroseconds: 100, heartbeatMicroseconds: 1_000)

    mutating func said(_ now: Int64) -> [String] {
        var told: [String] = []
        while let sending = machine.next(now: Timestamp(rawValue: now)) {
            switch sending {
            case .hello: told.append("hello")
            case .batch(let place): told.append("\(machine.batch(place).first)x\(machine.batch(place).count)")
            case .heartbeat(let last): told.append("heartbeat \(last.rawValue)")
            case .skip(let range): told.append("skip \(range.first)-\(range.last)")
            }
        }
        return told
    }

    mutating func heard(_ reply: Reply, at now: Int64 = 0) {
        machine.heard(reply, now: Timestamp(rawValue: now))
    }

    mutating func welcome(_ next: Int64 = 1, credit: Int64 = 100, at now: Int64 = 0) {
        heard(.welcome(log: [1], next: next, credit: credit), at: now)
    }

    mutating func put(_ count: Int) {
        machine.put([0x0A], count: count)
    }

    @Test mutating func greetsFirstAndAgainUntilItIsAnswered() {
        put(1)
        #expect(said(0) == ["hello"])
        #expect(said(99) == [])
        #expect(said(100) == ["hello"])
        welcome(at: 101)
        #expect(said(101) == ["1x1"])
    }

    @Test mutating func sendsNoMoreThanTheCreditAllows() {
        _ = said(0)
        welcome(credit: 3)
        put(2)
        put(1)
        put(1)
        #expect(said(0) == ["1x2", "3x1"])
        heard(.ack(through: 2, credit: 2))
        #expect(said(0) == ["4x1"])
        #expect(machine.unacknowledged == 2)
        heard(.ack(through: 4, credit: 0))
        put(1)
        #expect(said(0) == [])
        heard(.credit(5))
        #expect(said(0) == ["5x1"])
    }

    @Test mutating func aBatchGreaterThanTheCreditGoesAlone() {
        _ = said(0)
        welcome(credit: 3)
        put(5)
        put(1)
        #expect(said(0) == ["1x5"])
        heard(.ack(through: 5, credit: 3))
        #expect(said(0) == ["6x1"])
    }

    @Test mutating func isFullWhenItHoldsAllItMay() {
        put(9)
        #expect(!machine.isFull)
        put(1)
        #expect(machine.isFull)
    }

    @Test mutating func goesBackOnceForManyNacks() {
        _ = said(0)
        welcome()
        for _ in 1...4 { put(1) }
        _ = said(0)
        heard(.nack(expected: 2), at: 1)
        heard(.nack(expected: 2), at: 1)
        #expect(said(1) == ["2x1", "3x1", "4x1"])
        heard(.nack(expected: 2), at: 2)
        #expect(said(2) == [], "that one was for the first round")
        #expect(machine.resends == 1)
        heard(.nack(expected: 3), at: 3)
        #expect(said(3) == ["3x1", "4x1"])
    }

    @Test mutating func greetsAnewWhereNothingIsAnswered() {
        _ = said(0)
        welcome()
        put(1)
        put(1)
        #expect(said(50) == ["1x1", "2x1"])
        #expect(said(149) == [])
        #expect(said(150) == ["hello"])
        welcome(2, at: 160)
        #expect(said(160) == ["2x1"], "what the ledger has is not sent again")
    }

    @Test mutating func waitsWithoutEndWhileThereIsNoCredit() {
        _ = said(0)
        welcome(credit: 0)
        put(1)
        #expect(said(500) == [])
        #expect(said(999) == [])
        #expect(said(1_000) == ["heartbeat 1"])
        heard(.ack(through: 0, credit: 5), at: 1_001)
        #expect(said(1_001) == ["1x1"])
    }

    @Test mutating func skipsWhatAnotherLedgerHasAcknowledged() {
        _ = said(0)
        welcome()
        put(3)
        _ = said(0)
        heard(.ack(through: 3, credit: 100))
        put(1)
        machine.greet()
        #expect(said(1) == ["hello"])
        welcome(2, at: 1)
        #expect(said(1) == ["skip 2-3", "4x1"])
    }

    @Test mutating func stopsWhereItIsSupersededOrRefused() {
        _ = said(0)
        welcome()
        put(1)
        heard(.error(code: "superseded", reason: "x"))
        #expect(machine.state == .superseded)
        #expect(said(5_000) == [])
        var other = SourceMachineTests()
        _ = other.said(0)
        other.heard(.error(code: "bad_source", reason: "x"))
        #expect(other.machine.state == .refused(code: "bad_source", reason: "x"))
        var third = SourceMachineTests()
        _ = third.said(0)
        third.welcome(5)
        guard case .refused(code: "epoch_in_use", _) = third.machine.state else {
            Issue.record("the ledger has more than this source ever made")
            return
        }
    }

    @Test mutating func holdsAgainWhatCouldNotBeSent() {
        put(1)
        guard let hello = machine.next(now: Timestamp(rawValue: 0)) else { return }
        machine.takeBack(hello)
        #expect(said(1) == ["hello"])
        welcome(at: 1)
        guard let batch = machine.next(now: Timestamp(rawValue: 1)) else { return }
        machine.takeBack(batch)
        #expect(said(2) == ["1x1"])
    }

    @Test mutating func keepsItsPlaceThroughALongStream() {
        machine = SourceMachine(Conversation.origin(7), heldMax: 100_000, resendMicroseconds: 100)
        _ = said(0)
        welcome(credit: 10)
        var sent = 0
        for number: Int64 in 1...5_000 {
            put(1)
            sent += said(0).count
            heard(.ack(through: number, credit: 10))
        }
        #expect(sent == 5_000)
        #expect(machine.unacknowledged == 0)
    }
}
