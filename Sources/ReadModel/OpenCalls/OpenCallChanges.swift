internal import Events
internal import Projections

/// What a round has changed of the calls that are open, on its way into rows of `open_calls`.
///
/// A table with a row a call would be written all over, round by round: each round touches as many places as
/// it has calls. Here a round adds rows to the end instead, and what a later row says of a call counts. Each
/// round looks at some of the calls that are open, and says again what has not changed for long, so that once
/// all were looked at the oldest rows can go: the table stays within a few times the size of what is open,
/// whatever the number of rounds. Of calls that end within that time nothing is said again.
struct OpenCallChanges: ~Copyable {
    /// The number of the next row.
    private var row: Int64
    /// Everything that is still open was said in this row or behind it, or will be once all were looked at.
    private var saidAgainFrom: Int64
    private var calls: [UInt8] = []
    private var states: [UInt8] = []

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
        var changes = 0
        var filled = RowBatch()
        swap(&filled, &rows)
        try book.takeChanges { key, fold, records in
            changes += 1
            try keep(key, fold, records, &filled, write)
        } closed: { key in
            changes += 1
            OpenCallEntry(key: key, deadline: .last, stateBytes: 0, recordBytes: 0).append(to: &calls)
            try flush(&filled, atLeast: ReadModelLimits.openCallBytes, write)
        }
        if !isLast, changes > 0 {
            let places = book.countMost * changes / (ReadModelLimits.openCallsPass * max(book.keptCount, 1))
            let isThrough = try book.forEachOpenAgain(
                places: max(places, ReadModelLimits.openCallsAgainMin)
            ) { key, fold, records in try keep(key, fold, records, &filled, write) }
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

    private mutating func keep(
        _ key: CallKey, _ fold: borrowing CallFold, _ records: [EarlierCall.Record], _ rows: inout RowBatch,
        _ write: (inout RowBatch) throws -> Void
    ) throws {
        let before = states.count
        fold.appendPacked(to: &states)
        let stateBytes = states.count - before
        for record in records { OpenCallRecords.append(record, to: &states) }
        let recordBytes = states.count - before - stateBytes
        OpenCallEntry(
            key: key, deadline: fold.nextDeadline ?? .last, stateBytes: stateBytes,
            recordBytes: recordBytes
        ).append(to: &calls)
        try flush(&rows, atLeast: ReadModelLimits.openCallBytes, write)
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
