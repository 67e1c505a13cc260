import EventLog
import Events
import Foundation
import Synchronization
import Testing

@testable import Ingest

/// A source and a ledger over a real socket, with things going wrong between them.
@Suite(.serialized)
struct EventSourceTests {
    /// A port that is free now, so that a restarted ledger can listen where the first one did.
    static func freeEndpoint() throws -> String {
        let socket = try ZeroMQSocket(.pull, in: ZeroMQContext())
        return try socket.bind("tcp://127.0.0.1:*")
    }

    static func machine(after: Int64 = 0) -> SourceMachine {
        SourceMachine(Conversation.origin(7), resendMicroseconds: 200_000)
    }

    @Test func deliversAllOnceThroughRestartsOfTheLedger() throws {
        let directory = TemporaryDirectory()
        let endpoint = try Self.freeEndpoint()
        var ledger = try TestLedger(in: directory, credit: 200, router: endpoint)
        var source = try EventSource(endpoint: endpoint, Self.machine())
        var next: Int64 = 1
        let total: Int64 = 3_000
        var restarts = 0
        while next <= total {
            while source.isFull { try source.turn(milliseconds: 20) }
            source.put(Array(Sample.lines(next...(next + 4)).utf8), count: 5)
            next += 5
            try source.turn(milliseconds: 0)
            if restarts < 3, next > total / 4 * Int64(restarts + 1) {
                restarts += 1
                ledger.stop()
                ledger = try TestLedger(in: directory, credit: 200, router: endpoint)
            }
        }
        #expect(try source.drain(milliseconds: 30_000))
        #expect(
            try ledger.events() == (1...total).map { Sample.event($0) }, "in order, none lost, none twice")
        #expect(try ledger.events(ofLedger: true) == [])
        ledger.stop()
    }

    @Test func waitsWithoutCreditAndGoesOnWithIt() throws {
        let ledger = try TestLedger()
        ledger.readModel.set(.farBehind)
        usleep(400_000)
        var source = try EventSource(endpoint: ledger.service.routerEndpoints[0], Self.machine())
        source.put(Array(Sample.lines(1...5).utf8), count: 5)
        #expect(try !source.drain(milliseconds: 700))
        #expect(try ledger.events() == [])
        ledger.readModel.set(.current)
        #expect(try source.drain(milliseconds: 10_000))
        #expect(try ledger.events().count == 5)
        ledger.stop()
    }

    @Test func stopsWhenAnotherTakesOver() throws {
        let ledger = try TestLedger()
        var source = try EventSource(endpoint: ledger.service.routerEndpoints[0], Self.machine())
        source.put(Array(Sample.lines(1...1).utf8), count: 1)
        #expect(try source.drain(milliseconds: 10_000))
        var other = try TestPeer(.dealer, ledger.service.routerEndpoints[0])
        _ = try other.ask(Sample.hello())
        source.put(Array(Sample.lines(2...2).utf8), count: 1)
        #expect(try !source.drain(milliseconds: 10_000))
        #expect(source.state == .superseded)
        ledger.stop()
    }

    @Test func theLedgersOwnEntriesGoThroughTheSameWriter() async throws {
        let ledger = try TestLedger()
        let tick = Array(#"{"type":"ledger.tick","time":1}"#.utf8)
        try await ledger.service.append([tick, tick])
        let epoch = ledger.service.ledger.epoch.rawValue
        #expect(try ledger.frames() == ["ledger/\(epoch) 1-2"])
        var peer = try TestPeer(.dealer, ledger.service.routerEndpoints[0])
        #expect(try peer.ask(Sample.batch(1, 1), "bad\n") == Sample.ack(1))
        try await ledger.service.append([tick])
        #expect(try ledger.frames() == ["ledger/\(epoch) 1-2", "rejected p/7 1-1", "ledger/\(epoch) 4-4"])
        for bad in [#"{"type":"dialog.acked","time":1}"#, "{}", "{\"type\":\"ledger.tick\",\n\"time\":1}"] {
            await #expect(throws: IngestError.self) { try await ledger.service.append([Array(bad.utf8)]) }
        }
        ledger.stop()
        await #expect(throws: IngestError.self) { try await ledger.service.append([tick]) }
    }

    @Test func theLedgersEpochRisesThoughItsClockStands() throws {
        let directory = TemporaryDirectory()
        let clock = TestClock()
        var epochs: [Int64] = []
        for _ in 1...3 {
            let ledger = try TestLedger(in: directory, clock: clock)
            epochs.append(ledger.service.ledger.epoch.rawValue)
            var peer = try TestPeer(.dealer, ledger.service.routerEndpoints[0])
            let number = Int64(epochs.count)
            #expect(try peer.ask(Sample.batch(number, 1), "bad\n") == Sample.ack(number))
            ledger.stop()
        }
        #expect(epochs == [epochs[0], epochs[0] + 1, epochs[0] + 2])
    }
}
