/// A segment that is full, and what was noted of its frames as they were written.
struct SealedSegment: Sendable {
    let summary: SummaryBuilder
    /// Where its frames end.
    let end: LogTail

    /// The summary as its file has it.
    var encoded: [UInt8] { summary.encoded(end: end.next, endOffset: end.offset) }
}
