package import Events

/// What a frame holds.
package enum FrameKind: UInt8, Sendable {
    /// Events of one source with consecutive sequence numbers; the ledger's ticks and expiries too.
    case events = 1
    /// One `ledger.rejected`; the header says which event of which source it is about.
    case rejected = 2
    /// One `ledger.gap`; the header says which numbers of which source did not come.
    case gap = 3
}

/// Which events of a source one of the ledger's own frames is about.
///
/// It stands in the frame's header so that the table of sources is rebuilt without reading JSON.
package struct FrameSubject: Hashable, Sendable {
    package let source: SourceEpoch
    package let first: SequenceNumber
    /// The same as `first` where the frame is about one event.
    package let last: SequenceNumber
    /// The number was on disk already with other bytes: this frame does not stand for it.
    package let isConflict: Bool

    /// - Precondition: `1 <= first <= last`.
    package init(
        source: SourceEpoch, first: SequenceNumber, last: SequenceNumber, isConflict: Bool = false
    ) {
        precondition(first.rawValue >= 1 && first <= last, "a subject has at least one number")
        self.source = source
        self.first = first
        self.last = last
        self.isConflict = isConflict
    }
}
