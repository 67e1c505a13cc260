import EventLog
import Events
import Testing

/// What the log does when the disk fails it.
@Suite("Failures")
struct FailureTests {
    @Test("A write or a sync that fails poisons the log for good", arguments: [false, true])
    func poison(_ isSync: Bool) throws {
        let storage = SimulatedStorage()
        let place = Place(storage: storage, data: "/data")
        let log = try place.open()
        let ledger = Ledger(log)
        try ledger.append(Ledger.source("a"), count: 3)
        try ledger.commit()
        let durable = log.durable.next
        let acknowledged = ledger.entries
        #expect(log.intake == .open)
        try ledger.append(Ledger.source("a"), count: 3)
        if isSync { storage.faults.syncsUntilFailure = 0 } else { storage.faults.writesUntilFailure = 0 }
        let first = #expect(throws: LogError.self) { try log.writer.commit(ledger.group) }
        #expect(first?.code == .system && first?.errno == 5)
        // The disk is well again; the log isn't.
        storage.faults = SimulatedStorage.Faults()
        let syncs = storage.syncs
        for _ in 0..<3 {
            let error = #expect(throws: LogError.self) { try log.writer.commit(ledger.group) }
            #expect(error?.code == .poisoned && error?.path == place.segmentPaths[0])
        }
        #expect(storage.syncs == syncs)
        #expect(log.durable.next == durable)
        #expect(log.writer.failure == first)
        if case .open = log.intake { Issue.record("a poisoned log takes nothing") }
        #expect(try Ledger.read(log) == acknowledged)
    }

    @Test("A full disk closes intake before it costs anything, and intake opens again with room")
    func noSpace() throws {
        let storage = SimulatedStorage()
        let place = Place(storage: storage, data: "/data")
        let log = try place.open()
        let ledger = Ledger(log)
        // Room for the first segment and little else.
        storage.faults.capacity = LogLimits.segmentBytesMin + 10_000
        let error = #expect(throws: LogError.self) { try log.maintain() }
        #expect(error?.code == .noSpace)
        #expect(log.intake == .closed(try #require(error)))
        #expect(!place.names.contains { $0.hasPrefix("spare") })
        // What is there of the live segment can be used up; then nothing is written, and nothing breaks.
        var refused: LogError?
        while refused == nil {
            let before = ledger.entries
            try ledger.append(Ledger.source("a"), count: 3, padding: 1_000)
            do {
                try ledger.commit()
            } catch let error as LogError {
                refused = error
                #expect(try Ledger.read(log) == before)
            }
        }
        #expect(refused?.code == .noSpace && log.writer.failure == nil)
        #expect(throws: LogError.self) { try log.writer.commit(ledger.group) }
        let outside = try place.openReadOnly()
        #expect(outside.durable.next == log.durable.next)
        storage.faults.capacity = .max
        try log.maintain()
        #expect(log.intake == .open)
        try ledger.commit()
        #expect(try Ledger.read(log) == ledger.entries)
        try log.maintain()
        #expect(try LogVerifier(log).run().badSummaries.isEmpty)
        log.close()
        #expect(try Ledger.read(try place.open()) == ledger.entries)
    }

    @Test("What a disk hasn't room for takes nothing of it")
    func moreThanThereIs() throws {
        let place = Backend.disk.makePlace()
        try place.storage.makeDirectory(place.data)
        let file = try place.storage.open(place.data + "/more", .make)
        let error = #expect(throws: LogError.self) { try file.reserve(4_096, leaving: 1 << 60) }
        #expect(error?.code == .noSpace)
        #expect(try file.size() == 0)
        try file.reserve(4_096, leaving: 4_096)
        #expect(try file.size() == 4_096)
    }

    @Test("What a disk has room for is told to the byte, whatever its size")
    func room() {
        for blockBytes in [512, 4_096, 1 << 20] as [UInt64] {
            let room = DiskRoom(blocks: 3, blockBytes: blockBytes)
            #expect(room.holds(Int(blockBytes) * 3) && !room.holds(Int(blockBytes) * 3 + 1))
        }
        #expect(!DiskRoom(blocks: 0, blockBytes: 4_096).holds(1))
        #expect(DiskRoom(blocks: .max, blockBytes: 4_096).holds(.max))
    }

    @Test(
        "Without a spare the writer makes the next segment itself; with one it takes it",
        arguments: Backend.allCases)
    func spares(_ backend: Backend) throws {
        let place = backend.makePlace()
        var log = try place.open()
        var ledger = try Ledger.filled(log)
        #expect(place.segmentPaths.count > 1)
        try log.maintain()
        #expect(place.names.contains("spare"))
        log.close()
        // Another size: the spare no longer fits.
        log = try place.open(segmentBytes: 2 * LogLimits.segmentBytesMin)
        #expect(!place.names.contains("spare"))
        try log.maintain()
        log.close()
        log = try place.open(segmentBytes: 2 * LogLimits.segmentBytesMin)
        #expect(place.names.contains("spare"))
        let entries = ledger.entries
        let count = place.segmentPaths.count
        ledger = Ledger(log)
        while place.segmentPaths.count == count {
            try ledger.append(Ledger.source("new"), count: 2, padding: 900)
            try ledger.commit()
        }
        #expect(!place.names.contains("spare"))
        #expect(try Ledger.read(log) == entries + ledger.entries)
        let path = try #require(place.segmentPaths.last)
        #expect(try place.storage.open(path, .read).size() == 2 * LogLimits.segmentBytesMin)
        log.close()
    }
}
