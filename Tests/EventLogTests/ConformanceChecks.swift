import EventLog
import Events
import Testing

/// The log's laws, over every storage.
@Suite("Laws of the log")
struct ConformanceChecks {
    @Test(
        "What was committed is read, from any position, now and after opening anew",
        arguments: Backend.allCases, Keeping.allCases)
    func readsWhatWasCommitted(_ backend: Backend, _ keeping: Keeping) throws {
        let place = backend.makePlace()
        var log = try place.open()
        let ledger = try Ledger.filled(log)
        #expect(place.segmentPaths.count >= 2)
        try keeping.apply(to: log, in: place)
        #expect(place.compressedPaths.isEmpty != keeping.isCompressed)
        for isAnew in [false, true] {
            if isAnew {
                log.close()
                log = try place.open()
                #expect(log.tail == ledger.tail)
                #expect(log.recovery.droppedBytes == 0)
            }
            #expect(try Ledger.read(log) == ledger.entries)
            #expect(try Ledger.read(log, isReadOnce: true) == ledger.entries)
            for index in stride(from: 0, to: ledger.entries.count, by: 17) {
                let read = try Ledger.read(
                    log, from: ledger.entries[index].position, isReadOnce: index % 2 == 1)
                #expect(read.suffix(ledger.entries.count - index) == ledger.entries[index...])
                #expect(read.count < ledger.entries.count - index + 7)
            }
            #expect(try Ledger.read(log, from: log.durable.next).isEmpty)
            for beyond in [Position(rawValue: 0), log.durable.next.advanced(by: 1)] {
                let error = #expect(throws: LogError.self) { _ = try Ledger.read(log, from: beyond) }
                #expect(error?.code == .outOfRange)
            }
        }
        log.close()
    }

    @Test(
        "An event is fetched by its position, in order and in none", arguments: Backend.allCases,
        Keeping.allCases)
    func fetchesSingleEvents(_ backend: Backend, _ keeping: Keeping) throws {
        let place = backend.makePlace()
        let log = try place.open()
        let ledger = try Ledger.filled(log)
        try keeping.apply(to: log, in: place)
        #expect(place.summaryPaths.isEmpty == (keeping == .plain || keeping == .compressedWithoutSummaries))
        var generator = SeededGenerator(seed: 4)
        for order in [ledger.entries, ledger.entries.reversed(), ledger.entries.shuffled(using: &generator)] {
            var fetcher = log.fetcher()
            for entry in order {
                let event = try fetcher.event(at: entry.position)
                #expect(event.position == entry.position && event.bytes.array == entry.line)
                #expect(event.source == entry.source && event.sequence.rawValue == entry.sequence)
            }
            let error = #expect(throws: LogError.self) { _ = try fetcher.event(at: log.durable.next) }
            #expect(error?.code == .outOfRange)
        }
        log.close()
    }

    @Test(
        "Every event is found by its identity, and so is what is about it", arguments: Backend.allCases,
        Keeping.allCases)
    func findsByIdentity(_ backend: Backend, _ keeping: Keeping) throws {
        let place = backend.makePlace()
        let log = try place.open()
        let ledger = Ledger(log)
        let source = Ledger.source("p")
        let own = Ledger.source("ledger", 9)
        try ledger.append(source, count: 5)
        try ledger.commit()
        func state(_ number: Int64, _ text: String, _ kind: FrameKind, _ subject: FrameSubject) throws {
            try ledger.lay(own, first: number, lines: [Array(text.utf8)], kind: kind, about: subject)
        }
        let number = { (number: Int64) in SequenceNumber(rawValue: number) }
        try state(1, "rejected", .rejected, FrameSubject(source: source, first: number(6), last: number(6)))
        for round in 0..<200 {
            try ledger.append(Ledger.source("q", 1 + Int64(round % 3)), count: 4, padding: 200)
        }
        try state(
            2, "conflict", .rejected,
            FrameSubject(source: source, first: number(3), last: number(3), isConflict: true))
        try state(3, "gap", .gap, FrameSubject(source: source, first: number(7), last: number(9)))
        ledger.nextSequences[source] = 9
        try ledger.append(source, count: 2)
        try ledger.commit()
        try keeping.apply(to: log, in: place)
        var finder = log.finder()
        func lines(_ source: SourceEpoch, _ sequence: Int64) throws -> [String] {
            try finder.frames(for: source, number(sequence)).map {
                String(decoding: $0.line.array, as: UTF8.self)
            }
        }
        func line(_ sequence: Int64) -> String {
            String(decoding: Ledger.line(source, sequence), as: UTF8.self)
        }
        #expect(try lines(source, 1) == [line(1)])
        #expect(try lines(source, 3) == [line(3), "conflict"])
        #expect(try lines(source, 6) == ["rejected"])
        #expect(try lines(source, 8) == ["gap"])
        #expect(try lines(source, 9) == ["gap", line(9)])
        #expect(try lines(source, 10) == [line(10)])
        #expect(try lines(source, 11).isEmpty)
        #expect(try lines(Ledger.source("p", 2), 1).isEmpty)
        #expect(try lines(own, 2) == ["conflict"])
        for entry in ledger.entries {
            let found = try finder.frames(for: entry.source, number(entry.sequence))
            #expect(found.contains { $0.line.array == entry.line })
        }
        // What comes after the finder was made is found as well, also beyond the segment that was live then.
        for _ in 0..<60 { try ledger.append(source, count: 1, padding: 2_000) }
        try ledger.commit()
        #expect(try finder.frames(for: source, number(70)).count == 1)
        #expect(try lines(source, 71).isEmpty)
        log.close()
    }

    @Test(
        "The table of sources after opening is the one that ingest kept", arguments: Backend.allCases,
        [Keeping.plain, .compressed])
    func rebuildsTheTable(_ backend: Backend, _ keeping: Keeping) throws {
        let place = backend.makePlace()
        var log = try place.open()
        var table = SourceTable()
        let ledger = try Ledger.filled(log)
        try keeping.apply(to: log, in: place)
        let subject = FrameSubject(
            source: Ledger.source("a"), first: SequenceNumber(rawValue: 10_000),
            last: SequenceNumber(rawValue: .max))
        try ledger.lay(
            Ledger.source("ledger"), first: 1, lines: [Array("{}".utf8)], kind: .gap, about: subject)
        try ledger.commit()
        var reader = try log.reader()
        while let frame = try reader.next() { table.record(frame.header) }
        let gapped = Ledger.source("a")
        #expect(table.contains(gapped, SequenceNumber(rawValue: 1)))
        #expect(table.state(of: gapped).declared.contains(.max))
        #expect(table.next(of: gapped).rawValue == ledger.nextSequences[gapped])
        for round in 0..<3 {
            // Without summaries, with them, and with none but the first.
            log.close()
            log = try place.open()
            #expect(log.sources == table)
            #expect(try place.openReadOnly().sources == table)
            try log.maintain()
            if round == 1 {
                for path in place.summaryPaths.dropFirst() { try place.storage.remove(path) }
            }
        }
        log.close()
    }

    @Test(
        "A summary that is missing or damaged is made anew and changes nothing", arguments: Backend.allCases,
        [Keeping.summarized, .compressed])
    func summariesAreDerived(_ backend: Backend, _ keeping: Keeping) throws {
        let place = backend.makePlace()
        var log = try place.open()
        let ledger = try Ledger.filled(log)
        try keeping.apply(to: log, in: place)
        log.close()
        let summaries = place.summaryPaths
        #expect(summaries.count == place.segmentPaths.count + place.compressedPaths.count - 1)
        #expect(summaries.count >= 2)
        let table = try place.openReadOnly().sources
        for (index, path) in summaries.enumerated() {
            let bytes = try place.storage.open(path, .read).read(1 << 20, at: 0)
            for offset in stride(from: 0, to: bytes.count, by: 1 + bytes.count / 40) {
                try place.damage(path) { $0[offset] ^= 0x20 }
                let damaged = try place.openReadOnly()
                #expect(damaged.sources == table)
                #expect(try LogVerifier(damaged).run().badSummaries.contains(path))
                var finder = damaged.finder()
                var fetcher = damaged.fetcher()
                let entry = ledger.entries[offset % ledger.entries.count]
                let sequence = SequenceNumber(rawValue: entry.sequence)
                #expect(try finder.frames(for: entry.source, sequence).map(\.line.array) == [entry.line])
                #expect(try fetcher.event(at: entry.position).bytes.array == entry.line)
                try place.damage(path) { $0[offset] ^= 0x20 }
            }
            if index == summaries.count - 1 {
                try place.damage(path) { $0[40] ^= 1 }
            } else {
                try place.storage.remove(path)
            }
        }
        log = try place.open()
        #expect(log.sources == table)
        try log.maintain()
        #expect(try LogVerifier(log).run().badSummaries.isEmpty)
        log.close()
    }

    @Test(
        "A reader of another process follows the log over the ends of segments", arguments: Backend.allCases)
    func followsFromOutside(_ backend: Backend) throws {
        let place = backend.makePlace()
        let log = try place.open()
        let ledger = Ledger(log)
        let outside = try place.openReadOnly()
        var reader = try outside.reader()
        var entries: [Ledger.Entry] = []
        for round in 0..<90 {
            try ledger.append(Ledger.source("a"), count: 1 + round % 5, padding: 500)
            try ledger.commit()
            let next = try outside.wait(for: ledger.entries[ledger.entries.count - 1].position, atMost: .zero)
            #expect(next == log.durable.next)
            while let frame = try reader.next() { entries += Ledger.entries(of: frame) }
            #expect(entries.count == ledger.entries.count)
        }
        #expect(entries == ledger.entries)
        #expect(place.segmentPaths.count >= 3)
        log.close()
    }

    @Test("A log is verified whole", arguments: Backend.allCases, [Keeping.summarized, .compressed])
    func verifies(_ backend: Backend, _ keeping: Keeping) throws {
        let place = backend.makePlace()
        let log = try place.open()
        let ledger = try Ledger.filled(log)
        try keeping.apply(to: log, in: place)
        var told: [Int] = []
        let report = try LogVerifier(log).run { done, total in
            #expect(done <= total)
            told.append(done)
        }
        #expect(told == told.sorted() && !told.isEmpty)
        #expect(report.events == UInt64(ledger.entries.count))
        #expect(report.segments == place.segmentPaths.count + place.compressedPaths.count)
        #expect(report.compressedSegments == place.compressedPaths.count)
        #expect(report.badSummaries.isEmpty)
        log.close()
    }

    @Test("A log has one writer; the next one is told who and what to do", arguments: Backend.allCases)
    func refusesASecondWriter(_ backend: Backend) throws {
        let place = backend.makePlace()
        let log = try place.open()
        let error = #expect(throws: LogError.self) { _ = try place.open() }
        #expect(error?.code == .locked)
        _ = try place.openReadOnly()
        log.close()
        try place.open().close()
    }

    @Test("A group that is full says so, and what didn't fit goes into the next", arguments: Backend.allCases)
    func fillsGroups(_ backend: Backend) throws {
        let place = backend.makePlace()
        let log = try place.open()
        let ledger = Ledger(log, capacity: 8192)
        for _ in 0..<50 { try ledger.append(Ledger.source("a"), count: 3, padding: 500) }
        try ledger.commit()
        #expect(try Ledger.read(log) == ledger.entries)
        // A payload of the whole group, and one that needs a whole segment.
        let large = Ledger(log, capacity: 1 << 20)
        large.tail = ledger.tail
        large.group.begin(at: ledger.tail, room: 50_000)
        large.nextSequences[Ledger.source("a")] = 151
        try large.append(Ledger.source("a"), count: 1, padding: 50_000)
        try large.append(Ledger.source("a"), count: 1, padding: 50_000)
        try large.commit()
        #expect(try Ledger.read(log, from: large.entries[0].position) == large.entries)
        log.close()
    }

    @Test("Staged bytes lie where the frame will have them", arguments: Backend.allCases)
    func stages(_ backend: Backend) throws {
        let place = backend.makePlace()
        let log = try place.open()
        let group = log.makeGroup()
        let source = Ledger.source("a")
        let payload = Array("{\"a\":1}\n{\"b\":2}\n{\"c\":3}\n".utf8)
        // Safety: bytes of an array of bytes.
        let staged = try #require(unsafe group.stage(payload.span.bytes, from: source.source))
        #expect(staged.array == payload)
        #expect(group.isEmpty)
        let position = group.appendStaged(
            from: source, first: SequenceNumber(rawValue: 1), count: 2, receivedAt: Timestamp(rawValue: 5),
            bytes: 16)
        #expect(position == .first)
        #expect(try log.writer.commit(group).rawValue == 3)
        var reader = try log.reader()
        let frame = try #require(try reader.next())
        #expect(frame.payload.array == Array(payload[..<16]))
        #expect(frame.header.count == 2 && frame.header.receivedAt.rawValue == 5)
        #expect(try reader.next() == nil)
        log.close()
    }
}
