import EventLog
import Events
import Testing

/// Lays and commits batches, and remembers what must be in the log.
final class Ledger {
    struct Entry: Equatable {
        var position: Position
        var source: SourceEpoch
        var sequence: Int64
        var line: [UInt8]
    }

    let log: LogDirectory
    let group: FrameGroup
    var tail: LogTail
    var entries: [Entry] = []
    var nextSequences: [SourceEpoch: Int64] = [:]

    init(_ log: LogDirectory, capacity: Int = 64 << 10) {
        self.log = log
        group = log.makeGroup(capacity: capacity)
        tail = log.tail
    }

    static func source(_ name: String, _ epoch: Int64 = 1) -> SourceEpoch {
        SourceEpoch(source: SourceName(name)!, epoch: Epoch(rawValue: epoch))
    }

    static func line(_ source: SourceEpoch, _ sequence: Int64, padding: Int = 0) -> [UInt8] {
        Array(
            "{\"s\":\"\(source.source)\",\"n\":\(sequence),\"p\":\"\(String(repeating: "x", count: padding))\"}"
                .utf8)
    }

    /// A log with several segments: three sources, frames of one to seven events, groups of four frames.
    static func filled(_ log: LogDirectory) throws -> Ledger {
        let ledger = Ledger(log)
        let sources = [source("a"), source("proxy/with:a-long.name_0123456789", 77), source("c")]
        for round in 0..<200 {
            try ledger.append(sources[round % 3], count: 1 + round % 7, padding: round * 13 % 900)
            if round % 4 == 3 { try ledger.commit() }
        }
        return ledger
    }

    /// Lays one batch of consecutive events; begins and commits groups as needed.
    func append(_ source: SourceEpoch, count: Int, padding: Int = 0) throws {
        let first = nextSequences[source] ?? 1
        try lay(
            source, first: first,
            lines: (0..<count).map { Self.line(source, first + Int64($0), padding: padding) })
        nextSequences[source] = first + Int64(count)
    }

    func lay(
        _ source: SourceEpoch, first: Int64, lines: [[UInt8]], kind: FrameKind = .events,
        about subject: FrameSubject? = nil
    ) throws {
        let payload: [UInt8] = Array(lines.map { line in line + [UInt8(0x0A)] }.joined())
        var position = append(kind, source, first, lines.count, subject, payload)
        if position == nil {
            try commit(
                room: FrameGroup.frameBytes(payload: payload.count, from: source.source, about: subject))
            position = append(kind, source, first, lines.count, subject, payload)
        }
        var next = try #require(position)
        for (index, line) in lines.enumerated() {
            entries.append(Entry(position: next, source: source, sequence: first + Int64(index), line: line))
            next = next.advanced(by: 1)
        }
    }

    private func append(
        _ kind: FrameKind, _ source: SourceEpoch, _ first: Int64, _ count: Int, _ subject: FrameSubject?,
        _ payload: [UInt8]
    ) -> Position? {
        // Safety: bytes of an array of bytes.
        unsafe group.append(
            kind, from: source, first: SequenceNumber(rawValue: first), count: count,
            receivedAt: Timestamp(rawValue: 1_000_000 + first), about: subject, payload: payload.span.bytes)
    }

    /// Makes what was laid durable and begins the next group.
    func commit(room: Int = 0) throws {
        if group.isEmpty { return group.begin(at: tail, room: room) }
        let durable = try log.writer.commit(group)
        #expect(durable == group.tail.next)
        tail = group.tail
        group.begin(at: tail, room: room)
    }

    /// What a log has, read from a position on.
    static func read(
        _ log: LogDirectory, from position: Position = .first, isReadOnce: Bool = false
    ) throws -> [Entry] {
        var reader = try log.reader(from: position, isReadOnce: isReadOnce)
        var entries: [Entry] = []
        while let frame = try reader.next() { entries += Self.entries(of: frame) }
        return entries
    }

    static func entries(of frame: LogFrame) -> [Entry] {
        var lines: [[UInt8]] = [[]]
        for offset in 0..<frame.payload.count {
            let byte = frame.payload[offset]
            if byte == 0x0A { lines.append([]) } else { lines[lines.count - 1].append(byte) }
        }
        lines.removeLast()
        #expect(lines.count == frame.header.count)
        return lines.enumerated().map { index, line in
            Entry(
                position: frame.header.position.advanced(by: index), source: frame.header.source,
                sequence: frame.header.firstSequence.rawValue + Int64(index), line: line)
        }
    }
}

extension IdentityFinder {
    /// Every frame that holds this event or is about it.
    mutating func frames(
        for source: SourceEpoch, _ sequence: SequenceNumber, in groups: [FrameGroup] = []
    ) throws(LogError) -> [FoundFrame] {
        var frames: [FoundFrame] = []
        for place in try places(for: source, sequence, in: groups) { frames.append(try frame(at: place)) }
        return frames
    }
}

extension PaddedBytes {
    var array: [UInt8] { (0..<count).map { self[$0] } }
}

/// A generator that a printed seed starts over (splitmix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
