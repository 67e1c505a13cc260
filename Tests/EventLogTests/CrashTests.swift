import EventLog
import Events
import Testing

/// What a crash may leave behind, and what must be there afterwards.
@Suite("Crashes")
struct CrashTests {
    /// A log with one full group, and one more behind it.
    private struct Torn {
        let storage = SimulatedStorage()
        let place: Place
        let path: String
        let before: [Ledger.Entry]
        let all: [Ledger.Entry]
        let group: Range<Int>
        /// Behind each frame of the last group.
        var frameEnds: [(offset: Int, events: Int)] = []

        init() throws {
            place = Place(storage: storage, data: "/data")
            let log = try place.open()
            let ledger = Ledger(log)
            for round in 0..<3 { try ledger.append(Ledger.source("a"), count: 2 + round, padding: 100) }
            try ledger.commit()
            before = ledger.entries
            let start = ledger.tail.offset
            for round in 0..<4 {
                try ledger.append(
                    Ledger.source(round % 2 == 0 ? "a" : "b"), count: 1 + round, padding: round * 37)
                frameEnds.append((start + ledger.group.byteCount, ledger.entries.count))
            }
            try ledger.commit()
            all = ledger.entries
            // Not closed: the last group was never acknowledged.
            group = start..<ledger.tail.offset
            path = place.segmentPaths[0]
        }

        /// Zeroes some bytes, opens what is left of the log, appends to it, and opens it again.
        func clear(_ bytes: Range<Int>, keeps expected: [Ledger.Entry]) throws {
            let place = Place(storage: storage.afterKill(), data: "/data")
            let original = try #require((place.storage as? SimulatedStorage)?.content(path)).bytes
            try place.damage(path) { $0.replaceSubrange(bytes, with: repeatElement(0, count: bytes.count)) }
            let log = try place.open()
            #expect(try Ledger.read(log) == expected)
            let ledger = Ledger(log)
            ledger.entries = expected
            ledger.nextSequences[Ledger.source("z")] = 1
            try ledger.append(Ledger.source("z"), count: 1)
            try ledger.commit()
            log.close()
            let again = try place.open()
            #expect(try Ledger.read(again) == ledger.entries)
            again.close()
            try place.damage(path) { $0 = original }
        }
    }

    @Test("A group that was cut off at any byte loses its torn frames and nothing else")
    func cutOffAnywhere() throws {
        let torn = try Torn()
        for offset in torn.group {
            let whole = torn.frameEnds.last { $0.offset <= offset + 7 }
            // The last bytes of a frame may be padding, which is zero anyway.
            let count = torn.frameEnds.last { $0.offset <= offset }?.events ?? torn.before.count
            var expected = Array(torn.all[..<count])
            let bytes = torn.storage.content(torn.path)!.bytes
            if let whole, bytes[offset..<max(offset, whole.offset)].allSatisfy({ $0 == 0 }) {
                expected = Array(torn.all[..<whole.events])
            }
            try torn.clear(offset..<torn.group.upperBound, keeps: expected)
        }
    }

    @Test("A group whose beginning didn't reach the disk, up to any byte, is dropped whole")
    func beginningIsLost() throws {
        let torn = try Torn()
        for offset in torn.group.dropFirst() {
            try torn.clear(torn.group.lowerBound..<offset, keeps: torn.before)
        }
    }

    @Test("A group with a hole anywhere loses what is behind it, and old frames never come back")
    func holes() throws {
        let torn = try Torn()
        for offset in torn.group where offset.isMultiple(of: 5) {
            let bytes = torn.storage.content(torn.path)!.bytes
            let end = min(offset + 16, torn.group.upperBound)
            if bytes[offset..<end].allSatisfy({ $0 == 0 }) { continue }
            var expected = torn.frameEnds.last { $0.offset <= offset }?.events ?? torn.before.count
            // A hole may lie in the padding between two frames, and then begin in the next.
            if let next = torn.frameEnds.first(where: { $0.offset > offset }), end > next.offset,
                bytes[offset..<next.offset].allSatisfy({ $0 == 0 })
            {
                expected = next.events
            }
            try torn.clear(offset..<end, keeps: Array(torn.all[..<expected]))
        }
    }

    @Test("After a power cut, what was acknowledged is there, once and in order", arguments: 0..<60)
    func powerCuts(_ seed: Int) throws {
        print("power cuts: seed \(seed)")
        var generator = SeededGenerator(seed: UInt64(seed))
        var storage = SimulatedStorage(hasDirect: seed % 3 != 0)
        var acknowledged: [Ledger.Entry] = []
        var maximum: [Ledger.Entry] = []
        for _ in 0..<6 {
            var faults = SimulatedStorage.Faults()
            faults.writeBytesMax = Int.random(in: 100...5_000, using: &generator)
            switch Int.random(in: 0..<4, using: &generator) {
            case 0: faults.writesUntilFailure = Int.random(in: 0..<60, using: &generator)
            case 1: faults.syncsUntilFailure = Int.random(in: 0..<20, using: &generator)
            case 2: faults.directorySyncsUntilFailure = Int.random(in: 0..<5, using: &generator)
            default: break
            }
            let place = Place(storage: storage, data: "/data")
            do {
                let log = try place.open()
                let found = try Ledger.read(log)
                #expect(found.starts(with: acknowledged))
                #expect(maximum.starts(with: found))
                acknowledged = found
                let ledger = Ledger(log)
                ledger.entries = found
                for key in log.sources.sources {
                    ledger.nextSequences[key] = log.sources.next(of: key).rawValue
                }
                maximum = found
                storage.faults = faults
                for _ in 0..<Int.random(in: 0..<25, using: &generator) {
                    for _ in 0..<Int.random(in: 1..<5, using: &generator) {
                        let source = Ledger.source(["a", "b"].randomElement(using: &generator)!)
                        try ledger.append(
                            source, count: Int.random(in: 1..<6, using: &generator),
                            padding: Int.random(in: 0..<700, using: &generator))
                        maximum = ledger.entries
                    }
                    if Int.random(in: 0..<4, using: &generator) == 0 { try? log.maintain() }
                    if Int.random(in: 0..<8, using: &generator) == 0 { try? log.compress() }
                    try ledger.commit()
                    acknowledged = ledger.entries
                }
            } catch let error as LogError {
                #expect(error.code == .system || error.code == .poisoned)
            }
            storage.faults = SimulatedStorage.Faults()
            let changes = storage.changeCount
            let kept = Int.random(in: 0...changes, using: &generator)
            // Sometimes only the process dies.
            if Int.random(in: 0..<4, using: &generator) == 0 { storage = storage.afterKill() }
            let chance = Int.random(in: 0...4, using: &generator)
            storage = storage.afterPowerCut(
                keep: { _ in Int.random(in: 0..<4, using: &generator) < chance }, nameChanges: kept)
        }
        let log = try Place(storage: storage, data: "/data").open()
        let found = try Ledger.read(log)
        #expect(found.starts(with: acknowledged) && maximum.starts(with: found))
        try log.maintain()
        #expect(try LogVerifier(log).run().badSummaries.isEmpty)
    }

    @Test("What a failed sync left visible is on disk before anybody builds on it")
    func failedSyncThenPowerCut() throws {
        let storage = SimulatedStorage()
        var place = Place(storage: storage, data: "/data")
        let log = try place.open()
        let ledger = Ledger(log)
        try ledger.append(Ledger.source("a"), count: 3)
        try ledger.commit()
        try ledger.append(Ledger.source("a"), count: 3)
        storage.faults.syncsUntilFailure = 0
        #expect(throws: LogError.self) { try ledger.commit() }
        // The process ends; the system shows the bytes, and believes that it has written them.
        let killed = storage.afterKill()
        place = Place(storage: killed, data: "/data")
        let found = try Ledger.read(try place.open())
        #expect(found == ledger.entries)
        let after = killed.afterPowerCut(keep: { _ in false }, nameChanges: 0)
        let again = try Place(storage: after, data: "/data").open()
        #expect(try Ledger.read(again) == found)
    }

    @Test("A crash at any step of making a log leaves one that opens, or one that is made anew")
    func crashWhileMaking() throws {
        for kind in 0..<3 {
            for step in 0..<12 {
                let storage = SimulatedStorage()
                switch kind {
                case 0: storage.faults.writesUntilFailure = step
                case 1: storage.faults.syncsUntilFailure = step
                default: storage.faults.directorySyncsUntilFailure = step
                }
                _ = try? Place(storage: storage, data: "/data").open()
                for nameChanges in 0...storage.changeCount {
                    for keeps in [false, true] {
                        let after = storage.afterPowerCut(keep: { _ in keeps }, nameChanges: nameChanges)
                        let log = try Place(storage: after, data: "/data").open()
                        #expect(log.durable.next == .first)
                    }
                }
            }
        }
    }
}
