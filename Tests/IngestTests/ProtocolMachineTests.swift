import EventLog
import Events
import Testing

@testable import Ingest

/// A conversation with the machine: what is said on the left, what it decides and answers on the right.
struct Conversation {
    var machine: ProtocolMachine
    var group = GroupNumber(rawValue: 1)
    var ledgerNumber: Int64 = 0

    init(_ table: SourceTable = SourceTable(), credit: Int = 100) {
        machine = ProtocolMachine(table: table, creditEvents: credit)
    }

    static func origin(_ epoch: Int64, _ name: String = "p") -> SourceEpoch {
        SourceEpoch(source: SourceName(name)!, epoch: Epoch(rawValue: epoch))
    }

    /// Says something as a peer and carries out the verdict, as a service would whose disk always keeps up
    /// once asked.
    mutating func say(_ request: Request, as peer: String = "A") -> [String] {
        let peer = PeerIdentity(peer)
        var told: [String] = []
        while true {
            let verdict = machine.receive(request, from: peer)
            switch verdict {
            case .done: return told + answers(peer)
            case .flush:
                told.append("flush")
                told += sync()
                continue
            case .lay(let session), .sort(let session):
                guard case .batch(_, let first, let count) = request else { return ["?"] }
                told.append(contentsOf: lay(verdict, session, first.rawValue, count))
                machine.settle(session)
                return told + answers(peer)
            case .state(let session, let ranges):
                for range in ranges {
                    ledgerNumber += 1
                    told.append("gap \(range.first)-\(range.last)")
                    machine.stated(
                        session, range, by: Self.origin(1, "ledger"), SequenceNumber(rawValue: ledgerNumber),
                        in: group)
                }
                machine.settle(session)
                return told + answers(peer)
            }
        }
    }

    private mutating func lay(
        _ verdict: ProtocolMachine.Verdict, _ session: SessionIndex, _ first: Int64, _ count: Int
    ) -> [String] {
        let range = NumberRange(first, first + Int64(count) - 1)
        guard case .sort = verdict else {
            machine.took(session, range, in: group)
            return ["lay \(range.first)-\(range.last)"]
        }
        var told: [String] = []
        for number in range.first...range.last {
            if machine.isPresent(session, number) {
                told.append("hold \(number)")
            } else {
                told.append("lay \(number)")
                machine.took(session, NumberRange(number, number), in: group)
            }
        }
        return told
    }

    mutating func batch(_ first: Int64, _ count: Int, epoch: Int64 = 7, as peer: String = "A") -> [String] {
        say(.batch(Self.origin(epoch), first: SequenceNumber(rawValue: first), count: count), as: peer)
    }

    mutating func hello(epoch: Int64 = 7, as peer: String = "A") -> [String] {
        say(.hello(Self.origin(epoch)), as: peer)
    }

    mutating func heartbeat(_ last: Int64, epoch: Int64 = 7, as peer: String = "A") -> [String] {
        say(.heartbeat(Self.origin(epoch), last: SequenceNumber(rawValue: last)), as: peer)
    }

    mutating func skip(_ first: Int64, _ last: Int64, as peer: String = "A") -> [String] {
        say(.skip(Self.origin(7), NumberRange(first, last), reason: nil), as: peer)
    }

    /// The group becomes durable.
    mutating func sync() -> [String] {
        machine.groupDurable(group)
        group = group.following
        return answers(nil)
    }

    mutating func answers(_ peer: PeerIdentity?) -> [String] {
        machine.takeActions().map { action in
            switch action {
            case .answer(let answer): Self.text(answer)
            case .send(let answer, let other):
                Self.text(answer)
                    + (other == PeerIdentity("A") ? "" : other == PeerIdentity("B") ? " @B" : " @?")
            }
        }
    }

    static func text(_ answer: Answer) -> String {
        switch answer {
        case .welcome(_, let next, let credit): "welcome \(next.rawValue) +\(credit)"
        case .ack(let origin, let through, let credit):
            "ack \(through.rawValue) +\(credit)"
                + (origin.epoch.rawValue == 7 ? "" : " e\(origin.epoch.rawValue)")
        case .nack(_, let expected): "nack \(expected.rawValue)"
        case .credit(_, let credit): "credit \(credit)"
        case .error(let refusal, _): "error \(refusal.code.rawValue)"
        }
    }
}

/// Each transition of the protocol, from both sides of each boundary.
struct ProtocolMachineTests {
    @Test func acknowledgesOnlyWhatIsOnDiskAndThenAllOfIt() {
        var talk = Conversation()
        #expect(talk.hello() == ["welcome 1 +100"])
        #expect(talk.batch(1, 3) == ["lay 1-3"])
        #expect(talk.batch(4, 2) == ["lay 4-5"])
        #expect(talk.heartbeat(5) == ["ack 0 +100"], "nothing is on disk yet")
        #expect(talk.sync() == ["ack 5 +100"], "one answer for the group")
        #expect(talk.sync() == [], "and no second one")
        #expect(talk.heartbeat(5) == ["ack 5 +100"])
    }

    @Test func promisesForAGroupOnlyWhatThatGroupHolds() {
        var talk = Conversation()
        #expect(talk.batch(1, 3) == ["lay 1-3"])
        let first = talk.group
        talk.group = first.following
        #expect(talk.batch(4, 3) == ["lay 4-6"])
        talk.machine.groupDurable(first)
        #expect(talk.answers(nil) == ["ack 3 +100"])
        #expect(talk.heartbeat(6) == ["ack 3 +100"])
        #expect(talk.sync() == ["ack 6 +100"])
    }

    @Test func promisesForManyGroupsAtOnceWhereTheNewsComesLate() {
        var talk = Conversation()
        for number: Int64 in 1...4 {
            #expect(talk.batch(number, 1) == ["lay \(number)-\(number)"])
            talk.group = talk.group.following
        }
        talk.machine.groupDurable(GroupNumber(rawValue: 3))
        #expect(talk.answers(nil).last == "ack 3 +100")
        #expect(talk.sync().last == "ack 4 +100")
    }

    @Test func asksForWhatIsMissingBeforeABatch() {
        var talk = Conversation()
        #expect(talk.batch(2, 1) == ["nack 1"])
        #expect(talk.batch(1, 2) == ["lay 1-2"])
        #expect(talk.batch(4, 1) == ["nack 3"], "also while the ones before are not on disk")
        #expect(talk.sync() == ["ack 2 +100"])
        #expect(talk.batch(4, 1) == ["nack 3"])
        #expect(talk.batch(3, 1) == ["lay 3-3"])
    }

    @Test func holdsWhatIsThereAgainstTheLogAndLaysTheRest() {
        var talk = Conversation()
        _ = talk.batch(1, 3)
        _ = talk.sync()
        #expect(
            talk.batch(1, 3) == ["hold 1", "hold 2", "hold 3", "ack 3 +100"], "acknowledged again at once")
        #expect(talk.batch(2, 3) == ["hold 2", "hold 3", "lay 4"])
        #expect(talk.sync() == ["ack 4 +100"])
    }

    @Test func aRepetitionOfWhatIsUnderWayIsAcknowledgedWithIt() {
        var talk = Conversation()
        _ = talk.batch(1, 2)
        #expect(talk.batch(1, 2) == ["hold 1", "hold 2"])
        #expect(talk.sync() == ["ack 2 +100"])
    }

    @Test func aWelcomeCountsOnlyWhatIsOnDisk() {
        var talk = Conversation()
        _ = talk.batch(1, 2)
        #expect(talk.hello() == ["flush", "ack 2 +100", "welcome 3 +100"])
        _ = talk.batch(3, 2)
        talk.machine.setIntake(.closed)
        #expect(talk.hello() == ["welcome 3 +0"], "what can't be made durable is not counted")
    }

    @Test func aConflictIsAnsweredOnceItIsOnRecord() {
        var talk = Conversation()
        _ = talk.batch(1, 1)
        _ = talk.sync()
        let session = talk.machine.place(of: Conversation.origin(7))
        talk.machine.noted(session, in: talk.group)
        talk.machine.settle(session)
        #expect(talk.answers(nil) == [])
        #expect(talk.sync() == ["ack 1 +100"])
    }

    @Test func knowsAfterARestartWhatTheLogSays() {
        var table = SourceTable()
        let origin = Conversation.origin(7)
        table.record(.events, from: origin, first: SequenceNumber(rawValue: 1), count: 5, about: nil)
        var talk = Conversation(table)
        #expect(talk.hello() == ["welcome 6 +100"])
        #expect(talk.batch(4, 3) == ["hold 4", "hold 5", "lay 6"])
        #expect(talk.sync() == ["ack 6 +100"])
        #expect(talk.batch(8, 1) == ["nack 7"])
    }

    @Test func fillsHolesAndGoesOnBehindWhatLiesBeyondThem() {
        var table = SourceTable()
        let origin = Conversation.origin(7)
        table.record(.events, from: origin, first: SequenceNumber(rawValue: 3), count: 2, about: nil)
        var talk = Conversation(table)
        #expect(talk.hello() == ["welcome 1 +100"])
        #expect(talk.batch(1, 1) == ["lay 1-1"])
        #expect(talk.batch(2, 2) == ["lay 2", "hold 3"])
        #expect(talk.sync() == ["ack 4 +100"], "2 closes the hole, and 3 and 4 were there")
        #expect(talk.batch(5, 2) == ["lay 5-6"])
    }

    @Test func aSkipIsStatedOnceAndCounted() {
        var talk = Conversation()
        _ = talk.batch(1, 2)
        #expect(talk.skip(3, 5) == ["flush", "ack 2 +100", "gap 3-5"])
        #expect(talk.sync() == ["ack 5 +100"])
        #expect(talk.skip(3, 5) == ["ack 5 +100"], "said again: nothing is stated again")
        #expect(talk.skip(2, 7) == ["gap 6-7"], "of what is known nothing is stated")
        _ = talk.sync()
        #expect(talk.skip(9, 9) == ["nack 8"])
        #expect(talk.batch(8, 1) == ["lay 8-8"])
    }

    @Test func whatWasSkippedMayStillCome() {
        var talk = Conversation()
        _ = talk.skip(1, 3)
        #expect(talk.sync() == ["ack 3 +100"])
        #expect(talk.batch(1, 3) == ["lay 1-3"])
        #expect(talk.sync() == ["ack 3 +100"])
    }

    @Test func aHeartbeatAppendsNothingHoweverFarItPoints() {
        var talk = Conversation()
        #expect(talk.heartbeat(1_000) == ["ack 0 +100"])
        #expect(talk.batch(1, 1) == ["lay 1-1"])
    }

    @Test func epochsAreIndependentAndAnOldOneStillDelivers() {
        var talk = Conversation()
        _ = talk.hello(epoch: 8)
        #expect(talk.batch(1, 2, epoch: 8) == ["lay 1-2"])
        #expect(talk.hello(epoch: 7) == ["welcome 1 +100"])
        #expect(talk.batch(1, 1, epoch: 7) == ["lay 1-1"])
        #expect(talk.sync() == ["ack 2 +100 e8", "ack 1 +100"])
    }

    @Test func theNewerOfTwoConnectionsSpeaksForAnEpoch() {
        var talk = Conversation()
        _ = talk.hello(as: "B")
        #expect(talk.hello() == ["error superseded @B", "welcome 1 +100"])
        #expect(talk.batch(1, 1, as: "B") == ["error superseded"])
        #expect(talk.heartbeat(1, as: "B") == ["error superseded"])
        #expect(talk.skip(1, 1, as: "B") == ["error superseded"])
        #expect(talk.batch(1, 1) == ["lay 1-1"])
        #expect(talk.sync() == ["ack 1 +100"])
        #expect(talk.hello(as: "B") == ["error superseded", "welcome 2 +100"], "a new hello is a new claim")
        #expect(talk.batch(2, 1) == ["error superseded"])
    }

    @Test func aConnectionNeverSeenBeforeClaimsByWhateverItSays() {
        var talk = Conversation()
        _ = talk.hello(as: "B")
        _ = talk.batch(1, 1, as: "B")
        #expect(talk.batch(2, 1) == ["lay 2-2", "error superseded @B"])
    }

    @Test func anotherEpochOfASupersededConnectionGoesOn() {
        var talk = Conversation()
        _ = talk.hello(epoch: 7, as: "B")
        _ = talk.hello(epoch: 8, as: "B")
        _ = talk.hello(epoch: 7)
        #expect(talk.batch(1, 1, epoch: 8, as: "B") == ["lay 1-1"])
    }

    @Test func aFullDiskTakesNothingAndSaysSo() {
        var talk = Conversation()
        _ = talk.batch(1, 2)
        _ = talk.sync()
        talk.machine.setIntake(.closed)
        #expect(talk.batch(3, 2) == ["ack 2 +0"])
        #expect(talk.batch(5, 2) == ["ack 2 +0"], "no nack: it would only be sent again")
        #expect(talk.skip(3, 4) == ["ack 2 +0"])
        #expect(talk.heartbeat(6) == ["ack 2 +0"])
        #expect(talk.hello() == ["welcome 3 +0"])
        #expect(talk.batch(3, 2) == ["ack 2 +0"])
        talk.machine.setIntake(.open)
        #expect(talk.answers(nil) == ["credit 100", "nack 3"], "go on, and with what was dropped")
        #expect(talk.batch(3, 2) == ["lay 3-4"])
        talk.machine.setIntake(.open)
        #expect(talk.answers(nil) == [])
    }

    @Test func whatIsFarBehindStopsCreditButDropsNothing() {
        var talk = Conversation()
        talk.machine.setIntake(.paused)
        #expect(talk.hello() == ["welcome 1 +0"])
        #expect(talk.batch(1, 2) == ["lay 1-2"])
        #expect(talk.sync() == ["ack 2 +0"])
        talk.machine.setIntake(.open)
        #expect(talk.answers(nil) == ["credit 100"])
    }

    @Test func aBatchThatFillsTheDiskIsTakenUpAgainWhereItBroke() {
        var talk = Conversation()
        let origin = Conversation.origin(7)
        guard
            case .lay(let session) = talk.machine.receive(
                .batch(origin, first: SequenceNumber(rawValue: 1), count: 3), from: PeerIdentity("A"))
        else {
            Issue.record("a first batch is all new")
            return
        }
        talk.machine.took(session, NumberRange(1, 1), in: talk.group)
        talk.machine.abandoned(session)
        #expect(talk.answers(PeerIdentity("A")) == ["ack 0 +0"])
        #expect(talk.sync() == ["ack 1 +0"])
        talk.machine.setIntake(.open)
        #expect(talk.answers(nil) == ["credit 100", "nack 2"])
    }

    @Test func aPeerThatIsGoneOwnsNothing() {
        var talk = Conversation()
        _ = talk.batch(1, 1, as: "B")
        talk.machine.forget(PeerIdentity("B"))
        #expect(talk.sync() == [])
        #expect(talk.batch(2, 1) == ["lay 2-2"], "and nobody has to be told")
    }

    @Test func unaskedNumbersAreTakenInAnyOrder() {
        var talk = Conversation()
        let origin = Conversation.origin(7)
        for first: Int64 in [5, 1, 3] {
            let (session, verdict) = talk.machine.receiveUnasked(origin, NumberRange(first, first + 1))
            #expect(verdict == .lay(session), "\(first)")
            talk.machine.took(session, NumberRange(first, first + 1), in: talk.group)
        }
        let (session, verdict) = talk.machine.receiveUnasked(origin, NumberRange(4, 7))
        #expect(verdict == .sort(session))
        let present = (6...7).map { talk.machine.isPresent(session, $0) }
        #expect(present == [true, false])
    }
}
