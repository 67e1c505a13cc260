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
    /// Whether the log has this event with the same bytes in a frame of its source. Where it has not, nothing
    /// is said of rejections and conflicts.
    mutating func isHeld(
        _ raw: borrowing Span<UInt8>, _ number: SequenceNumber, of origin: SourceEpoch
    ) throws(IngestError) -> Bool {
        if let line = held?.line(number.rawValue, of: origin), let frame = held?.frame {
            return Self.isSame(frame.payload, line, raw)
        }
        for place in try places(origin, number) {
            let found = try frame(at: place)
            guard found.header.kind == .events, found.header.source == origin else { continue }
            held = HeldFrame(found.frame)
            guard let line = held?.line(number.rawValue, of: origin), let frame = held?.frame else {
                return false
            }
            return Self.isSame(frame.payload, line, raw)
        }
        return false
    }

    /// Whether the log has these bytes under this number: as the event, as a rejection, or as a conflict.
    mutating func isOnRecord(
        _ raw: borrowing Span<UInt8>, _ number: SequenceNumber, of origin: SourceEpoch
    ) throws(IngestError) -> Bool {
        for place in try places(origin, number) {
            let frame = try frame(at: place)
            if frame.header.source == origin {
                // The line lasts as long as the frame.
                let isSame = withExtendedLifetime(frame) {
                    Self.isSame(frame.line, 0..<frame.line.count, raw)
                }
                if isSame { return true }
            } else if frame.header.kind == .rejected, let text = rawText(of: frame), Base64.encodes(text, raw)
            {
                return true
            }
        }
        return false
    }

    /// Where the frames about an event are, also those on their way to the disk; until more is laid.
    private mutating func places(
        _ origin: SourceEpoch, _ number: SequenceNumber
    ) throws(IngestError) -> [FramePlace] {
        // Many are found sooner once the log has noted them.
        if pipe.underWay.reduce(0, { $0 + $1.frameCount }) > Limits.framesSearchedMax { try pipe.flush() }
        do throws(LogError) {
            return try finder.places(for: origin, number, in: pipe.underWay)
        } catch {
            throw IngestError(.log, number: error.errno, error.description)
        }
    }

    private mutating func frame(at place: FramePlace) throws(IngestError) -> FoundFrame {
        do throws(LogError) {
            return try finder.frame(at: place)
        } catch {
            throw IngestError(.log, number: error.errno, error.description)
        }
    }

    private mutating func rawText(of frame: FoundFrame) -> [UInt8]? {
        // The line lasts as long as the frame.
        withExtendedLifetime(frame) {
            decoder.begin(frame.line)
            guard case .event = decoder.next(into: &view, from: .ledger), let range = view.text(.raw) else {
                return nil
            }
            var text: [UInt8] = []
            JSONText.append(range, in: frame.line, to: &text)
            return text
        }
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

    /// The time of an event; null where there is none, or a rejection in its place.
    private mutating func time(of number: Int64, in origin: SourceEpoch) throws(IngestError) -> Timestamp? {
        for place in try places(origin, SequenceNumber(rawValue: number)) {
            let frame = try frame(at: place)
            guard frame.header.kind == .events else { continue }
            // The line lasts as long as the frame.
            let isEvent = withExtendedLifetime(frame) {
                decoder.begin(frame.line)
                if case .event = decoder.next(into: &view, from: .proxy) { return true }
                return false
            }
            if isEvent { return view.time }
        }
        return nil
    }
}
