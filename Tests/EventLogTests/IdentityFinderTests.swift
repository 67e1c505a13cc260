import EventLog
import Events
import Testing

/// Where a finder looks, and where it need not.
@Suite("Finding events by their identity")
struct IdentityFinderTests {
    private static func number(_ number: Int64) -> SequenceNumber { SequenceNumber(rawValue: number) }

    @Test("What is laid is found before it is on disk, and once only afterwards", arguments: Backend.allCases)
    func underWay(_ backend: Backend) throws {
        let place = backend.makePlace()
        let log = try place.open()
        defer { log.close() }
        let ledger = Ledger(log)
        let source = Ledger.source("p")
        let own = Ledger.source("ledger", 9)
        func state(
            _ own: SourceEpoch, _ first: Int64, _ text: String, _ kind: FrameKind, _ subject: FrameSubject
        )
            throws
        {
            try ledger.lay(own, first: first, lines: [Array(text.utf8)], kind: kind, about: subject)
        }
        try ledger.append(source, count: 3)
        try ledger.commit()
        try ledger.append(source, count: 2)
        try ledger.append(Ledger.source("q"), count: 9, padding: 1_000)
        try state(
            own, 1, "conflict", .rejected,
            FrameSubject(source: source, first: Self.number(2), last: Self.number(2), isConflict: true))
        try state(
            own, 2, "gap", .gap, FrameSubject(source: source, first: Self.number(6), last: Self.number(8)))
        var finder = log.finder()
        func lines(_ source: SourceEpoch, _ sequence: Int64) throws -> [String] {
            try finder.frames(for: source, Self.number(sequence), in: [ledger.group]).map {
                String(decoding: $0.line.array, as: UTF8.self)
            }
        }
        func line(_ sequence: Int64) -> String {
            String(decoding: Ledger.line(source, sequence), as: UTF8.self)
        }
        func check() throws {
            #expect(try lines(source, 2) == [line(2), "conflict"])
            #expect(try lines(source, 4) == [line(4)])
            #expect(try lines(source, 5) == [line(5)])
            #expect(try lines(source, 6) == ["gap"])
            #expect(try lines(source, 8) == ["gap"])
            #expect(try lines(source, 9).isEmpty)
            #expect(try lines(own, 1) == ["conflict"])
            #expect(try lines(Ledger.source("p", 2), 4).isEmpty)
        }
        try check()
        #expect(try finder.frames(for: source, Self.number(4)).isEmpty)
        let held = try finder.frames(for: source, Self.number(2), in: [ledger.group])
        try log.writer.commit(ledger.group)
        try check()
        // It lasts, whatever is laid where it lay: behind q's frame, which is longer than the page that the
        // next group begins in.
        ledger.group.begin(at: ledger.group.tail)
        ledger.tail = ledger.group.tail
        for _ in 0..<20 { try ledger.append(Ledger.source("r"), count: 3, padding: 400) }
        #expect(held.map { String(decoding: $0.line.array, as: UTF8.self) } == [line(2), "conflict"])
        #expect(held.last?.frame.header.firstSequence == Self.number(1))
    }

    @Test("The newest segments are not read to find what they have")
    func newestSegments() throws {
        let storage = SimulatedStorage()
        let log = try Place(storage: storage, data: "/data").open(segmentBytes: 8 << 20) {
            $0.compression = nil
        }
        defer { log.close() }
        let ledger = Ledger(log, capacity: 1 << 20)
        let source = Ledger.source("p")
        while ledger.tail.segment.ordinal < 2 || ledger.tail.offset < 2 << 20 {
            try ledger.append(source, count: 10, padding: 5_000)
        }
        try ledger.commit()
        let last = try #require(ledger.entries.last)
        var finder = log.finder()
        // A frame in each of both: two files opened, a few pages of each read. All of the first would be
        // sixteen pieces.
        storage.faults.readsUntilFailure = 10
        for entry in [ledger.entries[20], ledger.entries[500], last] {
            let found = try finder.frames(for: entry.source, Self.number(entry.sequence))
            #expect(found.map(\.line.array) == [entry.line])
        }
    }
}
