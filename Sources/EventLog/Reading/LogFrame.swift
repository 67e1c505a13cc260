package import Events

/// One frame of the log with its payload. It keeps the bytes alive for as long as it lives.
package struct LogFrame: Sendable {
    package let header: FrameHeader
    /// NDJSON as it came, each line ended by a newline. Valid as long as this frame is.
    package let payload: PaddedBytes
    let window: SegmentWindow

    init(_ found: SegmentScan.Found) {
        header = found.header
        window = found.window
        payload = found.window.bytes(found.payload)
    }
}

/// One event of the log by its position. It keeps the bytes alive for as long as it lives.
package struct LogEvent: Sendable {
    package let position: Position
    package let kind: FrameKind
    package let source: SourceEpoch
    package let sequence: SequenceNumber
    package let receivedAt: Timestamp
    /// What the event is about, where it is a `ledger.rejected` or a `ledger.gap`.
    package let subject: FrameSubject?
    /// The event's JSON as it came, without the newline. Valid as long as this value is.
    package let bytes: PaddedBytes
    let window: SegmentWindow

    /// The event on one line of a frame.
    init(_ found: SegmentScan.Found, index: Int, line: Range<Int>) {
        position = found.header.position.advanced(by: index)
        kind = found.header.kind
        source = found.header.source
        sequence = SequenceNumber(rawValue: found.header.firstSequence.rawValue + Int64(index))
        receivedAt = found.header.receivedAt
        subject = found.header.subject
        window = found.window
        bytes = found.window.bytes(line)
    }
}

/// Walks the lines of a frame.
struct LineCursor {
    let found: SegmentScan.Found
    private(set) var index = 0
    private var offset: Int

    init(_ found: SegmentScan.Found) {
        self.found = found
        offset = found.payload.lowerBound
    }

    /// The line with an index, which doesn't lie before the last one that was asked for; without its newline.
    /// Null where the payload has no such line.
    mutating func line(_ wanted: Int) -> Range<Int>? {
        precondition(wanted >= index, "a cursor goes forward")
        while true {
            guard offset < found.payload.upperBound,
                let end = found.window.newline(in: offset..<found.payload.upperBound)
            else { return nil }
            if index == wanted { return offset..<end }
            offset = end + 1
            index += 1
        }
    }
}
