package import Events

/// What a source says in a header.
package enum Request: Sendable {
    case hello(SourceEpoch)
    /// `count` events, numbered from `first` on, follow as payload.
    case batch(SourceEpoch, first: SequenceNumber, count: Int)
    /// The source lives, and the last number it has given out is `last`; 0 for none yet.
    case heartbeat(SourceEpoch, last: SequenceNumber)
    /// The source can't deliver these.
    case skip(SourceEpoch, NumberRange, reason: HeaderText?)

    /// Reads and judges a header frame. Allocates nothing where it is in order.
    package static func read(_ bytes: borrowing Span<UInt8>) throws(Refusal) -> Request {
        let fields: HeaderFields
        do {
            fields = try HeaderScanner.scan(bytes)
        } catch {
            throw Refusal(.badHeader, "\(error.description)")
        }
        return try judge(fields, bytes)
    }

    /// The source and the epoch that a header names, where it names both well: for an answer to one that is
    /// refused for something else.
    package static func origin(of bytes: borrowing Span<UInt8>) -> SourceEpoch? {
        guard let fields = try? HeaderScanner.scan(bytes) else { return nil }
        return try? origin(fields, bytes)
    }

    static func judge(_ fields: HeaderFields, _ bytes: borrowing Span<UInt8>) throws(Refusal) -> Request {
        if let version = fields[.version], version != 1, !fields.hasWrongType || version > 0 {
            throw Refusal(.unsupportedVersion, "this ledger speaks version 1")
        }
        if fields.hasWrongType {
            throw Refusal(.badHeader, "\(HeaderFields.Fault.wrongType.description)")
        }
        guard fields[.version] != nil else { throw missing("v") }
        guard let operation = fields[.operation] else { throw missing("op") }
        if operation.equals("batch", in: bytes) {
            return try batch(fields, bytes)
        }
        if operation.equals("heartbeat", in: bytes) {
            let origin = try origin(fields, bytes)
            guard fields[.time] != nil else { throw missing("time") }
            return .heartbeat(origin, last: try sequence(fields, .lastSequence, from: 0))
        }
        if operation.equals("hello", in: bytes) {
            return .hello(try origin(fields, bytes))
        }
        if operation.equals("skip", in: bytes) {
            let origin = try origin(fields, bytes)
            let first = try sequence(fields, .fromSequence, from: 1)
            let last = try sequence(fields, .toSequence, from: 1)
            guard first <= last else { throw Refusal(.badSequence, "to_seq lies before from_seq") }
            guard let reason = fields[.reason] else { throw missing("reason") }
            return .skip(origin, NumberRange(first.rawValue, last.rawValue), reason: reason)
        }
        throw Refusal(.unknownOperation, "op is none of hello, batch, heartbeat, skip")
    }

    private static func batch(_ fields: HeaderFields, _ bytes: borrowing Span<UInt8>) throws(Refusal)
        -> Request
    {
        let origin = try origin(fields, bytes)
        let first = try sequence(fields, .firstSequence, from: 1)
        guard let count = fields[.count] else { throw missing("count") }
        guard count >= 1 else { throw Refusal(.countMismatch, "a batch has at least one event") }
        guard count <= Int64(Limits.batchEventsMax) else {
            throw Refusal(.tooLarge, "a batch has at most \(Limits.batchEventsMax) events")
        }
        guard first.rawValue <= NumberRange.numberMax - count + 1 else {
            throw Refusal(.badSequence, "the batch goes beyond the last sequence number there is")
        }
        return .batch(origin, first: first, count: Int(count))
    }

    private static func origin(
        _ fields: HeaderFields, _ bytes: borrowing Span<UInt8>
    ) throws(Refusal) -> SourceEpoch {
        guard let text = fields[.source] else { throw missing("source") }
        guard let name = name(text, bytes) else {
            throw Refusal(.badSource, "a source is 1 to 64 of A-Z a-z 0-9 . _ : / -")
        }
        guard !name.isLedger else {
            throw Refusal(.reservedSource, "only the ledger itself speaks as ledger")
        }
        guard let epoch = fields[.epoch] else { throw missing("epoch") }
        guard epoch >= 1 else { throw Refusal(.badEpoch, "an epoch lies between 1 and 2^63-1") }
        return SourceEpoch(source: name, epoch: Epoch(rawValue: epoch))
    }

    static func name(_ text: HeaderText, _ bytes: borrowing Span<UInt8>) -> SourceName? {
        text.isEscaped
            ? SourceName(text.resolved(in: bytes).span)
            : SourceName(bytes.extracting(text.start..<text.end))
    }

    private static func sequence(
        _ fields: HeaderFields, _ field: HeaderFields.Number, from least: Int64
    ) throws(Refusal) -> SequenceNumber {
        guard let number = fields[field] else { throw missing(field.name) }
        guard (least...NumberRange.numberMax).contains(number) else {
            throw Refusal(.badSequence, "\(field.name) lies between \(least) and 2^63-2")
        }
        return SequenceNumber(rawValue: number)
    }

    private static func missing(_ field: StaticString) -> Refusal {
        Refusal(.badHeader, "\(field) is missing")
    }
}

/// Sequence numbers without a hole, both ends included.
package struct NumberRange: Hashable, Sendable {
    /// One below the greatest 64-bit integer, so that there is always a next.
    package static let numberMax = Int64.max - 1

    package var first: Int64
    package var last: Int64

    package init(_ first: Int64, _ last: Int64) {
        self.first = first
        self.last = last
    }

    package var count: Int64 { last - first + 1 }
}
