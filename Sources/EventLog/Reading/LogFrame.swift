package import Events

/// One frame of the log with its payload. It keeps the bytes alive for as long as it lives.
package struct LogFrame: Sendable {
    package let header: FrameHeader
    /// NDJSON as it came, each line ended by a newline. Valid as long as this frame is.
    package let payload: PaddedBytes
    let window: SegmentWindow
}

/// One event of the log by its position. It keeps the bytes alive for as long as it lives.
package struct LogEvent: Sendable {
    package let position: Position
    package let kind: FrameKind
    package let source: SourceEpoch
    package let sequence: SequenceNumber
    package let receivedAt: Timestamp
    package let subject: FrameSubject?
    /// The event's JSON as it came, without the newline. Valid as long as this value is.
    package let bytes: PaddedBytes
    let window: SegmentWindow
}
