import EventLog
import Events
import Glibc
import Synchronization
import Testing

@Suite("Readers while it is written")
struct ThreadTests {
    @Test(
        "Followers see every event once, in order, and never before it is durable",
        arguments: Backend.allCases)
    func followers(_ backend: Backend) async throws {
        let place = backend.makePlace()
        let log = try place.open()
        log.startMaintenance()
        let rounds = 400
        let last = Position(rawValue: UInt64(rounds * 3))
        let read = try await withThrowingTaskGroup(of: [Ledger.Entry].self) { group in
            for (isOutside, isReadOnce) in [(false, true), (true, false), (false, false)] {
                let followed = isOutside ? try place.openReadOnly() : log
                group.addTask {
                    try await onThread {
                        var reader = try followed.reader(isReadOnce: isReadOnce)
                        var entries: [Ledger.Entry] = []
                        while reader.position <= last {
                            while let frame = try reader.next() {
                                if !isOutside { #expect(frame.header.next <= log.durable.next) }
                                entries += Ledger.entries(of: frame)
                            }
                            if reader.position <= last {
                                try followed.wait(for: reader.position, atMost: .seconds(30))
                            }
                        }
                        return entries
                    }
                }
            }
            group.addTask {
                try await onThread {
                    let ledger = Ledger(log)
                    for _ in 0..<rounds {
                        try ledger.append(Ledger.source("a"), count: 3, padding: 120)
                        try ledger.commit()
                    }
                    return ledger.entries
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(read.count == 4 && read.allSatisfy { $0.count == rounds * 3 && $0 == read[0] })
        log.close()
        #expect(place.segmentPaths.count + place.compressedPaths.count > 2)
        let again = try place.open()
        try again.maintain()
        #expect(try LogVerifier(again).run().badSummaries.isEmpty)
        again.close()
    }

    @Test("Who waits is woken by the sync, by closing, and by the time")
    func waiting() async throws {
        let place = Backend.simulated.makePlace()
        let log = try place.open()
        #expect(try log.wait(for: .first, atMost: .milliseconds(5)) == .first)
        let waiter = Task { try await onThread { try log.wait(for: .first, atMost: .seconds(60)) } }
        let ledger = Ledger(log)
        try ledger.append(Ledger.source("a"), count: 2)
        try ledger.commit()
        #expect(try await waiter.value.rawValue == 3)
        let other = Task {
            try await onThread { try log.wait(for: Position(rawValue: 3), atMost: .seconds(60)) }
        }
        log.close()
        #expect(try await other.value.rawValue == 3)
    }
}

/// Runs what blocks on a thread of its own.
func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        let box = ThreadBox { continuation.resume(with: Result(catching: body)) }
        var thread = pthread_t()
        // Safety: the thread takes over the one reference that is passed to it.
        let context = unsafe Unmanaged.passRetained(box).toOpaque()
        let code = unsafe pthread_create(
            &thread, nil,
            { context in
                unsafe Unmanaged<ThreadBox>.fromOpaque(context!).takeRetainedValue().body()
                return nil
            }, context)
        precondition(code == 0, "a thread can be made")
        pthread_detach(thread)
    }
}

private final class ThreadBox: Sendable {
    let body: @Sendable () -> Void

    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
}
