package import Events

/// Finds the frames that hold, or are about, an event by its identity, anywhere in the durable log.
///
/// For telling a duplicate from a conflict. One thread uses a finder. It sees what is durable: what still lies in a
/// group is for `FrameGroup.frames(for:_:)`.
package struct IdentityFinder: ~Copyable {
    /// Every frame that holds this event or is about it, in the order of the log: the frame of kind `events` with
    /// it, or the `rejected` that stands for it, and any conflicts and gaps. Empty where the log has none.
    package mutating func frames(
        for source: SourceEpoch, _ sequence: SequenceNumber
    ) throws(LogError) -> [FoundFrame] {
        preconditionFailure("not there yet")
    }
}

/// A frame that holds an event or is about it.
package struct FoundFrame: Sendable {
    package let header: FrameHeader
    /// For kind `events` the line of that very event, without its newline; else the line of the ledger's own event.
    package let line: PaddedBytes
    let window: SegmentWindow?
}
