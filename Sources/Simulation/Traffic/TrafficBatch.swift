package import Events

/// Events of one source with numbers that follow on one another, as a `batch` message carries them.
package struct TrafficBatch: ~Copyable, Sendable {
    /// Index of the source in its `Traffic`.
    package internal(set) var sourceIndex = 0
    package internal(set) var source = SourceName.ledger
    package internal(set) var epoch = Epoch(rawValue: 1)
    /// Number of the first event. Where it does not follow on the batch before of the same epoch, the
    /// numbers between were lost: a source that speaks the acknowledged protocol says `skip` for them.
    package internal(set) var firstSequence = SequenceNumber(rawValue: 1)
    package internal(set) var count = 0
    /// The events as NDJSON, each ended by a line end.
    package internal(set) var payload = EventBytes()
    /// Virtual time at which the source sends it: for whoever plays in real time.
    package internal(set) var readyAt = Timestamp(rawValue: 0)
    /// The batch before once more.
    package internal(set) var isRepetition = false

    package init() {}
}

/// What a source has stated and not yet sent.
final class Outbox {
    var payload = EventBytes()
    var count = 0
    var epoch: Int64 = 0
    var first: Int64 = 0
    var openedAt: Int64 = 0
}

extension Traffic {
    /// Puts the next batch into `batch`, whose memory is used again; false when the traffic is over.
    ///
    /// Within a batch events come in the order of virtual time, and batches in the order in which they are
    /// ready, but for what the faults ask for.
    package mutating func next(into batch: inout TrafficBatch) -> Bool {
        if outboxes.isEmpty { outboxes = sources.map { _ in Outbox() } }
        if repeatsLast {
            repeatsLast = false
            swap(&batch.payload, &lastPayload)
            batch.isRepetition = true
            return true
        }
        if let statement = carried.take(), put(statement) { return give(Int(statement.source), to: &batch) }
        while true {
            guard let statement = advance(repeating: false) else {
                guard let index = flushDue.take() else { return drain(into: &batch) }
                if isFlushDue(index) { return give(index, to: &batch) }
                continue
            }
            let index = Int(statement.source)
            let outbox = outboxes[index]
            let next = outbox.first + Int64(outbox.count)
            let follows = outbox.epoch == statement.epoch && next == statement.sequence
            if outbox.count > 0 && !follows {
                carried = statement
                return give(index, to: &batch)
            }
            if put(statement) { return give(index, to: &batch) }
        }
    }

    /// Appends the statement to its source's outbox; true if that is full now.
    @inline(__always)
    private mutating func put(_ statement: Statement) -> Bool {
        let outbox = outboxes[Int(statement.source)]
        if outbox.count == 0 {
            outbox.epoch = statement.epoch
            outbox.first = statement.sequence
            outbox.openedAt = clock
            if settings.batchEvents > 1 {
                let due = clock + settings.batchLingerMicroseconds
                agenda.insert(.flush, UInt32(statement.source), at: due)
            }
        }
        append(statement, to: &outbox.payload)
        outbox.payload.reserve(8)
        outbox.payload.append(byte: UInt8(ascii: "\n"))
        outbox.count += 1
        return outbox.count >= settings.batchEvents
    }

    private func isFlushDue(_ index: Int) -> Bool {
        let outbox = outboxes[index]
        return outbox.count > 0 && clock >= outbox.openedAt + settings.batchLingerMicroseconds
    }

    private mutating func drain(into batch: inout TrafficBatch) -> Bool {
        for index in outboxes.indices where outboxes[index].count > 0 {
            return give(index, to: &batch)
        }
        return false
    }

    private mutating func give(_ index: Int, to batch: inout TrafficBatch) -> Bool {
        let outbox = outboxes[index]
        batch.sourceIndex = index
        batch.source = sources[index].name
        batch.epoch = Epoch(rawValue: outbox.epoch)
        batch.firstSequence = SequenceNumber(rawValue: outbox.first)
        batch.count = outbox.count
        batch.readyAt = now
        batch.isRepetition = false
        swap(&batch.payload, &outbox.payload)
        outbox.payload.removeAll()
        outbox.count = 0
        if settings.faults.duplicated > 0 && faultRandom.chance(settings.faults.duplicated) {
            repeatsLast = true
            lastPayload.removeAll()
            lastPayload.append(contentsOf: batch.payload)
            eventsStated += batch.count
        }
        return true
    }
}
