package import Events

/// Where the next frame goes: a value, so that a group can be laid behind one that is still being written.
package struct LogTail: Hashable, Sendable {
    /// The segment that is being filled.
    package let segment: SegmentID
    /// The first free byte of it.
    package let offset: Int
    /// The size of that segment.
    package let segmentBytes: Int
    /// The position of the next event.
    package let next: Position

    package init(segment: SegmentID, offset: Int, segmentBytes: Int, next: Position) {
        self.segment = segment
        self.offset = offset
        self.segmentBytes = segmentBytes
        self.next = next
    }

    /// Free bytes of the segment.
    package var room: Int { segmentBytes - offset }
}
