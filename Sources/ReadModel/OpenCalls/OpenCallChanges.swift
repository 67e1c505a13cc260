internal import Events
internal import Projections

/// What a round has changed of the calls that are open, on its way into rows of `open_calls`.
///
/// A table with a row a call would be written all over, round by round: each round touches as many places as
/// it has calls. Here a round adds rows to the end instead, and what a later row says of a call counts. Each
/// round says again a part of what has not changed, so that once all of it was said again the oldest rows can
/// go: the table stays within a few times the size of what is open, whatever the number of rounds.
struct OpenCallChanges: ~Copyable {
    /// The number of the next row.
    private var row: Int64
    /// Everything that is still open and was said before this row was said again since, or is about to be.
    private var saidAgainFrom: Int64
    private var calls: [UInt8] = []
    private var states: [UInt8] = []
    /// Bytes of the round's changes.
    private var roundBytes = 0

    init(nextRow: Int64) {
        row = nextRow
        saidAgainFrom = nextRow
    }

    /// Puts what has changed since the last time into rows.
    ///
    /// - Parameters:
    ///   - isLast: whether no other round follows.
    ///   - write: takes rows whenever there are many.
    mutating func take(
        from book: inout CallBook, into rows: inout RowBatch, isLast: Bool,
        write: (inout RowBatch) throws -> Void
    ) throws {
        roundBytes = 0
        var filled = RowBatch()
        swap(&filled, &rows)
        try book.takeChanges { key, fold in
            try keep(key, fold, &filled, write)
        } closed: { key in
            append(key, deadline: .last, bytes: 0)
            try flush(&filled, atLeast: ReadModelLimits.openCallBytes, write)
        }
        if !isLast, roundBytes > 0 {
            let due = max(roundBytes / 2, ReadModelLimits.openCallsAgainBytesMin)
            var again = 0
            let isThrough = try book.forEachOpenAgain { key, fold in
                again += try keep(key, fold, &filled, write)
                return again < due
            }
            try flush(&filled, atLeast: 1, write)
            if book.keptCount == 0 { saidAgainFrom = row }
            if isThrough {
                filled.integer(saidAgainFrom)
                filled.end(.dropOpenCalls)
                saidAgainFrom = row
            }
        } else {
            try flush(&filled, atLeast: 1, write)
        }
        filled.set("open_calls", Int64(book.keptCount))
        swap(&filled, &rows)
    }

    @discardableResult
    private mutating func keep(
        _ key: CallKey, _ fold: borrowing CallFold, _ rows: inout RowBatch,
        _ write: (inout RowBatch) throws -> Void
    ) throws -> Int {
        let packed = fold.packed
        append(key, deadline: fold.nextDeadline ?? .last, bytes: packed.count)
        states.append(contentsOf: packed)
        roundBytes += packed.count
        try flush(&rows, atLeast: ReadModelLimits.openCallBytes, write)
        return OpenCallEntry.bytes + packed.count
    }

    private mutating func append(_ key: CallKey, deadline: Timestamp, bytes: Int) {
        OpenCallEntry(key: key, deadline: deadline, stateBytes: bytes).append(to: &calls)
        roundBytes += OpenCallEntry.bytes
    }

    private mutating func flush(
        _ rows: inout RowBatch, atLeast bytes: Int, _ write: (inout RowBatch) throws -> Void
    ) throws {
        guard calls.count + states.count >= bytes else { return }
        rows.integer(row)
        rows.blob(calls[...])
        rows.blob(states[...])
        rows.end(.keepOpenCalls)
        row += 1
        calls.removeAll(keepingCapacity: true)
        states.removeAll(keepingCapacity: true)
        if rows.textBytes > Limits.rowTextBytes { try write(&rows) }
    }
}

/// What a row of `open_calls` says of one call, besides its packed facts: 28 bytes, the least significant
/// ones of each number first.
struct OpenCallEntry {
    let key: CallKey
    /// The earliest deadline of what is open in the call; the end of time where it is open no more.
    let deadline: Timestamp
    /// How many bytes its packed facts take; 0 where it is open no more.
    let stateBytes: Int

    static let bytes = 28

    init(key: CallKey, deadline: Timestamp, stateBytes: Int) {
        self.key = key
        self.deadline = deadline
        self.stateBytes = stateBytes
    }

    /// The entry at an offset of a row's `calls`.
    init(_ bytes: RawSpan, at offset: Int) {
        precondition(offset + Self.bytes <= bytes.byteCount, "an entry is cut off")
        // Safety: numbers, within the span, checked above.
        func number(_ place: Int) -> UInt64 {
            unsafe UInt64(
                littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: offset + place, as: UInt64.self))
        }
        key = CallKey(low: number(0), high: number(8))
        deadline = Timestamp(rawValue: Int64(bitPattern: number(16)))
        stateBytes = unsafe Int(
            UInt32(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: offset + 24, as: UInt32.self)))
    }

    func append(to bytes: inout [UInt8]) {
        for number in [key.low, key.high, UInt64(bitPattern: deadline.rawValue)] {
            for shift in UInt64(0)..<8 { bytes.append(UInt8(truncatingIfNeeded: number >> (shift * 8))) }
        }
        for shift in 0..<4 { bytes.append(UInt8(truncatingIfNeeded: stateBytes >> (shift * 8))) }
    }
}
