internal import EventLog
internal import Events

/// Where a line of a batch stands, and what is to become of it.
struct LinePlan {
    let start: Int
    let end: Int
    /// Null where it is a valid event.
    var fault: EventFault?
    /// Set where it is an entry of the ledger's that has a frame of its own.
    var entry: LedgerEntry?

    init(start: Int, end: Int) {
        self.start = start
        self.end = end
    }
}

/// A `ledger.rejected` or `ledger.gap`, and which events of which source it is about.
struct LedgerEntry {
    let kind: FrameKind
    let subject: FrameSubject

    /// Null for the other events of the ledger.
    init?(_ view: borrowing EventView, in bytes: PaddedBytes) {
        switch view.type {
        case .ledgerRejected:
            guard let name = view.text(.ofSource).flatMap({ SourceName($0, in: bytes) }),
                let epoch = view.number(.ofEpoch), let number = view.number(.ofSeq),
                let reason = view.text(.reason)
            else { return nil }
            kind = .rejected
            subject = FrameSubject(
                source: SourceEpoch(source: name, epoch: Epoch(rawValue: epoch)),
                first: SequenceNumber(rawValue: number), last: SequenceNumber(rawValue: number),
                isConflict: JSONText.string(reason, in: bytes) == "conflict")
        case .ledgerGap:
            guard let name = view.text(.gapSource).flatMap({ SourceName($0, in: bytes) }),
                let epoch = view.number(.gapEpoch), let first = view.number(.fromSeq),
                let last = view.number(.toSeq), first <= last
            else { return nil }
            kind = .gap
            subject = FrameSubject(
                source: SourceEpoch(source: name, epoch: Epoch(rawValue: epoch)),
                first: SequenceNumber(rawValue: first), last: SequenceNumber(rawValue: last))
        default: return nil
        }
    }
}
