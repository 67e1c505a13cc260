package import Events

/// What the log has of one epoch of a source.
package struct SourceState: Hashable, Sendable {
    /// Numbers whose events, or their rejections, are in the log.
    package var present = SequenceSet()
    /// Numbers that a `ledger.gap` was written about. Some of them may have come after all.
    package var declared = SequenceSet()
    /// The next number that is neither present nor declared; what `welcome.next_seq` says.
    package var next = SequenceNumber(rawValue: 1)
}

/// What the log has of every epoch of every source.
///
/// A value: the one that `LogDirectory` gives is as of opening; ingest keeps its copy up to date with `record` as it
/// lays frames.
package struct SourceTable: Hashable, Sendable {
    package init() {}
    /// What is there of an epoch; empty where nothing is.
    package func state(of source: SourceEpoch) -> SourceState { SourceState() }
    /// Whether the log has this event, or its rejection.
    package func contains(_ source: SourceEpoch, _ sequence: SequenceNumber) -> Bool { false }
    /// How many of the `count` numbers from `first` on are there already.
    package func presentCount(_ source: SourceEpoch, first: SequenceNumber, count: Int) -> Int { 0 }
    /// The next number that is neither there nor declared missing.
    package func next(of source: SourceEpoch) -> SequenceNumber { SequenceNumber(rawValue: 1) }
    /// Takes note of a frame.
    package mutating func record(
        _ kind: FrameKind, from source: SourceEpoch, first: SequenceNumber, count: Int, about subject: FrameSubject?
    ) {}
    /// Every epoch of every source, in order.
    package var sources: [SourceEpoch] { [] }
}
