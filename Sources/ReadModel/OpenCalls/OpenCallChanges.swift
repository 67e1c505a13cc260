internal import Events
internal import Projections

/// What a round has changed of the calls that are open, on its way into rows of `open_calls`.
///
/// A table with a row a call would be written all over, round by round: each round touches as many places as
/// it has calls. Here a round adds rows to the end instead: what a later row says of a call counts, be it the
/// whole call or what was added to it. Each round looks at some of the calls that are open, and says again
/// what has not changed for long, so that once all were looked at the oldest rows can go: the table stays
/// within a few times the size of what is open, whatever the number of rounds. Of calls that end within that
/// time nothing is said again.
struct OpenCallChanges: ~Copyable {
    /// The number of the next row.
    private var row: Int64
    /// Everything that is still open was said in this row or behind it, or will be once all were looked at.
    private var saidAgainFrom: Int64
    /// The entries of that row.
    private var calls: [UInt64] = []
    /// Where their states begin in the text of the batch that is being filled.
    private var statesStart = 0

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
        statesStart = filled.textBytes
        try book.takeChanges { key, fold, known, records in
            changes += 1
            try keep(key, fold, known, records, &filled, write)
        } closed: { key in
            changes += 1
            OpenCallEntry(closed: key).append(to: &calls)
            try flush(&filled, atLeast: ReadModelLimits.openCallBytes, write)
        }
        if !isLast, changes > 0 {
            let places = book.countMost * changes / (ReadModelLimits.openCallsPass * max(book.keptCount, 1))
            let isThrough = try book.forEachOpenAgain(
                places: max(places, ReadModelLimits.openCallsAgainMin)
            ) { key, fold, records in try keep(key, fold, 0, records, &filled, write) }
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
        _ key: CallKey, _ fold: borrowing CallFold, _ known: Int, _ records: [EarlierCall.Record],
        _ rows: inout RowBatch, _ write: (inout RowBatch) throws -> Void
    ) throws {
        let start = rows.textBytes
        fold.appendPacked(from: known, to: &rows)
        let stateBytes = rows.textBytes - start
        if !records.isEmpty {
            rows.appendText { text in
                for record in records { OpenCallRecords.append(record, to: &text) }
            }
        }
        let recordBytes = rows.textBytes - start - stateBytes
        OpenCallEntry(
            key: key, deadline: fold.nextDeadline ?? .last, isAddition: known > 0, stateBytes: stateBytes,
            recordBytes: recordBytes
        ).append(to: &calls)
        try flush(&rows, atLeast: ReadModelLimits.openCallBytes, write)
    }

    private mutating func flush(
        _ rows: inout RowBatch, atLeast bytes: Int, _ write: (inout RowBatch) throws -> Void
    ) throws {
        let states = statesStart..<rows.textBytes
        guard calls.count * 8 + states.count >= bytes else { return }
        rows.integer(row)
        rows.blob(calls)
        rows.blob(states)
        rows.end(.keepOpenCalls)
        row += 1
        calls.removeAll(keepingCapacity: true)
        if rows.textBytes > Limits.rowTextBytes { try write(&rows) }
        statesStart = rows.textBytes
    }
}
