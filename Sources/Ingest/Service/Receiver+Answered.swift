internal import EventLog
internal import Events
internal import Logging

/// Messages of the ROUTER: every one gets an answer, now or once it is true.
extension Receiver {
    /// Takes what the ROUTER has, up to a limit. False where it had nothing.
    func drainRouter() throws(IngestError) -> Bool {
        // Large enough that it is not made anew for each message of the same peer.
        var peer = PeerIdentity("")
        var taken = 0
        var next = try receiveMessage()
        while let frames = next {
            taken += 1
            first.withBytes { id in
                if !peer.isSame(id) { peer = PeerIdentity(id) }
            }
            let session = try second.withBytes { (bytes) throws(IngestError) in
                try answer(bytes, frames: frames, from: peer)
            }
            let isAnswered = !machine.actions.isEmpty
            if isAnswered { try sendAnswers(to: peer) }
            guard taken < Limits.messagesPerTurnMax else { break }
            if let session, !isAnswered, isBegun {
                next = try takeMore(of: session, from: peer, &taken)
            } else {
                next = try receiveMessage()
            }
        }
        return taken > 0
    }

    /// Receives a message into the places for its frames.
    ///
    /// - Returns: how many frames it has besides the routing id; null where there is no message.
    private func receiveMessage() throws(IngestError) -> Int? {
        while try router.receive(into: first) {
            // The routing id comes with at least one frame of the peer's.
            guard first.hasMore else { continue }
            _ = try router.receive(into: second)
            guard second.hasMore else { return 1 }
            _ = try router.receive(into: third)
            guard third.hasMore else { return 2 }
            repeat { _ = try router.receive(into: surplus) } while surplus.hasMore
            return 3
        }
        return nil
    }

    /// What ended a run of batches.
    private enum RunEnd {
        /// There is no message; or the writer is at rest, and is to have what was laid before more is taken.
        case over
        /// A message that is no part of it is in the places for frames, of which it has so many.
        case message(frames: Int)
        case failed(IngestError)
    }

    /// Takes the messages that follow one of the same peer's, for as long as each is a batch that goes on
    /// where the one before ended: nothing has to be asked then, and nothing is answered before the group is
    /// on disk.
    ///
    /// - Returns: the frames of a message that is another one, in its places; null where the turn is over.
    private func takeMore(
        of session: SessionIndex, from peer: PeerIdentity, _ taken: inout Int
    ) throws(IngestError) -> Int? {
        switch takeRun(of: session, from: peer, &taken, headers, &layer, &machine, &statistics) {
        case .over: return nil
        case .message(let frames): return frames
        case .failed(let error):
            try giveUp(error, session, machine.origin(session))
            try sendAnswers(to: peer)
            return try receiveMessage()
        }
    }

    /// What it works with is handed to it, so that it is looked up once and not for each message.
    private func takeRun(
        of session: SessionIndex, from peer: PeerIdentity, _ taken: inout Int,
        _ headers: BatchHeaderMemo, _ layer: inout FrameLayer, _ machine: inout ProtocolMachine,
        _ statistics: inout IngestStatistics
    ) -> RunEnd {
        var group = pipe.filling
        do throws(IngestError) {
            while let frames = try receiveMessage() {
                guard frames == 2, taken < Limits.messagesPerTurnMax, third.count <= Limits.batchBytesMax,
                    first.withBytes({ id in peer.isSame(id) }),
                    let batch = second.withBytes({ header in headers.batch(header) }),
                    machine.expects(batch.first, of: session)
                else { return .message(frames: frames) }
                taken += 1
                let now = options.clock()
                let outcome = try third.withBytes { (payload) throws(IngestError) in
                    try layer.lay(
                        payload, count: batch.count, first: batch.first, of: session, in: &machine, at: now)
                }
                statistics.note(outcome)
                if pipe.filling != group {
                    group = pipe.filling
                    noteBegun(at: nil)
                }
                if pipe.isIdle { return .over }
            }
            return .over
        } catch {
            return .failed(error)
        }
    }

    /// Answers a message, or takes it and will answer it once it is on disk.
    ///
    /// - Returns: the session whose batch was taken, where it was one.
    private func answer(
        _ bytes: borrowing Span<UInt8>, frames: Int, from peer: PeerIdentity
    ) throws(IngestError) -> SessionIndex? {
        let request: Request
        do throws(Refusal) {
            request = try readHeader(bytes)
            try Self.check(request, frames: frames, payloadBytes: frames == 2 ? third.count : 0)
        } catch {
            statistics.refused += 1
            machine.refuse(error, Request.origin(of: bytes))
            return nil
        }
        let clock = options.clock()
        while true {
            let verdict = machine.receive(request, from: peer)
            guard verdict != .flush else {
                do throws(IngestError) {
                    try flush()
                } catch {
                    guard error.code == .diskFull else { throw error }
                    machine.setIntake(.closed)
                }
                continue
            }
            return try carryOut(verdict, request, bytes, at: clock)
        }
    }

    private func carryOut(
        _ verdict: ProtocolMachine.Verdict, _ request: Request, _ bytes: borrowing Span<UInt8>,
        at now: Timestamp
    ) throws(IngestError) -> SessionIndex? {
        switch verdict {
        case .done, .flush: return nil
        case .lay(let session), .sort(let session):
            guard case .batch(let origin, let first, let count) = request else { return nil }
            do throws(IngestError) {
                let begun = isBegun ? nil : Self.monotonic()
                let outcome = try third.withBytes { (payload) throws(IngestError) in
                    if case .sort = verdict {
                        try layer.laySorted(
                            payload, count: count, first: first, of: session, in: &machine, at: now)
                    } else {
                        try layer.lay(payload, count: count, first: first, of: session, in: &machine, at: now)
                    }
                }
                statistics.note(outcome)
                if machine.isPending(session) { noteBegun(at: begun) }
                machine.settle(session)
                return session
            } catch {
                try giveUp(error, session, origin)
                return nil
            }
        case .state(let session, let ranges):
            guard case .skip(let origin, _, let reason) = request else { return nil }
            do throws(IngestError) {
                let text = reason?.resolved(in: bytes)
                for range in ranges {
                    try layer.state(range, missingOf: session, reason: text, in: &machine, at: now)
                    statistics.gaps += 1
                }
                machine.settle(session)
            } catch {
                try giveUp(error, session, origin)
            }
            return nil
        }
    }

    /// A message could not be laid, or not to its end.
    private func giveUp(_ error: IngestError, _ session: SessionIndex, _ origin: SourceEpoch)
        throws(IngestError)
    {
        if let refusal = error.refusal {
            statistics.refused += 1
            machine.refuse(refusal, origin)
            return
        }
        guard error.code == .diskFull else { throw error }
        statistics.dropped += 1
        options.logger.error("\(error.message)")
        machine.abandoned(session)
    }

    /// Holds a message's frames against its header.
    static func check(_ request: Request, frames: Int, payloadBytes: Int) throws(Refusal) {
        guard case .batch = request else {
            guard frames == 1 else { throw Refusal(.badFrames, "this op comes without a payload") }
            return
        }
        guard frames == 2 else { throw Refusal(.badFrames, "a batch is a header frame and a payload frame") }
        guard payloadBytes <= Limits.batchBytesMax else {
            throw Refusal(.tooLarge, "a payload has at most \(Limits.batchBytesMax) bytes")
        }
    }

    // MARK: Sending

    /// Sends what the machine has to say. `peer` is the one whose message is at hand.
    func sendAnswers(to peer: PeerIdentity?) throws(IngestError) {
        guard !machine.actions.isEmpty else { return }
        var gone: [PeerIdentity] = []
        for action in machine.takeActions() {
            switch action {
            case .answer(let answer):
                guard let peer else { continue }
                try send(answer, to: peer, &gone)
            case .send(let answer, let other):
                try send(answer, to: other, &gone)
            }
        }
        for peer in gone { forget(peer) }
    }

    /// Tries again what found no room.
    func sendOwed() throws(IngestError) {
        let waiting = owed
        owed = []
        var gone: [PeerIdentity] = []
        for (answer, peer) in waiting { try send(answer, to: peer, &gone) }
        for peer in gone { forget(peer) }
    }

    private func send(_ answer: Answer, to peer: PeerIdentity, _ gone: inout [PeerIdentity])
        throws(IngestError)
    {
        switch answer {
        case .ack: statistics.acks += 1
        case .nack: statistics.nacks += 1
        case .welcome, .credit, .error: break
        }
        answer.encode(to: &header, log: logID)
        switch try sendRoute(to: peer) {
        case .noPeer: gone.append(peer)
        case .full: owe(answer, peer)
        case .sent:
            let text = header.bytes
            _ = try router.send(text.span)
        }
    }

    /// Sends the frame by which the ROUTER finds the peer; the answer follows it.
    private func sendRoute(to peer: PeerIdentity) throws(IngestError) -> ZeroMQSocket.Sending {
        try peer.withBytes { (id: borrowing Span<UInt8>) throws(IngestError) -> ZeroMQSocket.Sending in
            try router.send(id, more: true)
        }
    }

    /// Keeps an answer for later; an acknowledgement takes the place of the one before it.
    private func owe(_ answer: Answer, _ peer: PeerIdentity) {
        if case .ack(let origin, _, _) = answer {
            let before = owed.firstIndex { other in
                guard other.peer == peer, case .ack(let same, _, _) = other.answer else { return false }
                return same == origin
            }
            if let before { owed.remove(at: before) }
        }
        if owed.count == Limits.answersOwedMax { owed.removeFirst() }
        owed.append((answer, peer))
    }

    private func forget(_ peer: PeerIdentity) {
        machine.forget(peer)
        owed.removeAll { $0.peer == peer }
    }
}

extension IngestStatistics {
    mutating func note(_ outcome: FrameLayer.Outcome) {
        batches += 1
        events += UInt64(outcome.events)
        rejected += UInt64(outcome.rejected)
        duplicates += UInt64(outcome.duplicates)
        conflicts += UInt64(outcome.conflicts)
    }
}
