package import EventLog
package import Events

/// The ledger's side of the protocol as a value: it takes what came and what is known, and says what to do.
/// It does no I/O, reads no clock and holds no bytes of events.
///
/// A message goes through `receive`, whose verdict says what must be laid into the log. What was laid is told
/// by `took`, and what became durable by `groupDurable`. Answers collect in `actions`, in the order they are
/// to be sent.
///
/// Whoever runs it must have laid everything that a verdict asks for, or nothing.
package struct ProtocolMachine: Sendable {
    /// Something to be said.
    package enum Action: Sendable {
        /// To the peer whose message is at hand.
        case answer(Answer)
        /// To another one.
        case send(Answer, to: PeerIdentity)
    }

    /// What is to be done about a message.
    package enum Verdict: Hashable, Sendable {
        /// Nothing but what `actions` says.
        case done
        /// Make durable what is laid already, then ask again: this message touches it.
        case flush
        /// All of the batch is new: lay it.
        case lay(SessionIndex)
        /// Some of the batch is there already, or on its way to the disk: lay what `isPresent` denies, hold
        /// the rest against that.
        case sort(SessionIndex)
        /// State that these did not come.
        case state(SessionIndex, [NumberRange])
    }

    /// Answers that wait to be sent. Whoever sends them empties it with `takeActions`.
    package internal(set) var actions: [Action] = []
    package private(set) var intake = IntakeState.open
    var table: SourceTable
    var sessions: [Session] = []
    var indexes: [SourceEpoch: Int] = [:]
    /// The session that was asked for last: sources send many messages in a row.
    var latest = 0
    let creditEvents: Int

    /// The group that frames are laid into, and the sessions that have something in it.
    var group = GroupNumber(rawValue: 1)
    var touched: [Int] = []
    /// Groups before it that are not known to be durable, each with what may be acknowledged once it is.
    var sealed: [(group: GroupNumber, promises: [(session: Int, through: Int64)])] = []

    /// - Parameters:
    ///   - table: what the log has, as of opening.
    ///   - creditEvents: how many events a source may have unacknowledged.
    package init(table: SourceTable, creditEvents: Int = Limits.creditEventsDefault) {
        self.table = table
        self.creditEvents = creditEvents
        actions.reserveCapacity(64)
    }

    // MARK: Messages

    /// Judges a message of a peer of the ROUTER.
    package mutating func receive(_ request: Request, from peer: PeerIdentity) -> Verdict {
        switch request {
        case .batch(let origin, let first, let count):
            let index = session(origin)
            guard claims(index, peer, isHello: false) else { return .done }
            return judge(index, NumberRange(first.rawValue, first.rawValue + Int64(count) - 1))
        case .hello(let origin):
            let index = session(origin)
            // What the welcome counts as there, the source forgets: it must be on disk.
            if isPending(index), intake != .closed { return .flush }
            _ = claims(index, peer, isHello: true)
            sessions[index].waits = intake != .open
            sessions[index].lacks = false
            let next = sessions[index].durableThrough + 1
            answer(.welcome(origin, next: SequenceNumber(rawValue: next), credit: credit))
            return .done
        case .heartbeat(let origin, _):
            let index = session(origin)
            if claims(index, peer, isHello: false) { answer(acknowledgement(index)) }
            return .done
        case .skip(let origin, let range, _):
            let index = session(origin)
            guard claims(index, peer, isHello: false) else { return .done }
            return judge(index, skipping: range)
        }
    }

    /// Judges a batch that came by PULL or SUB: nothing is answered, and nothing is expected.
    package mutating func receiveUnasked(_ origin: SourceEpoch, _ range: NumberRange) -> (
        SessionIndex, Verdict
    ) {
        let index = session(origin)
        let place = SessionIndex(rawValue: index)
        if intake == .closed { return (place, .done) }
        let next = sessions[index].next
        if sessions[index].isPlain, range.first >= next { return (place, .lay(place)) }
        record(index)
        let known = table.presentCount(
            origin, first: SequenceNumber(rawValue: range.first), count: Int(range.count))
        if known == 0 { return (place, .lay(place)) }
        return (place, .sort(place))
    }

    private mutating func judge(_ index: Int, _ range: NumberRange) -> Verdict {
        if intake == .closed {
            drop(index)
            return .done
        }
        let next = sessions[index].next
        guard range.first <= next else {
            answer(nack(index))
            return .done
        }
        if range.first == next, sessions[index].isPlain { return .lay(SessionIndex(rawValue: index)) }
        record(index)
        let known = table.presentCount(
            sessions[index].origin, first: SequenceNumber(rawValue: range.first), count: Int(range.count))
        let place = SessionIndex(rawValue: index)
        return known == 0 ? .lay(place) : .sort(place)
    }

    private mutating func judge(_ index: Int, skipping range: NumberRange) -> Verdict {
        if intake == .closed {
            drop(index)
            return .done
        }
        guard range.first <= sessions[index].next else {
            answer(nack(index))
            return .done
        }
        if isPending(index) { return .flush }
        let missing = unknown(in: range, of: index)
        if missing.isEmpty {
            answer(acknowledgement(index))
            return .done
        }
        return .state(SessionIndex(rawValue: index), missing)
    }

    /// Answers a message that was refused for what it is, not for what is known.
    package mutating func refuse(_ refusal: Refusal, _ origin: SourceEpoch?) {
        answer(.error(refusal, origin))
    }

    // MARK: What was laid

    /// Takes note that these numbers are in the group being filled: as events, or as rejections in their
    /// place.
    package mutating func took(_ session: SessionIndex, _ range: NumberRange, in group: GroupNumber) {
        let index = session.rawValue
        touch(index, group)
        // Looked at where they stand: a session is too large to be copied for each batch.
        if sessions.span[index].isPlain, range.first == sessions.span[index].next {
            let before = sessions.span[index].unrecorded
            let follows = before?.last == range.first - 1
            if !follows { record(index) }
            var sessions = sessions.mutableSpan
            sessions[index].unrecorded = NumberRange(
                follows ? before?.first ?? range.first : range.first, range.last)
            sessions[index].next = range.last + 1
            return
        }
        record(index)
        table.record(
            .events, from: sessions[index].origin, first: SequenceNumber(rawValue: range.first),
            count: Int(range.count), about: nil)
        refresh(index)
    }

    /// Takes note that the group being filled states these numbers as missing.
    ///
    /// - Parameters:
    ///   - ledger: the ledger's own epoch.
    ///   - number: the number of the `ledger.gap` in it.
    package mutating func stated(
        _ session: SessionIndex, _ range: NumberRange, by ledger: SourceEpoch, _ number: SequenceNumber,
        in group: GroupNumber
    ) {
        let index = session.rawValue
        touch(index, group)
        record(index)
        table.record(
            .gap, from: ledger, first: number, count: 1,
            about: FrameSubject(
                source: sessions[index].origin, first: SequenceNumber(rawValue: range.first),
                last: SequenceNumber(rawValue: range.last)))
        refresh(index)
    }

    /// Takes note that the group being filled holds an entry of another ledger's, about some source.
    package mutating func tookEntry(
        _ session: SessionIndex, _ number: SequenceNumber, _ kind: FrameKind, about subject: FrameSubject,
        in group: GroupNumber
    ) {
        touch(session.rawValue, group)
        record(session.rawValue)
        let about = self.session(subject.source)
        record(about)
        table.record(kind, from: sessions[session.rawValue].origin, first: number, count: 1, about: subject)
        refresh(session.rawValue)
        refresh(about)
    }

    /// Takes note that the group being filled holds a conflict of this session: its answer waits for the
    /// group.
    package mutating func noted(_ session: SessionIndex, in group: GroupNumber) {
        touch(session.rawValue, group)
    }

    /// Ends a message whose verdict was `sort` or `lay`: where nothing had to be laid, the answer is due at
    /// once.
    package mutating func settle(_ session: SessionIndex) {
        if !isPending(session.rawValue) { answer(acknowledgement(session.rawValue)) }
    }

    /// A message of this session could not be laid to its end, because the disk is full. What `took` was told
    /// stays.
    package mutating func abandoned(_ session: SessionIndex) {
        setIntake(.closed)
        drop(session.rawValue)
    }

    /// Everything in the groups up to this one is on disk: promises may be given.
    package mutating func groupDurable(_ durable: GroupNumber) {
        if durable >= group { seal(next: durable.following) }
        while let first = sealed.first, first.group <= durable {
            for promise in first.promises {
                sessions[promise.session].durableThrough = promise.through
                if sessions[promise.session].group <= durable.rawValue { sessions[promise.session].group = 0 }
                guard let owner = sessions[promise.session].owner else { continue }
                actions.append(.send(acknowledgement(promise.session), to: owner))
            }
            sealed.removeFirst()
        }
    }

    // MARK: Intake

    /// Opens or closes intake. On opening, whoever was told to wait is told to go on.
    package mutating func setIntake(_ state: IntakeState) {
        guard intake != state else { return }
        intake = state
        guard state == .open else { return }
        for index in sessions.indices where sessions[index].waits {
            sessions[index].waits = false
            guard let owner = sessions[index].owner else { continue }
            actions.append(.send(.credit(sessions[index].origin, credit: creditEvents), to: owner))
            if sessions[index].lacks { actions.append(.send(nack(index), to: owner)) }
            sessions[index].lacks = false
        }
    }

    /// A peer is gone: it speaks for nobody any more.
    package mutating func forget(_ peer: PeerIdentity) {
        for index in sessions.indices where sessions[index].owner == peer { sessions[index].owner = nil }
    }

    package mutating func takeActions() -> [Action] {
        let taken = actions
        actions.removeAll(keepingCapacity: true)
        return taken
    }

    // MARK: What is known

    /// Whether the log, or a group on its way there, has this number.
    package mutating func isPresent(_ session: SessionIndex, _ number: Int64) -> Bool {
        record(session.rawValue)
        return table.contains(sessions[session.rawValue].origin, SequenceNumber(rawValue: number))
    }

    /// The nearest number on one side of these that the log has, or a group on its way there.
    package mutating func neighbour(_ session: SessionIndex, of range: NumberRange, isBefore: Bool) -> Int64?
    {
        record(session.rawValue)
        let present = table.state(of: sessions[session.rawValue].origin).present
        return isBefore
            ? present.lastPresent(through: range.first - 1) : present.firstPresent(from: range.last + 1)
    }

    /// The session of an epoch, whether anything was heard of it or not.
    package mutating func place(of origin: SourceEpoch) -> SessionIndex {
        SessionIndex(rawValue: session(origin))
    }

    /// Whether a batch that begins with this number is all new and the next one of the session. The peer that
    /// it comes from must be the one that was judged last.
    package func expects(_ first: SequenceNumber, of session: SessionIndex) -> Bool {
        intake != .closed && sessions.span[session.rawValue].isPlain
            && sessions.span[session.rawValue].next == first.rawValue
    }

    package func origin(_ session: SessionIndex) -> SourceEpoch { sessions.span[session.rawValue].origin }

    /// Whether something of this session is laid and not known to be durable.
    package func isPending(_ session: SessionIndex) -> Bool { isPending(session.rawValue) }

    /// What of these numbers is neither there nor stated as missing.
    package mutating func unknown(_ session: SessionIndex, in range: NumberRange) -> [NumberRange] {
        unknown(in: range, of: session.rawValue)
    }
}
