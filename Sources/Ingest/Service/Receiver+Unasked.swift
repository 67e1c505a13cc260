internal import EventLog
internal import Events
internal import Logging

/// Messages of PULL and SUB: at most once, in any order, without an answer.
extension Receiver {
    func drainUnasked(_ socket: borrowing ZeroMQSocket, hasTopics: Bool) throws(IngestError) -> Bool {
        for taken in 0..<Limits.messagesPerTurnMax {
            guard try socket.receive(into: first) else { return taken > 0 }
            var frames = 1
            if first.hasMore {
                _ = try socket.receive(into: second)
                frames = 2
                if second.hasMore {
                    _ = try socket.receive(into: third)
                    frames = 3
                    if third.hasMore {
                        frames = 4
                        repeat { _ = try socket.receive(into: surplus) } while surplus.hasMore
                    }
                }
            }
            let isTopic = hasTopics && frames > 1 && !first.withBytes { Self.beginsObject($0) }
            switch (isTopic, frames) {
            case (false, 1): try takeAlone(first)
            case (false, 2): try takeBatch(first, second)
            case (true, 2): try takeAlone(second)
            case (true, 3): try takeBatch(second, third)
            default: statistics.refused += 1
            }
        }
        return true
    }

    /// A header is an object; a topic is anything else.
    private static func beginsObject(_ bytes: borrowing Span<UInt8>) -> Bool {
        bytes.count > 0 && bytes[0] == UInt8(ascii: "{")
    }

    private func takeBatch(
        _ header: borrowing ZeroMQMessage, _ payload: borrowing ZeroMQMessage
    ) throws(IngestError) {
        let request: Request
        do throws(Refusal) {
            request = try header.withBytes { (bytes) throws(Refusal) in try Request.read(bytes) }
            try Self.check(request, frames: 2, payloadBytes: payload.count)
        } catch {
            refuse(error)
            return
        }
        guard case .batch(let origin, let first, let count) = request else { return }
        let range = NumberRange(first.rawValue, first.rawValue + Int64(count) - 1)
        try take(origin, range) { (session, isKnown, now) throws(IngestError) in
            try payload.withBytes { (bytes) throws(IngestError) in
                isKnown
                    ? try layer.laySorted(
                        bytes, count: count, first: first, of: session, in: &machine, at: now)
                    : try layer.lay(bytes, count: count, first: first, of: session, in: &machine, at: now)
            }
        }
    }

    /// A single frame: a heartbeat, or an event that carries its identity.
    private func takeAlone(_ message: borrowing ZeroMQMessage) throws(IngestError) {
        try message.withBytes { (whole) throws(IngestError) in
            var end = whole.count
            if end > 0, whole[end - 1] == 0x0A { end -= 1 }
            let bytes = whole.extracting(0..<end)
            switch Envelope.kind(of: bytes) {
            case .envelope(let envelope) where envelope.origin.source.isLedger:
                refuse(Refusal(.reservedSource, "only the ledger itself speaks as ledger"))
            case .envelope(let envelope) where !Self.isHeartbeat(bytes):
                guard bytes.count <= Limits.batchBytesMax else {
                    refuse(Refusal(.tooLarge, "an event has at most \(EventDecoder.eventBytesMax) bytes"))
                    return
                }
                try take(
                    envelope.origin, NumberRange(envelope.number, envelope.number)
                ) { (session, _, now) throws(IngestError) in
                    try layer.layOne(bytes, envelope.number, of: session, in: &machine, at: now)
                }
            case .envelope, .header: heed(bytes)
            case .plain, .other:
                refuse(Refusal(.badHeader, "neither a header nor an event with source, epoch and seq"))
            }
        }
    }

    private static func isHeartbeat(_ bytes: borrowing Span<UInt8>) -> Bool {
        if case .heartbeat = try? Request.read(bytes) { return true }
        return false
    }

    /// Takes a header that came without a payload: a heartbeat; another has no meaning here.
    private func heed(_ bytes: borrowing Span<UInt8>) {
        let request: Request
        do throws(Refusal) {
            request = try Request.read(bytes)
        } catch {
            refuse(error)
            return
        }
        guard case .heartbeat(let origin, let last) = request else {
            refuse(Refusal(.badFrames, "only batch and heartbeat come without answers"))
            return
        }
        let now = options.clock()
        let session = machine.place(of: origin)
        begin(session, now)
        watch.named(session, last: last.rawValue, now: now)
    }

    /// Lays what came under these numbers, and looks what is missing before them.
    private func take(
        _ origin: SourceEpoch, _ range: NumberRange,
        _ lay: (SessionIndex, Bool, Timestamp) throws(IngestError) -> FrameLayer.Outcome
    ) throws(IngestError) {
        let now = options.clock()
        do throws(IngestError) {
            let (session, verdict) = machine.receiveUnasked(origin, range)
            guard verdict != .done else {
                statistics.dropped += 1
                return
            }
            begin(session, now)
            statistics.note(try lay(session, verdict == .sort(session), now))
            watch.came(session, range, now: now)
        } catch {
            if let refusal = error.refusal {
                refuse(refusal)
            } else if error.code == .diskFull {
                statistics.dropped += 1
                machine.setIntake(.closed)
            } else {
                throw error
            }
        }
    }

    private func begin(_ session: SessionIndex, _ now: Timestamp) {
        guard !watch.knows(session) else { return }
        watch.begin(
            session, missing: machine.unknown(session, in: NumberRange(1, NumberRange.numberMax)), now: now)
    }

    private func refuse(_ refusal: Refusal) {
        statistics.refused += 1
        options.logger.debug("not taken: \(refusal.code.rawValue): \(refusal.reason)")
    }

    /// States what has been missing for long enough; whatever is missing, where `all` is wanted. While
    /// there is no space for it, it stays missing.
    func stateGaps(all: Bool) throws(IngestError) {
        let now = options.clock()
        var due = watch.takeDue(now: now, all: all)
        guard !due.isEmpty else { return }
        do throws(IngestError) {
            // The events on either side of each are found sooner once the log has noted them.
            try flush()
            while let (session, range) = due.first {
                for missing in machine.unknown(session, in: range) {
                    try layer.state(missing, missingOf: session, reason: nil, in: &machine, at: now)
                    statistics.gaps += 1
                }
                due.removeFirst()
            }
        } catch {
            guard error.code == .diskFull else { throw error }
            machine.setIntake(.closed)
            for (session, range) in due { watch.putBack(session, range, now: now) }
        }
    }
}
