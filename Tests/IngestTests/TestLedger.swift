import EventLog
import Events
import Foundation
import Logging
import Synchronization
import Testing

@testable import Ingest

/// A directory that goes away with its owner.
final class TemporaryDirectory: Sendable {
    let path: String

    init() {
        path = NSTemporaryDirectory() + "/tollbook-ingest-" + UUID().uuidString
        try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }
}

/// A clock that stands until it is set.
final class TestClock: Sendable {
    private let now = Mutex<Int64>(1_700_000_000_000_000)

    var read: @Sendable () -> Timestamp {
        { Timestamp(rawValue: self.now.withLock { $0 }) }
    }

    func advance(microseconds: Int64) {
        now.withLock { $0 += microseconds }
    }
}

/// A ledger's side with a real log and real sockets on ports of its own.
final class TestLedger {
    let directory: TemporaryDirectory
    let log: LogDirectory
    let service: IngestService
    let clock: TestClock
    let readModel = Progress()

    final class Progress: Sendable {
        private let value = Mutex(ReadModelProgress.current)
        func set(_ new: ReadModelProgress) { value.withLock { $0 = new } }
        var now: ReadModelProgress { value.withLock { $0 } }
    }

    init(
        in directory: TemporaryDirectory = TemporaryDirectory(), credit: Int = 1_000,
        clock: TestClock = TestClock(),
        router: String = "tcp://127.0.0.1:*"
    ) throws {
        self.directory = directory
        self.clock = clock
        log = try LogDirectory.open(directory.path)
        var options = IngestOptions()
        options.routerEndpoints = [router]
        options.pullEndpoints = ["tcp://127.0.0.1:*"]
        options.subscriberEndpoints = ["tcp://127.0.0.1:*"]
        options.creditEvents = credit
        options.clock = clock.read
        options.readModelProgress = { [readModel] in readModel.now }
        options.logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        service = try IngestService.start(log: log, options: options)
    }

    func stop() {
        service.stop()
        log.close()
    }

    /// What the log holds: one text a frame.
    func frames() throws -> [String] {
        var reader = try log.reader(from: .first)
        var result: [String] = []
        while let frame = try reader.next() {
            let header = frame.header
            let last = header.firstSequence.rawValue + Int64(header.count) - 1
            switch header.kind {
            case .events:
                result.append(
                    "\(header.source.source)/\(header.source.epoch.rawValue) "
                        + "\(header.firstSequence.rawValue)-\(last)")
            case .rejected, .gap:
                let about = header.subject!
                let kind = header.kind == .gap ? "gap" : about.isConflict ? "conflict" : "rejected"
                result.append(
                    "\(kind) \(about.source.source)/\(about.source.epoch.rawValue) "
                        + "\(about.first.rawValue)-\(about.last.rawValue)")
            }
        }
        return result
    }

    /// The log's events as text, those of the ledger itself only where it is wanted.
    func events(ofLedger: Bool = false) throws -> [String] {
        var reader = try log.reader(from: .first)
        var result: [String] = []
        while let frame = try reader.next() {
            guard frame.header.source.source.isLedger == ofLedger else { continue }
            var bytes: [UInt8] = []
            for offset in 0..<frame.payload.count { bytes.append(frame.payload[offset]) }
            result += String(decoding: bytes, as: UTF8.self).split(
                separator: "\n", omittingEmptySubsequences: false
            )
            .dropLast().map(String.init)
        }
        return result
    }

    /// Waits until the statistics say so.
    func wait(_ milliseconds: Int = 5_000, until isDone: (IngestStatistics) -> Bool) -> Bool {
        for _ in 0..<milliseconds {
            if isDone(service.statistics) { return true }
            usleep(1_000)
            service.wake()
        }
        return isDone(service.statistics)
    }
}

/// A peer that says just what a test wants it to.
struct TestPeer: ~Copyable {
    let socket: ZeroMQSocket
    var poller = Poller()
    let message = ZeroMQMessage()

    init(_ kind: ZeroMQSocket.Kind, _ endpoint: String, id: String = "") throws {
        socket = try Self.connect(kind, endpoint, id)
        _ = poller.add(socket)
    }

    private static func connect(_ kind: ZeroMQSocket.Kind, _ endpoint: String, _ id: String) throws
        -> ZeroMQSocket
    {
        var options = SocketOptions()
        options.routingID = Array(id.utf8)
        options.lingerMilliseconds = 2_000
        let socket = try ZeroMQSocket(kind, in: ZeroMQContext(), options)
        try socket.connect(endpoint)
        return socket
    }

    /// Sends a message; waits for the connection where it does not stand yet.
    func send(_ frames: String...) throws {
        try send(frames)
    }

    func send(_ frames: [String]) throws {
        for (place, frame) in frames.enumerated() {
            var tries = 0
            while try socket.send(Array(frame.utf8).span, more: place + 1 < frames.count) != .sent {
                tries += 1
                try #require(tries < 5_000, "the connection came about")
                usleep(1_000)
            }
        }
    }

    /// The next answer; null where none comes in time.
    mutating func answer(within milliseconds: Int = 5_000) throws -> String? {
        if try !socket.receive(into: message) {
            try poller.wait(milliseconds: milliseconds)
            guard try socket.receive(into: message) else { return nil }
        }
        return message.withBytes { bytes in
            var text: [UInt8] = []
            for index in bytes.indices { text.append(bytes[index]) }
            return String(decoding: text, as: UTF8.self)
        }
    }

    mutating func ask(_ frames: String...) throws -> String? {
        try send(frames)
        return try answer()
    }
}

enum Sample {
    static func event(_ number: Int64, _ tag: String = "f") -> String {
        #"{"type":"dialog.acked","time":\#(1_700_000_000_000_000 + number),"callid":"c\#(number)","from_tag":"\#(tag)","to_tag":"t"}"#
    }

    static func lines(_ numbers: ClosedRange<Int64>, _ tag: String = "f") -> String {
        numbers.map { event($0, tag) + "\n" }.joined()
    }

    static func batch(_ first: Int64, _ count: Int, epoch: Int64 = 7, _ source: String = "p") -> String {
        #"{"v":1,"op":"batch","source":"\#(source)","epoch":\#(epoch),"first_seq":\#(first),"count":\#(count)}"#
    }

    static func hello(epoch: Int64 = 7) -> String {
        #"{"v":1,"op":"hello","source":"p","epoch":\#(epoch)}"#
    }

    static func ack(_ through: Int64, credit: Int = 1_000, epoch: Int64 = 7) -> String {
        #"{"v":1,"op":"ack","source":"p","epoch":\#(epoch),"through":\#(through),"credit":\#(credit)}"#
    }

    static func heartbeat(_ last: Int64) -> String {
        #"{"v":1,"op":"heartbeat","source":"p","epoch":7,"last_seq":\#(last),"time":1}"#
    }
}
