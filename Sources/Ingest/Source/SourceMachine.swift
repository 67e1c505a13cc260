package import Events

/// A source's side of the acknowledged protocol as a value: window, resending, credit and beginning again. No
/// I/O, no clock.
///
/// Batches are put in with `put` and stay here until they are acknowledged. `next` says what is to be sent
/// now, `heard` takes what the ledger says. A source that can't take more has to wait with `put` until
/// `isFull` is false: the window is never stretched.
package struct SourceMachine: Sendable {
    /// What is to be sent.
    package enum Sending: Sendable {
        case hello
        /// The batch at this place of `batch(_:)`.
        case batch(Int)
        case heartbeat(last: SequenceNumber)
        /// These can't be delivered: they are lost here; or the ledger misses what it had acknowledged, being
        /// another one, or having lost its disk.
        case skip(NumberRange)
    }

    package enum State: Hashable, Sendable {
        /// `hello` is to be said, or its answer awaited.
        case greeting
        case sending
        /// Another connection has taken over. A source stops here: two that take over from one another in
        /// turns would both number events.
        case superseded
        /// The ledger refuses what is said; trying again would not help.
        case refused(code: String, reason: String)
    }

    /// Events that were put in and may have to be sent again.
    package struct Batch: Sendable {
        package let first: Int64
        package let count: Int
        /// Empty where the numbers are skipped.
        package let payload: [UInt8]

        var last: Int64 { first + Int64(count) - 1 }
    }

    package let origin: SourceEpoch
    package private(set) var state = State.greeting
    package private(set) var acknowledged: Int64 = 0
    /// How many times it went back to send again.
    package private(set) var resends = 0
    /// The log's identity, as the last `welcome` said it.
    package private(set) var log: [UInt8] = []

    private var batches: [Batch] = []
    /// Place of the first batch that is not acknowledged; the ones before it are dropped now and then.
    private var head = 0
    /// Place of the batch that is sent next.
    private var cursor = 0
    private var limit: Int64 = 0
    private var lastPut: Int64
    private var gap: NumberRange?
    private var heardAt = Timestamp(rawValue: 0)
    private var saidAt: Timestamp?
    private var isGreetingSaid = false
    private var wentBackTo: (expected: Int64, at: Timestamp)?
    private let heldMax: Int
    private let resendMicroseconds: Int64
    private let heartbeatMicroseconds: Int64

    /// - Parameters:
    ///   - heldMax: how many events may be held until they are acknowledged.
    ///   - after: the number of the last event of this epoch that needs no delivery any more.
    package init(
        _ origin: SourceEpoch, heldMax: Int = Limits.creditEventsDefault * 2, after: Int64 = 0,
        resendMicroseconds: Int64 = Limits.resendMicrosecondsDefault,
        heartbeatMicroseconds: Int64 = Limits.sourceHeartbeatMicroseconds
    ) {
        self.origin = origin
        self.heldMax = heldMax
        self.resendMicroseconds = resendMicroseconds
        self.heartbeatMicroseconds = heartbeatMicroseconds
        lastPut = after
        acknowledged = after
    }

    // MARK: What the source has

    /// Events that are not acknowledged.
    package var unacknowledged: Int { Int(lastPut - acknowledged) }
    package var isFull: Bool { unacknowledged >= heldMax }
    package var last: SequenceNumber { SequenceNumber(rawValue: lastPut) }

    /// Puts in the next events; their numbers follow on the last ones'.
    ///
    /// - Parameter payload: `count` lines, each ended by a newline.
    package mutating func put(_ payload: [UInt8], count: Int) {
        precondition(count > 0, "a batch has at least one event")
        batches.append(Batch(first: lastPut + 1, count: count, payload: payload))
        lastPut += Int64(count)
    }

    /// Puts in that the next `count` events can't be delivered.
    package mutating func put(skipping count: Int) {
        precondition(count > 0, "a gap has at least one number")
        batches.append(Batch(first: lastPut + 1, count: count, payload: []))
        lastPut += Int64(count)
    }

    /// Has the last batch said once more, where it is not acknowledged: what a source does that has lost an
    /// answer.
    package mutating func repeatLast() {
        if cursor > head { cursor -= 1 }
    }

    package func batch(_ place: Int) -> Batch { batches[place] }

    // MARK: What is to be said

    /// What to send now, and note it as sent; null where there is nothing.
    package mutating func next(now: Timestamp) -> Sending? {
        switch state {
        case .superseded, .refused: return nil
        case .greeting:
            if isGreetingSaid, now.microseconds(since: saidAt ?? now) < resendMicroseconds { return nil }
            isGreetingSaid = true
            saidAt = now
            heardAt = now
            return .hello
        case .sending:
            if let gap {
                self.gap = nil
                saidAt = now
                return .skip(gap)
            }
            if isOverdue(now) {
                greet()
                return next(now: now)
            }
            if cursor < batches.count, batches[cursor].last <= limit || isFirstBeyondAcknowledged {
                if cursor == head, unacknowledgedIsUnsaid { heardAt = now }
                saidAt = now
                cursor += 1
                let batch = batches[cursor - 1]
                return batch.payload.isEmpty
                    ? .skip(NumberRange(batch.first, batch.last)) : .batch(cursor - 1)
            }
            guard now.microseconds(since: saidAt ?? now) >= heartbeatMicroseconds else { return nil }
            saidAt = now
            return .heartbeat(last: last)
        }
    }

    /// What `next` gave last could not be sent: there was no room, or no connection.
    package mutating func takeBack(_ sending: Sending) {
        switch sending {
        case .hello: isGreetingSaid = false
        case .batch: cursor -= 1
        case .skip(let range): gap = range
        case .heartbeat: break
        }
    }

    /// When `next` may have something to say without anything heard or put in until then.
    package func nextDue() -> Timestamp? {
        switch state {
        case .superseded, .refused: nil
        case .greeting: saidAt?.advanced(by: resendMicroseconds)
        case .sending:
            unacknowledgedIsUnsaid
                ? saidAt?.advanced(by: heartbeatMicroseconds) : heardAt.advanced(by: resendMicroseconds)
        }
    }

    /// The connection was lost or made anew.
    package mutating func greet() {
        guard state == .sending || state == .greeting else { return }
        state = .greeting
        isGreetingSaid = false
    }

    // MARK: What is heard

    package mutating func heard(_ reply: Reply, now: Timestamp) {
        guard state == .sending || state == .greeting else { return }
        switch reply {
        case .welcome(let log, let next, let credit):
            heardAt = now
            self.log = log
            state = .sending
            welcome(next, credit)
        case .ack(let through, let credit):
            guard state == .sending else { return }
            heardAt = now
            acknowledge(through)
            limit = through + credit
        case .credit(let credit):
            heardAt = now
            limit = acknowledged + credit
        case .nack(let expected):
            guard state == .sending else { return }
            heardAt = now
            goBack(to: expected, now)
        case .error("superseded", _): state = .superseded
        case .error(let code, let reason): state = .refused(code: code, reason: reason)
        }
    }

    private mutating func welcome(_ next: Int64, _ credit: Int64) {
        if next - 1 > lastPut {
            state = .refused(
                code: "epoch_in_use",
                reason: "the ledger has events of this epoch that this source never made")
            return
        }
        wentBackTo = nil
        gap = next <= acknowledged ? NumberRange(next, acknowledged) : nil
        acknowledge(next - 1)
        limit = max(next - 1, acknowledged) + credit
        if cursor > head { resends += 1 }
        cursor = head
    }

    private mutating func acknowledge(_ through: Int64) {
        guard through > acknowledged else { return }
        acknowledged = min(through, lastPut)
        while head < batches.count, batches[head].last <= acknowledged { head += 1 }
        cursor = max(cursor, head)
        // In one move for many, so that a long window costs no more than a short one.
        if head > 1_024, head * 2 > batches.count {
            batches.removeFirst(head)
            cursor -= head
            head = 0
        }
    }

    /// Each batch that was under way behind a lost one brings the same answer: going back once is enough.
    private mutating func goBack(to expected: Int64, _ now: Timestamp) {
        if let before = wentBackTo, before.expected == expected,
            now.microseconds(since: before.at) < resendMicroseconds
        {
            return
        }
        if expected <= acknowledged {
            // The ledger has less than it has acknowledged: only a new welcome tells how that can be.
            greet()
            return
        }
        wentBackTo = (expected, now)
        let place = batches[head...].firstIndex { $0.last >= expected } ?? batches.count
        if place < cursor {
            resends += 1
            cursor = place
        }
    }

    // MARK: Judgements

    /// Whether all that was said is acknowledged.
    private var unacknowledgedIsUnsaid: Bool { cursor <= head }

    /// Whether an answer has been due for too long. While the ledger grants no credit it owes none.
    private func isOverdue(_ now: Timestamp) -> Bool {
        !unacknowledgedIsUnsaid && now.microseconds(since: heardAt) >= resendMicroseconds
    }

    /// A batch greater than all the credit there is may go alone, or it never would.
    private var isFirstBeyondAcknowledged: Bool { cursor == head && limit > acknowledged }
}
