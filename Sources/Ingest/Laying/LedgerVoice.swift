internal import Events

/// The ledger's own entries: their identity, and their words.
///
/// The ledger speaks under the source `ledger`, in an epoch of its own for each time it is started.
struct LedgerVoice {
    let origin: SourceEpoch
    /// The number of the next entry.
    private(set) var next = SequenceNumber(rawValue: 1)
    private(set) var line = JSONBuffer()

    init(epoch: Epoch) {
        origin = SourceEpoch(source: .ledger, epoch: epoch)
    }

    /// Gives out the next `count` numbers.
    mutating func take(_ count: Int = 1) -> SequenceNumber {
        defer { next = SequenceNumber(rawValue: next.rawValue + Int64(count)) }
        return next
    }

    /// Puts a `ledger.rejected` into `line`.
    mutating func sayRejected(
        _ raw: borrowing Span<UInt8>, of origin: SourceEpoch, _ number: Int64, reason: [UInt8],
        at time: Timestamp
    ) {
        line.removeAll()
        line.append(#"{"type":"ledger.rejected","time":"#)
        line.append(time.rawValue)
        line.append(#","reason":"#)
        line.appendQuoted(reason)
        line.append(#","raw":""#)
        Base64.append(raw, to: &line)
        line.append(#"","of_source":""#)
        line.append(origin.source)
        line.append(#"","of_epoch":"#)
        line.append(origin.epoch.rawValue)
        line.append(#","of_seq":"#)
        line.append(number)
        line.append("}\n")
    }

    /// Puts a `ledger.gap` into `line`.
    ///
    /// - Parameter reason: what the source says of it; a field that is kept and that no projection reads.
    mutating func sayGap(
        _ range: NumberRange, of origin: SourceEpoch, after: Timestamp?, before: Timestamp?, reason: [UInt8]?,
        at time: Timestamp
    ) {
        line.removeAll()
        line.append(#"{"type":"ledger.gap","time":"#)
        line.append(time.rawValue)
        line.append(#","gap_source":""#)
        line.append(origin.source)
        line.append(#"","gap_epoch":"#)
        line.append(origin.epoch.rawValue)
        line.append(#","from_seq":"#)
        line.append(range.first)
        line.append(#","to_seq":"#)
        line.append(range.last)
        line.append(#","after":"#)
        append(after)
        line.append(#","before":"#)
        append(before)
        if let reason {
            line.append(#","reason":"#)
            line.appendQuoted(reason)
        }
        line.append("}\n")
    }

    private mutating func append(_ time: Timestamp?) {
        if let time { line.append(time.rawValue) } else { line.append("null") }
    }
}
