import EventLog
import Events
import Synchronization
import Testing

/// A spare segment is prepared while another is taken into use, again and again: none may lose its name to
/// the other, or what was acknowledged in it would be gone with the next opening.
struct SpareSegmentTests {
    @Test func noSegmentIsLostToItsSuccessor() async throws {
        let place = Place.temporary()
        let log = try place.open()
        let flag = Flag()
        let entries = try await withThrowingTaskGroup(of: [Ledger.Entry].self) { tasks in
            tasks.addTask {
                while !flag.isOver.load(ordering: .acquiring) { try log.maintain() }
                return []
            }
            let ledger = Ledger(log)
            let source = Ledger.source("p")
            for _ in 0..<1_500 {
                try ledger.append(source, count: 3, padding: 400)
                try ledger.commit()
            }
            flag.isOver.store(true, ordering: .releasing)
            for try await _ in tasks {}
            return ledger.entries
        }
        log.close()
        let again = try place.open()
        #expect(place.segmentPaths.count > 10)
        #expect(try Ledger.read(again) == entries)
        again.close()
    }
}

private final class Flag: Sendable {
    let isOver = Atomic<Bool>(false)
}
