import EventLog
import Events
import Foundation
import Testing

@testable import Ingest

/// The acknowledged protocol over real sockets into a real log: what is answered, and what the log holds
/// then.
@Suite(.serialized)
struct AnsweredTests {
    @Test func greetsTakesAndAcknowledges() throws {
        let ledger = try TestLedger()
        var peer = try TestPeer(.dealer, ledger.service.routerEndpoints[0])
        #expect(
            try peer.ask(Sample.hello())
                == #"{"v":1,"op":"welcome","log":"\#(ledger.log.id)","source":"p","epoch":7,"next_seq":1,"credit":1000}"#
        )
        #expect(try peer.ask(Sample.batch(1, 3), Sample.lines(1...3)) == Sample.ack(3))
        #expect(try ledger.frames() == ["p/7 1-3"], "an ack means the disk")
        #expect(try ledger.events() == (1...3).map { Sample.event($0) }, "byte for byte")
        #expect(try peer.ask(Sample.heartbeat(3)) == Sample.ack(3))
        #expect(
            try peer.ask(Sample.heartbeat(9)) == Sample.ack(3), "beyond what is known: nothing is appended")
        #expect(try ledger.frames().count == 1)
        #expect(ledger.wait { $0.events == 3 })
        ledger.stop()
    }

    @Test func survivesARestart() throws {
        let directory = TemporaryDirectory()
        var ledger = try TestLedger(in: directory)
        var peer = try TestPeer(.dealer, ledger.service.routerEndpoints[0])
        _ = try peer.ask(Sample.batch(1, 2), Sample.lines(1...2))
        let first = ledger.service.ledger.epoch
        ledger.stop()
        ledger = try TestLedger(in: directory)
        var other = try TestPeer(.dealer, ledger.service.routerEndpoints[0])
        #expect(try other.ask(Sample.hello())?.contains(#""next_seq":3"#) == true)
        #expect(
            try other.ask(Sample.batch(1, 3), Sample.lines(1...3)) == Sample.ack(3),
            "two are known, one is new")
        #expect(try ledger.frames() == ["p/7 1-2", "p/7 3-3"])
        #expect(ledger.wait { $0.duplicates == 2 })
        #expect(ledger.service.ledger.epoch >= first)
        ledger.stop()
    }

    @Test func putsBadLinesOnRecordAndGoesOn() throws {
        let ledger = try TestLedger()
        var peer = try TestPeer(.dealer, ledger.service.routerEndpoints[0])
        let payload = Sample.event(1) + "\nno json\n" + Sample.event(3) + "\n" + Sample.event(4) + "\n\n"
        #expect(try peer.ask(Sample.batch(1, 5), payload) == Sample.ack(5))
        #expect(try ledger.frames() == ["p/7 1-1", "rejected p/7 2-2", "p/7 3-4", "rejected p/7 5-5"])
        let time = ledger.clock.read().rawValue
        #expect(
            try ledger.events(ofLedger: true) == [
                #"{"type":"ledger.rejected","time":\#(time),"reason":"not_json","raw":"bm8ganNvbg==","of_source":"p","of_epoch":7,"of_seq":2}"#,
                #"{"type":"ledger.rejected","time":\#(time),"reason":"not_json","raw":"","of_source":"p","of_epoch":7,"of_seq":5}"#,
            ])
        // The same once more: a rejected line is known by its bytes as well.
        #expect(try peer.ask(Sample.batch(1, 5), payload) == Sample.ack(5))
        #expect(try ledger.frames().count == 4)
        #expect(ledger.wait { $0.duplicates == 5 })
        #expect(ledger.wait { $0.rejected == 2 })
        ledger.stop()
    }

    @Test(arguments: [
        (String(repeating: "a", count: 65_537), "too_long"),
        (#"{"type":"dialog.acked","time":1,"callid":"c","from_tag":"f"}"#, "missing_field:to_tag"),
        (#"{"type":"dialog.acked","time":"1","callid":"c","from_tag":"f","to_tag":"t"}"#, "wrong_type:time"),
        (
            #"{"type":"dialog.acked","time":1,"callid":"c","from_tag":"f","to_tag":"t","time":1}"#,
            "duplicate_key"
        ),
        (#"{"type":"ledger.tick","time":1}"#, "reserved:type"),
        (
            #"{"type":"dialog.acked","time":1700086400000001,"callid":"c","from_tag":"f","to_tag":"t"}"#,
            "future"
        ),
        ("[]", "not_an_object"),
    ])
    func rejectsEachForItsReason(_ line: String, _ reason: String) throws {
        let ledger = try TestLedger()
        var peer = try TestPeer(.dealer, ledger.service.routerEndpoints[0])
        #expect(try peer.ask(Sample.batch(1, 1), line + "\n") == Sample.ack(1))
        #expect(try ledger.frames() == ["rejected p/7 1-1"])
        let entry = try #require(try ledger.events(ofLedger: true).first)
        #expect(entry.contains(#""reason":"\#(reason)""#), "\(entry.prefix(200))")
        let raw = try #require(entry.split(separator: #""raw":""#).last?.split(separator: "\"").first)
        #expect(Data(base64Encoded: String(raw)) == Data(line.utf8), "the bytes are kept")
        ledger.stop()
    }

    @Test func keepsAnEventOfTheGreatestSizeAndOneAtTheEdgeOfTheFuture() throws {
        let ledger = try TestLedger()
        var peer = try TestPeer(.dealer, ledger.service.routerEndpoints[0])
        let start = #"{"type":"x","time":1700086400000000,"y":""#
        let event = start + String(repeating: "a", count: 65_536 - start.utf8.count - 2) + "\"}"
        #expect(event.utf8.count == 65_536)
        #expect(try peer.ask(Sample.batch(1, 1), event + "\n") == Sample.ack(1))
        #expect(try ledger.events() == [event])
        ledger.stop()
    }

    @Test func recordsAConflictOnce() throws {
        let ledger = try TestLedger()
        var peer = try TestPeer(.dealer, ledger.service.routerEndpoints[0])
        #expect(try peer.ask(Sample.batch(1, 2), Sample.lines(1...2)) == Sample.ack(2))
        let other = Sample.event(1) + "\n" + Sample.event(2, "other") + "\n"
        #expect(try peer.ask(Sample.batch(1, 2), other) == Sample.ack(2))
        #expect(try ledger.frames() == ["p/7 1-2", "conflict p/7 2-2"])
        #expect(try ledger.events(ofLedger: true)[0].contains(#""reason":"conflict""#))
        #expect(try peer.ask(Sample.batch(1, 2), other) == Sample.ack(2))
        #expect(try ledger.frames().count == 2, "the same bytes again add nothing")
        let third = Sample.event(1) + "\n" + Sample.event(2, "third") + "\n"
        #expect(try peer.ask(Sample.batch(1, 2), third) == Sample.ack(2))
        #expect(try ledger.frames() == ["p/7 1-2", "conflict p/7 2-2", "conflict p/7 2-2"])
        #expect(try ledger.events() == (1...2).map { Sample.event($0) }, "the first one stands")
        #expect(ledger.wait { $0.conflicts == 2 })
        #expect(ledger.wait { $0.duplicates == 4 })
        ledger.stop()
    }

    @Test func anEventInPlaceOfARejectionIsAConflict() throws {
        let ledger = try TestLedger()
        var peer = try TestPeer(.dealer, ledger.service.routerEndpoints[0])
        #expect(try peer.ask(Sample.batch(1, 1), "bad\n") == Sample.ack(1))
        #expect(try peer.ask(Sample.batch(1, 1), Sample.lines(1...1)) == Sample.ack(1))
        #expect(try ledger.frames() == ["rejected p/7 1-1", "conflict p/7 1-1"])
        ledger.stop()
    }

    @Test func asksForWhatIsMissing() throws {
        let ledger = try TestLedger()
        var peer = try TestPeer(.dealer, ledger.service.routerEndpoints[0])
        #expect(
            try peer.ask(Sample.batch(2, 1), Sample.lines(2...2))
                == #"{"v":1,"op":"nack","source":"p","epoch":7,"expected":1}"#)
        #expect(try ledger.frames() == [])
        #expect(ledger.wait { $0.nacks == 1 })
        ledger.stop()
    }

    /// Batches that follow each other are taken in a run. Whatever else stands among them must be judged as
    /// if it had come alone: all is sent without waiting for an answer, then the answers and the log are
    /// looked at.
    @Test func aRunOfBatchesEndsWhereSomethingElseStands() throws {
        let ledger = try TestLedger()
        var peer = try TestPeer(.dealer, ledger.service.routerEndpoints[0])
        let other = try TestPeer(.dealer, ledger.service.routerEndpoints[0])
        for number in 1...300 as ClosedRange<Int64> {
            switch number {
            case 51: try peer.send(Sample.batch(1, 1), Sample.lines(1...1))
            case 101: try peer.send(Sample.batch(101, 1), Sample.lines(101...102))
            case 151: try peer.send(Sample.batch(152, 1), Sample.lines(152...152))
            case 201: try peer.send(Sample.batch(201, 1))
            case 251: try peer.send(Sample.heartbeat(250))
            default: break
            }
            try peer.send(
                Sample.batch(number, 1), number == 299 ? "no json\n" : Sample.lines(number...number))
            try other.send(Sample.batch(number, 1, "q"), Sample.lines(number...number, "q"))
        }
        var answers: [String] = []
        while let answer = try peer.answer() {
            answers.append(answer)
            if answer == Sample.ack(300) { break }
        }
        #expect(answers.last == Sample.ack(300))
        #expect(
            answers.filter { !$0.contains(#""op":"ack""#) }.map { $0.prefix(40) }
                == [
                    #"{"v":1,"op":"error","code":"count_mismatch","reason":"the header says 1 events, the payload has 2 lines","source":"p","epoch":7}"#,
                    #"{"v":1,"op":"nack","source":"p","epoch":7,"expected":151}"#,
                    #"{"v":1,"op":"error","code":"bad_frames","reason":"","source":"p","epoch":7}"#,
                ].map { $0.prefix(40) })
        #expect(ledger.wait { $0.events == 599 && $0.rejected == 1 && $0.duplicates == 1 && $0.refused == 2 })
        let events = try ledger.events()
        #expect(
            events.filter { $0.contains(#""from_tag":"f""#) } == ((1...298) + [300]).map { Sample.event($0) })
        #expect(events.filter { $0.contains(#""from_tag":"q""#) } == (1...300).map { Sample.event($0, "q") })
        #expect(try ledger.frames().filter { $0.hasPrefix("rejected") } == ["rejected p/7 299-299"])
        ledger.stop()
    }

    @Test func statesWhatASourceSkips() throws {
        let ledger = try TestLedger()
        var peer = try TestPeer(.dealer, ledger.service.routerEndpoints[0])
        #expect(try peer.ask(Sample.batch(1, 2), Sample.lines(1...2)) == Sample.ack(2))
        let skip =
            #"{"v":1,"op":"skip","source":"p","epoch":7,"from_seq":3,"to_seq":5,"reason":"disk \"A\" lost"}"#
        #expect(try peer.ask(skip) == Sample.ack(5))
        #expect(try peer.ask(skip) == Sample.ack(5))
        #expect(try ledger.frames() == ["p/7 1-2", "gap p/7 3-5"])
        let time = ledger.clock.read().rawValue
        #expect(
            try ledger.events(ofLedger: true) == [
                #"{"type":"ledger.gap","time":\#(time),"gap_source":"p","gap_epoch":7,"from_seq":3,"to_seq":5,"after":1700000000000002,"before":null,"reason":"disk \"A\" lost"}"#
            ])
        #expect(try peer.ask(Sample.batch(6, 1), Sample.lines(6...6)) == Sample.ack(6))
        #expect(
            try peer.ask(Sample.batch(3, 2), Sample.lines(3...4)) == Sample.ack(6), "it has come after all")
        #expect(try ledger.frames() == ["p/7 1-2", "gap p/7 3-5", "p/7 6-6", "p/7 3-4"])
        ledger.stop()
    }

    @Test(arguments: [
        ([""], "bad_header"),
        (["{}"], "bad_header"),
        ([Sample.batch(1, 1)], "bad_frames"),
        ([Sample.hello(), ""], "bad_frames"),
        ([Sample.batch(1, 1), Sample.lines(1...1), "x"], "bad_frames"),
        ([Sample.batch(1, 1), ""], "count_mismatch"),
        ([Sample.batch(1, 1), Sample.event(1)], "count_mismatch"),
        ([Sample.batch(1, 1), Sample.lines(1...2)], "count_mismatch"),
        ([Sample.batch(1, 2), Sample.lines(1...1)], "count_mismatch"),
        ([Sample.batch(1, 2), "bad\n"], "count_mismatch"),
        ([Sample.batch(1, 1, "ledger"), Sample.lines(1...1)], "reserved_source"),
        ([#"{"v":1,"op":"sing","source":"p","epoch":7}"#], "unknown_op"),
        ([#"{"v":2,"op":"hello","source":"p","epoch":7}"#], "unsupported_version"),
    ])
    func refusesWhatBreaksTheProtocol(_ frames: [String], _ code: String) throws {
        let ledger = try TestLedger()
        var peer = try TestPeer(.dealer, ledger.service.routerEndpoints[0])
        try peer.send(frames)
        let answer = try #require(try peer.answer())
        #expect(answer.hasPrefix(#"{"v":1,"op":"error","code":"\#(code)","reason":""#), "\(answer)")
        #expect(try peer.ask(Sample.batch(1, 1), Sample.lines(1...1)) == Sample.ack(1), "and goes on")
        #expect(try ledger.frames() == ["p/7 1-1"])
        #expect(ledger.wait { $0.refused == 1 })
        ledger.stop()
    }

    @Test func refusesAPayloadThatIsTooLarge() throws {
        let ledger = try TestLedger()
        var peer = try TestPeer(.dealer, ledger.service.routerEndpoints[0])
        let line = String(repeating: "a", count: Limits.batchBytesMax - 1) + "\n"
        #expect(try peer.ask(Sample.batch(1, 1), line + "\n")?.contains(#""code":"too_large""#) == true)
        #expect(
            try peer.ask(Sample.batch(1, 1), line) == Sample.ack(1),
            "the greatest that may be is put on record")
        #expect(try ledger.frames() == ["rejected p/7 1-1"])
        ledger.stop()
    }

    @Test func tellsTheOlderOfTwoConnections() throws {
        let ledger = try TestLedger()
        var older = try TestPeer(.dealer, ledger.service.routerEndpoints[0])
        var newer = try TestPeer(.dealer, ledger.service.routerEndpoints[0])
        _ = try older.ask(Sample.hello())
        _ = try newer.ask(Sample.hello())
        #expect(try older.answer()?.contains(#""code":"superseded""#) == true)
        #expect(
            try older.ask(Sample.batch(1, 1), Sample.lines(1...1))?.contains(#""code":"superseded""#) == true)
        #expect(try newer.ask(Sample.batch(1, 1), Sample.lines(1...1)) == Sample.ack(1))
        ledger.stop()
    }

    @Test func aRoutingIDTakesThePlaceOfItsDeadConnection() throws {
        let ledger = try TestLedger()
        do {
            var dying = try TestPeer(.dealer, ledger.service.routerEndpoints[0], id: "proxy-1")
            #expect(try dying.ask(Sample.batch(1, 1), Sample.lines(1...1)) == Sample.ack(1))
            var next = try TestPeer(.dealer, ledger.service.routerEndpoints[0], id: "proxy-1")
            #expect(try next.ask(Sample.batch(2, 1), Sample.lines(2...2)) == Sample.ack(2))
        }
        ledger.stop()
    }

    @Test func grantsNoCreditWhileTheReadModelIsFarBehind() throws {
        let ledger = try TestLedger()
        ledger.readModel.set(.farBehind)
        var peer = try TestPeer(.dealer, ledger.service.routerEndpoints[0])
        var credit: String?
        for _ in 0..<5_000 {
            credit = try peer.ask(Sample.heartbeat(0))
            if credit == Sample.ack(0, credit: 0) { break }
            usleep(1_000)
        }
        #expect(credit == Sample.ack(0, credit: 0))
        #expect(
            try peer.ask(Sample.batch(1, 1), Sample.lines(1...1)) == Sample.ack(1, credit: 0),
            "taken all the same")
        ledger.readModel.set(.current)
        #expect(try peer.answer() == #"{"v":1,"op":"credit","source":"p","epoch":7,"credit":1000}"#)
        ledger.stop()
    }

    @Test(arguments: [ReadModelProgress.current, .behind])
    func looksForMessagesLessOftenWhileTheReadModelIsBehind(progress: ReadModelProgress) throws {
        let ledger = try TestLedger()
        ledger.readModel.set(progress)
        let begun = ContinuousClock.now
        var peer = try TestPeer(.dealer, ledger.service.routerEndpoints[0])
        // No disk to wait for: they follow each other within a pause.
        for _ in 0..<200 { #expect(try peer.ask(Sample.heartbeat(0)) == Sample.ack(0), "with all credit") }
        ledger.stop()
        let paused = ledger.service.statistics.pausedNanoseconds
        #expect((paused > 0) == (progress == .behind))
        #expect(
            ContinuousClock.now - begun >= .nanoseconds(Int64(paused)), "it has waited as long as it says")
    }

    @Test func nothingWaitsWhereAPublisherHasSpoken() throws {
        let ledger = try TestLedger()
        let publisher = try TestPeer(.publisher, ledger.service.subscriberEndpoints[0])
        // A PUB drops what it has no subscriber for: say the first event until it has come.
        for _ in 0..<2_000 where ledger.service.statistics.batches == 0 {
            try publisher.send(Sample.batch(1, 1), Sample.lines(1...1))
            usleep(2_000)
        }
        try #require(ledger.service.statistics.batches > 0)
        ledger.readModel.set(.behind)
        var peer = try TestPeer(.dealer, ledger.service.routerEndpoints[0])
        for _ in 0..<200 { _ = try peer.ask(Sample.heartbeat(1)) }
        ledger.stop()
        #expect(ledger.service.statistics.pausedNanoseconds == 0)
    }

    @Test func stopsInGoodOrder() throws {
        let ledger = try TestLedger()
        var peer = try TestPeer(.dealer, ledger.service.routerEndpoints[0])
        #expect(try peer.ask(Sample.batch(1, 2), Sample.lines(1...2)) == Sample.ack(2))
        ledger.service.stop()
        ledger.service.stop()
        #expect(throws: IngestError.self) {
            try ledger.service.append([Array(#"{"type":"ledger.tick","time":1}"#.utf8)]) { _ in }
        }
        #expect(try ledger.frames() == ["p/7 1-2"])
        ledger.log.close()
    }
}

/// Where a service may listen.
struct EndpointTests {
    @Test(arguments: [
        "tcp://127.0.0.1:5599", "tcp://127.3.2.1:*", "tcp://[::1]:5599", "tcp://localhost:1", "ipc:///tmp/x",
        "inproc://x",
    ])
    func isTakenWhereNobodyElseReachesIt(_ text: String) throws {
        #expect(try Endpoint(listening: text).text == text)
    }

    @Test(arguments: [
        ("tcp://0.0.0.0:5599", "endpoint_not_loopback"), ("tcp://*:5599", "endpoint_not_loopback"),
        ("tcp://192.168.1.1:5599", "endpoint_not_loopback"), ("tcp://[::]:5599", "endpoint_not_loopback"),
        ("tcp://eth0:5599", "endpoint_not_loopback"),
        ("tcp://127.0.0.1.example.org:5599", "endpoint_not_loopback"),
        ("tcp://1270.0.0.1:5599", "endpoint_not_loopback"),
        ("tcp://127.0.0.256:5599", "endpoint_not_loopback"),
        ("tcp://127.0.0.1", "endpoint_invalid"), ("tcp://127.0.0.1:x", "endpoint_invalid"),
        ("tcp://127.0.0.1:65536", "endpoint_invalid"), ("tcp://:5599", "endpoint_invalid"),
        ("udp://127.0.0.1:1", "endpoint_invalid"), ("pgm://eth0;239.0.0.1:5555", "endpoint_invalid"),
        ("", "endpoint_invalid"),
    ])
    func isRefusedElsewhere(_ text: String, _ code: String) {
        #expect { try Endpoint(listening: text) } throws: { ($0 as? IngestError)?.code.rawValue == code }
    }

    @Test func listensToIPv6AsWell() throws {
        let ledger = try TestLedger(router: "tcp://[::1]:*")
        var peer = try TestPeer(.dealer, ledger.service.routerEndpoints[0])
        #expect(try peer.ask(Sample.batch(1, 1), Sample.lines(1...1)) == Sample.ack(1))
        ledger.stop()
    }

    @Test func aPortInUseIsNamed() throws {
        let ledger = try TestLedger()
        let endpoint = ledger.service.routerEndpoints[0]
        #expect { try TestLedger(router: endpoint) } throws: { error in
            guard let error = error as? IngestError else { return false }
            return error.code == .endpointInUse && error.message.contains(endpoint)
                && error.message.contains("in use")
        }
        ledger.stop()
    }
}
