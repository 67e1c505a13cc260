package import Events

/// What stands before a frame's payload: whose events these are, which, and where in the log.
///
/// `schemas/log-format.md` has the bytes.
package struct FrameHeader: Hashable, Sendable {
    package let kind: FrameKind
    package let source: SourceEpoch
    package let firstSequence: SequenceNumber
    package let count: Int
    package let receivedAt: Timestamp
    /// The position of the frame's first event; the others follow without holes.
    package let position: Position
    package let payloadBytes: Int
    /// Out of line: few frames have one, and headers are copied for each.
    private let subjectBox: SubjectBox?
    /// Where the group that this frame was written with begins in its segment.
    package let groupOffset: Int

    init(
        kind: FrameKind, source: SourceEpoch, firstSequence: SequenceNumber, count: Int,
        receivedAt: Timestamp,
        position: Position, payloadBytes: Int, subject: FrameSubject?, groupOffset: Int
    ) {
        self.kind = kind
        self.source = source
        self.firstSequence = firstSequence
        self.count = count
        self.receivedAt = receivedAt
        self.position = position
        self.payloadBytes = payloadBytes
        self.groupOffset = groupOffset
        subjectBox = subject.map(SubjectBox.init)
    }

    /// Whether the frame holds an event or is about it.
    func isAbout(_ source: SourceEpoch, _ number: Int64) -> Bool {
        if source == self.source, firstSequence.rawValue <= number,
            number < firstSequence.rawValue + Int64(count)
        {
            return true
        }
        guard let subject else { return false }
        return subject.source == source && subject.first.rawValue <= number && number <= subject.last.rawValue
    }

    /// What the frame is about; only with `rejected` and `gap`.
    package var subject: FrameSubject? { subjectBox?.subject }

    /// The position of the event behind this frame.
    package var next: Position { position.advanced(by: count) }
}

/// Compared by what it holds.
private final class SubjectBox: Hashable, Sendable {
    let subject: FrameSubject

    init(_ subject: FrameSubject) {
        self.subject = subject
    }

    static func == (left: SubjectBox, right: SubjectBox) -> Bool { left.subject == right.subject }

    func hash(into hasher: inout Hasher) {
        hasher.combine(subject)
    }
}

/// The byte layout of a frame's header. All numbers are little-endian.
enum FrameLayout {
    /// "TbFr"
    static let magic: UInt32 = 0x7246_6254
    static let fixedBytes = 64
    static let subjectFixedBytes = 24
    static let alignment = 8

    static func rounded(_ bytes: Int) -> Int { (bytes + 7) & ~7 }

    /// The size of a header.
    static func headerBytes(source: SourceName, subject: FrameSubject?) -> Int {
        var bytes = fixedBytes + rounded(Int(source.length))
        if let subject { bytes += subjectFixedBytes + rounded(Int(subject.source.source.length)) }
        return bytes
    }

    /// What the checksum of a frame is seeded with: the same bytes elsewhere, in another segment or another
    /// log, are no frame.
    static func seed(segment: UInt64, offset: Int, frameBytes: Int) -> UInt64 {
        segment ^ (UInt64(truncatingIfNeeded: offset) << 32 | UInt64(truncatingIfNeeded: frameBytes))
    }
}
