internal import EventLog
internal import Events
internal import Glibc

/// A frame of the log in which repetitions are looked up one after the other, so that a batch that comes
/// again costs one reading of its frame and not one for each event.
struct HeldFrame {
    let frame: LogFrame
    private var number: Int64
    private var offset = 0

    init(_ frame: LogFrame) {
        self.frame = frame
        number = frame.header.firstSequence.rawValue
    }

    /// Where the line of that number stands in the payload; null where the frame does not hold it.
    mutating func line(_ wanted: Int64, of origin: SourceEpoch) -> Range<Int>? {
        let first = frame.header.firstSequence.rawValue
        guard frame.header.kind == .events, frame.header.source == origin,
            (first..<first + Int64(frame.header.count)).contains(wanted)
        else { return nil }
        if wanted < number {
            number = first
            offset = 0
        }
        while true {
            guard let end = lineEnd() else { return nil }
            if number == wanted { return offset..<end }
            number += 1
            offset = end + 1
        }
    }

    private func lineEnd() -> Int? {
        guard offset < frame.payload.count else { return nil }
        // Safety: memchr reads the checked range only, and the frame keeps the bytes.
        let rest = unsafe frame.payload.pointer(at: offset, to: frame.payload.count)
        guard let start = rest.baseAddress, let found = unsafe memchr(start, 0x0A, rest.count) else {
            return nil
        }
        return unsafe offset + (UnsafeRawPointer(found) - UnsafeRawPointer(start))
    }
}

/// What the log has already, held against what comes again.
extension FrameLayer {
    /// Whether the durable log has this event with the same bytes in a frame of its source. Where it has
    /// not, nothing is said of rejections and conflicts.
    mutating func isHeld(
        _ raw: borrowing Span<UInt8>, _ number: SequenceNumber, of origin: SourceEpoch
    ) throws(IngestError) -> Bool {
        if let line = held?.line(number.rawValue, of: origin), let frame = held?.frame {
            return Self.isSame(frame.payload, line, raw)
        }
        guard
            let found = try frames(origin, number).first(where: {
                $0.header.kind == .events && $0.header.source == origin
            })
        else { return false }
        held = HeldFrame(found.frame)
        guard let line = held?.line(number.rawValue, of: origin), let frame = held?.frame else {
            return false
        }
        return Self.isSame(frame.payload, line, raw)
    }

    /// Whether the durable log has these bytes under this number: as the event, as a rejection, or as a
    /// conflict.
    mutating func isOnRecord(
        _ raw: borrowing Span<UInt8>, _ number: SequenceNumber, of origin: SourceEpoch
    ) throws(IngestError) -> Bool {
        for frame in try frames(origin, number) {
            if frame.header.source == origin {
                if Self.isSame(frame.line, 0..<frame.line.count, raw) { return true }
            } else if frame.header.kind == .rejected, let text = rawText(of: frame), Base64.encodes(text, raw)
            {
                return true
            }
        }
        return false
    }

    private mutating func frames(
        _ origin: SourceEpoch, _ number: SequenceNumber
    ) throws(IngestError) -> [FoundFrame] {
        do throws(LogError) {
            return try finder.frames(for: origin, number)
        } catch {
            throw IngestError(.log, number: error.errno, error.description)
        }
    }

    private mutating func rawText(of frame: FoundFrame) -> [UInt8]? {
        decoder.begin(frame.line)
        guard case .event = decoder.next(into: &view, from: .ledger), let range = view.text(.raw) else {
            return nil
        }
        var text: [UInt8] = []
        JSONText.append(range, in: frame.line, to: &text)
        return text
    }

    private static func isSame(_ bytes: PaddedBytes, _ line: Range<Int>, _ raw: borrowing Span<UInt8>) -> Bool
    {
        guard line.count == raw.count else { return false }
        return unsafe raw.withUnsafeBufferPointer { other in
            // Safety: both have `raw.count` bytes.
            let same = unsafe bytes.pointer(at: line.lowerBound, to: line.upperBound)
            guard let left = same.baseAddress, let right = other.baseAddress else { return true }
            return unsafe memcmp(left, right, other.count) == 0
        }
    }

    /// The time of the nearest event on one side of a gap; null where there is none, or only behind more
    /// rejections than are worth a look.
    mutating func time(
        nextTo gap: NumberRange, isBefore: Bool, of session: SessionIndex, in machine: inout ProtocolMachine
    ) throws(IngestError) -> Timestamp? {
        var range = gap
        for _ in 0..<Limits.gapNeighboursMax {
            guard let number = machine.neighbour(session, of: range, isBefore: isBefore) else { return nil }
            if let time = try time(of: number, in: machine.origin(session)) { return time }
            range = NumberRange(number, number)
        }
        return nil
    }

    /// The time of an event in the durable log; null where there is none, or a rejection in its place.
    private mutating func time(of number: Int64, in origin: SourceEpoch) throws(IngestError) -> Timestamp? {
        for frame in try frames(origin, SequenceNumber(rawValue: number))
        where frame.header.kind == .events {
            decoder.begin(frame.line)
            if case .event = decoder.next(into: &view, from: .proxy) { return view.time }
        }
        return nil
    }
}
