internal import CXXHash
internal import Events

/// What stands at an offset of a segment.
enum FrameCheck {
    /// A whole frame: magic, checksum and fields are right.
    case whole(FrameHeader, headerBytes: Int, next: Int)
    /// No frame begins here: where one would begin there are zeros, or no room.
    case end
    /// Something is here, but not a whole frame.
    case broken(String)
}

/// Reads frames where they lie. It keeps the last source's name, so that a run of frames of one source is
/// read without taking its name apart each time.
struct FrameParser {
    let segmentSeed: UInt64
    private var name: SourceName?

    init(segmentSeed: UInt64) {
        self.segmentSeed = segmentSeed
    }

    /// Looks at what stands at `offset` and holds all of it against its checksum.
    mutating func check(_ window: SegmentWindow, at offset: Int) -> FrameCheck {
        guard offset + FrameLayout.fixedBytes <= window.range.upperBound else { return .end }
        let magic: UInt32 = window.load(at: offset)
        if magic == 0 { return .end }
        guard magic == FrameLayout.magic else { return .broken("no frame begins here") }
        let frameBytes = Int(window.load(at: offset + 4) as UInt32)
        guard frameBytes > FrameLayout.fixedBytes,
            offset + FrameLayout.rounded(frameBytes) <= window.range.upperBound
        else { return .broken("a frame's length is impossible") }
        let seed = FrameLayout.seed(segment: segmentSeed, offset: offset, frameBytes: frameBytes)
        guard window.hash(offset + 16..<offset + frameBytes, seed: seed) == window.load(at: offset + 8) else {
            return .broken("a frame's checksum is wrong")
        }
        guard let found = header(window, at: offset, frameBytes: frameBytes) else {
            return .broken("a frame's fields contradict each other")
        }
        return .whole(
            found.header, headerBytes: found.headerBytes, next: offset + FrameLayout.rounded(frameBytes))
    }

    /// A frame that was just laid, without a look at its checksum, and where the next one begins; null where
    /// its fields contradict each other.
    mutating func laid(_ window: SegmentWindow, at offset: Int) -> (header: FrameHeader, next: Int)? {
        let frameBytes = Int(window.load(at: offset + 4) as UInt32)
        return header(window, at: offset, frameBytes: frameBytes).map {
            ($0.header, offset + FrameLayout.rounded(frameBytes))
        }
    }

    private mutating func header(
        _ window: SegmentWindow, at offset: Int, frameBytes: Int
    ) -> (header: FrameHeader, headerBytes: Int)? {
        let kindByte: UInt8 = window.load(at: offset + 16)
        let flags: UInt8 = window.load(at: offset + 17)
        let nameBytes = Int(window.load(at: offset + 18) as UInt8)
        let subjectNameBytes = Int(window.load(at: offset + 19) as UInt8)
        let headerBytes = Int(window.load(at: offset + 20) as UInt32)
        let position: UInt64 = window.load(at: offset + 24)
        let count = Int(window.load(at: offset + 32) as UInt32)
        let groupOffset = Int(window.load(at: offset + 36) as UInt32)
        let epoch: Int64 = window.load(at: offset + 40)
        let first: Int64 = window.load(at: offset + 48)
        var expected = FrameLayout.fixedBytes + FrameLayout.rounded(nameBytes)
        let subjectOffset = offset + expected
        if flags & 1 != 0 {
            expected += FrameLayout.subjectFixedBytes + FrameLayout.rounded(subjectNameBytes)
        }
        guard let kind = FrameKind(rawValue: kindByte), flags < 4, (flags != 0) == (kind != .events),
            headerBytes == expected, headerBytes < frameBytes, position >= 1, groupOffset <= offset,
            (1...LogLimits.frameEventsMax).contains(count), first >= 1, first <= .max - Int64(count),
            let name = self.name(window, at: offset + 64, count: nameBytes)
        else { return nil }
        var subject: FrameSubject?
        if flags & 1 != 0 {
            let from: Int64 = window.load(at: subjectOffset + 8)
            let to: Int64 = window.load(at: subjectOffset + 16)
            guard from >= 1, from <= to,
                let about = window.name(at: subjectOffset + 24, count: subjectNameBytes)
            else { return nil }
            subject = FrameSubject(
                source: SourceEpoch(source: about, epoch: Epoch(rawValue: window.load(at: subjectOffset))),
                first: SequenceNumber(rawValue: from), last: SequenceNumber(rawValue: to),
                isConflict: flags & 2 != 0)
        }
        let header = FrameHeader(
            kind: kind, source: SourceEpoch(source: name, epoch: Epoch(rawValue: epoch)),
            firstSequence: SequenceNumber(rawValue: first), count: count,
            receivedAt: Timestamp(rawValue: window.load(at: offset + 56)),
            position: Position(rawValue: position),
            payloadBytes: frameBytes - headerBytes, subject: subject, groupOffset: groupOffset)
        return (header, headerBytes)
    }

    private mutating func name(_ window: SegmentWindow, at offset: Int, count: Int) -> SourceName? {
        if let name, Int(name.length) == count {
            var isSame = true
            // Zeros stand behind it up to a multiple of eight; where they don't, it is read anew below.
            for word in stride(from: 0, to: count, by: 8)
            where name.word(at: word).littleEndian != window.load(at: offset + word) {
                isSame = false
                break
            }
            if isSame { return name }
        }
        name = window.name(at: offset, count: count)
        return name
    }
}

extension SegmentWindow {
    /// A little-endian number.
    func load<Number: FixedWidthInteger>(at offset: Int, as type: Number.Type = Number.self) -> Number {
        precondition(offset >= range.lowerBound && offset + MemoryLayout<Number>.size <= range.upperBound)
        // Safety: within the window, checked above.
        return unsafe Number(
            littleEndian: base.loadUnaligned(fromByteOffset: offset - range.lowerBound, as: Number.self))
    }

    func hash(_ bytes: Range<Int>, seed: UInt64) -> UInt64 {
        precondition(bytes.lowerBound >= range.lowerBound && bytes.upperBound <= range.upperBound)
        // Safety: within the window, checked above.
        return unsafe tollbook_xxh3_64(base + (bytes.lowerBound - range.lowerBound), bytes.count, seed)
    }

    /// The bytes, padded by whatever follows them.
    func bytes(_ bytes: Range<Int>) -> PaddedBytes {
        precondition(bytes.lowerBound >= range.lowerBound && bytes.upperBound <= range.upperBound)
        // Safety: within the window, behind which 64 more bytes may be read; whoever takes them keeps the
        // window.
        return unsafe PaddedBytes(
            base: (base + (bytes.lowerBound - range.lowerBound)).assumingMemoryBound(to: UInt8.self),
            count: bytes.count)
    }

    func name(at offset: Int, count: Int) -> SourceName? {
        let bytes = bytes(offset..<offset + count)
        // Safety: the span lives within this call, the window longer.
        return unsafe SourceName(bytes.pointer(at: 0, to: count).span)
    }
}
