internal import Events

/// Goes through one segment frame by frame and holds each against its checksum and its place.
struct SegmentScan {
    let reading: SegmentReading
    /// Where the next frame begins.
    private(set) var offset = SegmentHeader.bytes
    /// The position that the next frame must have.
    private(set) var next: Position
    private var parser: FrameParser

    init(_ reading: SegmentReading) {
        self.reading = reading
        next = reading.segment.first
        parser = FrameParser(segmentSeed: reading.seed)
    }

    /// Goes on from a frame that is known to begin at `offset`.
    init(_ reading: SegmentReading, from offset: Int, position: Position) {
        self.init(reading)
        self.offset = offset
        next = position
    }

    /// Goes on from the nearer of two places that are known, or else from the beginning.
    init(_ reading: SegmentReading, near one: SparseIndex.Entry?, or other: SparseIndex.Entry?) {
        self.init(reading)
        for place in [one, other] {
            guard let place, place.offset > offset else { continue }
            offset = place.offset
            next = place.position
        }
    }

    /// A frame and where it lies.
    struct Found {
        let header: FrameHeader
        let offset: Int
        let payload: Range<Int>
        let window: SegmentWindow
    }

    enum Step {
        case frame(Found)
        case end
        case broken(String)
    }

    mutating func step() throws(LogError) -> Step {
        guard offset < reading.segmentBytes else { return .end }
        let window = try reading.window(at: offset)
        switch parser.check(window, at: offset) {
        case .end: return .end
        case .broken(let reason): return .broken(reason)
        case .whole(let header, let headerBytes, let behind):
            guard header.position == next else {
                return .broken("a frame has position \(header.position) where \(next) is due")
            }
            let payload = offset + headerBytes..<offset + headerBytes + header.payloadBytes
            let found = Found(header: header, offset: offset, payload: payload, window: window)
            offset = behind
            next = header.next
            return .frame(found)
        }
    }

    /// The next frame of a segment that must be whole up to `end`; null once it is reached.
    mutating func frame(before end: Position) throws(LogError) -> Found? {
        guard next < end else { return nil }
        switch try step() {
        case .frame(let found): return found
        case .end: throw damage("the segment's frames end before position \(end)")
        case .broken(let reason): throw damage(reason)
        }
    }

    func damage(_ reason: String) -> LogError {
        .damage(reading.path, at: offset, "\(reason), at position \(next)")
    }
}

extension LogError {
    static func damage(_ path: String, at offset: Int, _ reason: String) -> LogError {
        LogError(
            .damaged, path: path, offset: offset,
            "Acknowledged bytes are damaged: \(reason). Nothing was changed. Restore the file from a copy; "
                + "`tollbook verify` tells what else is hurt.")
    }
}
