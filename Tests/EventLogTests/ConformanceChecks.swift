import EventLog
import Events
import Testing

/// The log's laws, over every storage.
@Suite("Laws of the log")
struct ConformanceChecks {
    @Test("What was committed is read, from any position, now and after opening anew", arguments: Backend.allCases)
    func readsWhatWasCommitted(_ backend: Backend) throws {
        let place = backend.makePlace()
        var log = try place.open()
        let ledger = Ledger(log)
        let sources = [Ledger.source("a"), Ledger.source("proxy/with:a-long.name_0123456789", 77), Ledger.source("c")]
        for round in 0..<120 {
            try ledger.append(sources[round % 3], count: 1 + round % 7, padding: round * 13 % 900)
            if round % 4 == 3 { try ledger.commit() }
        }
        try ledger.commit()
        #expect(place.segmentPaths.count >= 2)
        for isAnew in [false, true] {
            if isAnew {
                log.close()
                log = try place.open()
                #expect(log.tail.next == ledger.tail.next)
                #expect(log.tail.offset == ledger.tail.offset)
            }
            #expect(try Ledger.read(log) == ledger.entries)
            for index in stride(from: 0, to: ledger.entries.count, by: 17) {
                let position = ledger.entries[index].position
                let read = try Ledger.read(log, from: position)
                #expect(read.suffix(ledger.entries.count - index) == ledger.entries[index...])
                #expect(read.count < ledger.entries.count - index + 7)
            }
            #expect(try Ledger.read(log, from: log.durable.next).isEmpty)
            #expect(throws: LogError.self) { _ = try Ledger.read(log, from: log.durable.next.advanced(by: 1)) }
        }
        log.close()
    }
}
