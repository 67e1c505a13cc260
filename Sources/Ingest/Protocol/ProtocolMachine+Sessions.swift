internal import EventLog
internal import Events

/// Who speaks for which epoch, what is known of it, and what may be promised to it.
extension ProtocolMachine {
    // MARK: Sessions

    /// The session of an epoch, made from what the log has where there is none yet.
    mutating func session(_ origin: SourceEpoch) -> Int {
        if latest < sessions.count, sessions[latest].origin == origin { return latest }
        if let index = indexes[origin] {
            latest = index
            return index
        }
        let next = table.next(of: origin).rawValue
        sessions.append(
            Session(origin: origin, next: next, isPlain: false, durableThrough: next - 1))
        latest = sessions.count - 1
        indexes[origin] = latest
        refresh(latest)
        return latest
    }

    /// Hands the table what the session has kept back.
    mutating func record(_ index: Int) {
        guard let range = sessions[index].unrecorded else { return }
        sessions[index].unrecorded = nil
        table.record(
            .events, from: sessions[index].origin, first: SequenceNumber(rawValue: range.first),
            count: Int(range.count), about: nil)
    }

    /// Asks the table what is to be expected next.
    mutating func refresh(_ index: Int) {
        let next = table.next(of: sessions[index].origin).rawValue
        sessions[index].next = next
        sessions[index].isPlain = table.state(of: sessions[index].origin).isUnknown(from: next)
    }

    mutating func unknown(in range: NumberRange, of index: Int) -> [NumberRange] {
        record(index)
        return table.state(of: sessions[index].origin).missing(in: range)
    }

    // MARK: Fencing

    /// Whether the peer may speak for the session, taking it over where it may.
    ///
    /// Epochs are independent, so fencing is about two connections that claim the same one: the newer claim
    /// wins and the older connection is told so, once at the time and again for whatever it still sends. A
    /// connection that was never seen before claims by whatever it says first: a source whose connection
    /// broke need not notice.
    mutating func claims(_ index: Int, _ peer: PeerIdentity, isHello: Bool) -> Bool {
        if sessions[index].isOwned(by: peer) { return true }
        if let owner = sessions[index].owner {
            let isSuperseded = sessions[index].superseded.contains(peer)
            if isSuperseded, !isHello {
                answer(.error(Self.supersededRefusal, sessions[index].origin))
                return false
            }
            if isSuperseded { sessions[index].superseded.removeAll { $0 == peer } }
            if sessions[index].superseded.count == Limits.supersededPeersMax {
                sessions[index].superseded.removeFirst()
            }
            sessions[index].superseded.append(owner)
            actions.append(.send(.error(Self.supersededRefusal, sessions[index].origin), to: owner))
        } else if !isHello, sessions[index].superseded.contains(peer) {
            answer(.error(Self.supersededRefusal, sessions[index].origin))
            return false
        } else {
            sessions[index].superseded.removeAll { $0 == peer }
        }
        sessions[index].owner = peer
        return true
    }

    private static let supersededRefusal = Refusal(
        .superseded, "another connection speaks for this source and epoch since")

    // MARK: Promises

    func isPending(_ index: Int) -> Bool { sessions.span[index].group != 0 }

    /// Notes that the session has something in the group being filled.
    mutating func touch(_ index: Int, _ number: GroupNumber) {
        if number != group { seal(next: number) }
        guard sessions.span[index].group != number.rawValue else { return }
        sessions[index].group = number.rawValue
        touched.append(index)
    }

    /// The group that was being filled takes no more: what it will prove is settled.
    mutating func seal(next number: GroupNumber) {
        precondition(number > group, "groups are filled one after the other")
        if !touched.isEmpty {
            sealed.append((group, touched.map { (session: $0, through: sessions[$0].next - 1) }))
            touched.removeAll(keepingCapacity: true)
        }
        group = number
    }

    // MARK: Answers

    var credit: Int { intake == .open ? creditEvents : 0 }

    mutating func answer(_ answer: Answer) {
        actions.append(.answer(answer))
    }

    mutating func acknowledgement(_ index: Int) -> Answer {
        if intake != .open { sessions[index].waits = true }
        return .ack(
            sessions[index].origin, through: SequenceNumber(rawValue: sessions[index].durableThrough),
            credit: credit)
    }

    func nack(_ index: Int) -> Answer {
        .nack(sessions[index].origin, expected: SequenceNumber(rawValue: sessions[index].next))
    }

    /// Answers a message that is not taken because intake is closed: what is on disk, and that there is no
    /// credit.
    mutating func drop(_ index: Int) {
        sessions[index].lacks = true
        answer(acknowledgement(index))
    }
}
