import Events
import Synchronization
import Testing

@testable import EventLog

/// A plain segment goes only once its compressed one is proven and durable, whatever happens meanwhile.
@Suite("Compression, crashes and readers")
struct CompressionCrashTests {
    private static func options(_ options: inout LogOptions) {
        options.compression?.blockBytes = 20_000
    }

    /// Every segment has one file at least, and the live one is plain.
    private static func check(_ storage: SimulatedStorage, holds entries: [Ledger.Entry]) throws {
        let place = Place(storage: storage, data: "/data")
        #expect(try Ledger.read(try place.openReadOnly()) == entries)
        let log = try place.open(change: options)
        #expect(try Ledger.read(log) == entries)
        #expect(!place.names.contains { $0.hasSuffix(".zst.new") })
        try log.maintain()
        try log.compress()
        #expect(place.segmentPaths.count == 1)
        let report = try LogVerifier(log).run()
        #expect(report.events == UInt64(entries.count) && report.badSummaries.isEmpty)
        #expect(report.compressedSegments == place.compressedPaths.count)
        #expect(report.segments == report.compressedSegments + 1)
        log.close()
        #expect(try Ledger.read(try place.openReadOnly()) == entries)
    }

    @Test(
        "After a crash at any step of a replacement everything is there",
        arguments: ["write", "sync", "name"])
    func everyStep(_ kind: String) throws {
        var step = 0
        var isHit = true
        while isHit {
            let storage = SimulatedStorage()
            let place = Place(storage: storage, data: "/data")
            let log = try place.open(change: Self.options)
            let ledger = Ledger(log)
            while place.segmentPaths.count < 3 {
                try ledger.append(Ledger.source("a"), count: 5, padding: 700)
                try ledger.commit()
            }
            try log.maintain()
            switch kind {
            case "write": storage.faults.writesUntilFailure = step
            case "sync": storage.faults.syncsUntilFailure = step
            default: storage.faults.directorySyncsUntilFailure = step
            }
            do throws(LogError) {
                try log.compress()
                isHit = false
                #expect(place.segmentPaths.count == 1 && place.compressedPaths.count == 2)
            } catch {
                #expect(error.code == .system && error.errno == 5)
                #expect(place.segmentPaths.count > 1)
            }
            let changes = storage.changeCount
            storage.faults = SimulatedStorage.Faults()
            // This process goes on with what there is.
            #expect(try Ledger.read(log) == ledger.entries)
            try Self.check(storage.afterKill(), holds: ledger.entries)
            for nameChanges in 0...changes {
                for sector in 0..<3 {
                    let after = storage.afterPowerCut(
                        keep: { $0 % 2 < sector }, nameChanges: nameChanges)
                    try Self.check(after, holds: ledger.entries)
                }
            }
            step += 1
        }
        #expect(step > (kind == "write" ? 10 : 2))
    }

    @Test(
        "Readers in and outside the process see every event while segments are replaced",
        arguments: Backend.allCases)
    func readersGoOn(_ backend: Backend) async throws {
        let place = backend.makePlace()
        let log = try place.open()
        let shared = SharedFlag()
        let rounds = 300
        let source = Ledger.source("a")
        try await withThrowingTaskGroup(of: Int.self) { tasks in
            for isOutside in [false, true] {
                // In order, again and again from the beginning.
                tasks.addTask {
                    try await onThread {
                        var passes = 0
                        repeat {
                            let read = try Ledger.read(isOutside ? try place.openReadOnly() : log)
                            for entry in read where entry.line != Self.line(entry.position) {
                                Issue.record("position \(entry.position) was read otherwise")
                            }
                            passes += 1
                        } while !shared.isOver
                        return passes
                    }
                }
                // Single events, in no order.
                tasks.addTask {
                    try await onThread {
                        var generator = SeededGenerator(seed: 9)
                        let followed = isOutside ? try place.openReadOnly() : log
                        var fetcher = followed.fetcher()
                        var finder = followed.finder()
                        var count = 0
                        repeat {
                            let next = try followed.wait(for: .first, atMost: .seconds(30))
                            let position = Position(
                                rawValue: UInt64.random(in: 1..<next.rawValue, using: &generator))
                            let event = try fetcher.event(at: position)
                            let found = try finder.frames(for: source, event.sequence)
                            if event.bytes.array != Self.line(position)
                                || found.first?.line.array != Self.line(position)
                            {
                                Issue.record("position \(position) was fetched otherwise")
                            }
                            count += 1
                        } while !shared.isOver
                        return count
                    }
                }
            }
            tasks.addTask {
                try await onThread {
                    defer { shared.end() }
                    let ledger = Ledger(log)
                    for round in 0..<rounds {
                        try ledger.append(source, count: 4, padding: 300)
                        try ledger.commit()
                        guard round % 10 == 9 else { continue }
                        try log.maintain()
                        try log.compress()
                    }
                    return 1
                }
            }
            for try await passes in tasks { #expect(passes > 0) }
        }
        #expect(place.segmentPaths.count == 1 && place.compressedPaths.count > 4)
        #expect(try LogVerifier(log).run().events == UInt64(rounds * 4))
        log.close()
    }

    private static func line(_ position: Position) -> [UInt8] {
        Ledger.line(Ledger.source("a"), Int64(position.rawValue), padding: 300)
    }

    @Test(
        "The thread compresses by itself, and ending it leaves nothing half made", arguments: Backend.allCases
    )
    func thread(_ backend: Backend) async throws {
        let place = backend.makePlace()
        let notices = Notices()
        let all = try await onThread {
            var entries: [Ledger.Entry] = []
            // Ended at once, after one segment, and when all is done.
            for wanted in [0, 1, Int.max] {
                let log = try place.open {
                    $0.notify = notices.add
                    $0.compression?.level = 19
                    // However busy the machine is with other tests.
                    $0.processorTimes = { nil }
                }
                let ledger = Ledger(log)
                for key in log.sources.sources {
                    ledger.nextSequences[key] = log.sources.next(of: key).rawValue
                }
                for _ in 0..<60 { try ledger.append(Ledger.source("b"), count: 7, padding: 700) }
                try ledger.commit()
                entries += ledger.entries
                let before = notices.compressed.count
                log.startMaintenance()
                let deadline = ContinuousClock.now.advanced(by: .seconds(60))
                while notices.compressed.count - before < wanted, place.segmentPaths.count > 1,
                    ContinuousClock.now < deadline
                {
                    try log.wait(for: log.durable.next, atMost: .milliseconds(5))
                }
                log.close()
                #expect(!place.names.contains { $0.hasSuffix(".zst.new") })
                #expect(try Ledger.read(try place.openReadOnly()) == entries)
            }
            return entries
        }
        #expect(place.segmentPaths.count == 1)
        #expect(notices.compressed.map(\.path).sorted() == place.compressedPaths)
        #expect(notices.failed.isEmpty && notices.damaged.isEmpty)
        #expect(try LogVerifier(try place.openReadOnly()).run().events == UInt64(all.count))
    }
}

private final class SharedFlag: Sendable {
    private let flag = Atomic<Bool>(false)

    var isOver: Bool { flag.load(ordering: .acquiring) }
    func end() { flag.store(true, ordering: .releasing) }
}
