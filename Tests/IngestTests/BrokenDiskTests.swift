import EventLog
import Events
import Foundation
import Logging
import Synchronization
import Testing

@testable import Ingest

/// A disk whose space and whose syncs can be taken away.
final class FickleStorage: Storage {
    struct Faults: Sendable {
        var isFull = false
        var failsToSync = false
        var isSlow = false
        /// A sync that begins then ends once this is over.
        var holdsSyncs = false
    }

    private let disk = DiskStorage()
    let faults: Shared

    final class Shared: Sendable {
        let value = Mutex(Faults())
    }

    init(_ faults: Shared) {
        self.faults = faults
    }

    func entries(of directory: String) throws(LogError) -> [String]? { try disk.entries(of: directory) }
    func makeDirectory(_ path: String) throws(LogError) { try disk.makeDirectory(path) }
    func open(_ path: String, _ mode: StorageMode) throws(LogError) -> any StorageFile {
        FickleFile(try disk.open(path, mode), faults)
    }
    func rename(_ path: String, to target: String) throws(LogError) { try disk.rename(path, to: target) }
    func remove(_ path: String) throws(LogError) { try disk.remove(path) }
    func syncDirectory(_ path: String) throws(LogError) { try disk.syncDirectory(path) }
    func room(at directory: String) -> DiskRoom? { disk.room(at: directory) }
    func lock(_ path: String) throws(LogError) -> any StorageLock { try disk.lock(path) }
}

final class FickleFile: StorageFile {
    private let file: any StorageFile
    private let faults: FickleStorage.Shared

    init(_ file: any StorageFile, _ faults: FickleStorage.Shared) {
        self.file = file
        self.faults = faults
    }

    var path: String { file.path }
    var isDirect: Bool { file.isDirect }
    func size() throws(LogError) -> Int { try file.size() }
    func reserve(_ bytes: Int, leaving rest: Int) throws(LogError) {
        if faults.value.withLock({ $0.isFull }) { throw LogError(.noSpace, path: path, "The disk is full.") }
        try file.reserve(bytes, leaving: rest)
    }
    func write(_ bytes: RawSpan, at offset: Int) throws(LogError) -> Int { try file.write(bytes, at: offset) }
    func read(_ count: Int, at offset: Int) throws(LogError) -> [UInt8] { try file.read(count, at: offset) }
    func read(into memory: UnsafeMutableRawBufferPointer, at offset: Int) throws(LogError) -> Int {
        try unsafe file.read(into: memory, at: offset)
    }
    func sync() throws(LogError) {
        if faults.value.withLock({ $0.failsToSync }) {
            throw LogError(.system, path: path, errno: EIO, "No.")
        }
        if faults.value.withLock({ $0.isSlow }) { usleep(UInt32(Limits.quickSyncMicrosecondsMax)) }
        while faults.value.withLock({ $0.holdsSyncs }) { usleep(1_000) }
        try file.sync()
    }
    func map(_ count: Int) throws(LogError) -> MappedBytes { try file.map(count) }
}

/// What intake does when the disk doesn't do what it should.
@Suite(.serialized)
struct BrokenDiskTests {

    static func start(
        _ directory: TemporaryDirectory, _ faults: FickleStorage.Shared,
        segmentBytes: Int = LogLimits.segmentBytesMin, credit: Int = 1_000,
        onFailure: @escaping @Sendable (IngestError) -> Void = { _ in }
    ) throws -> (LogDirectory, IngestService) {
        var logOptions = LogOptions()
        logOptions.segmentBytes = segmentBytes
        let log = try LogDirectory.open(directory.path, options: logOptions, storage: FickleStorage(faults))
        var options = IngestOptions()
        options.routerEndpoints = ["tcp://127.0.0.1:*"]
        options.pullEndpoints = ["tcp://127.0.0.1:*"]
        options.creditEvents = credit
        options.clock = TestClock().read
        options.onFailure = onFailure
        options.logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        return (log, try IngestService.start(log: log, options: options))
    }

    static func events(_ log: LogDirectory) throws -> [String] {
        var reader = try log.reader(from: .first)
        var result: [String] = []
        while let frame = try reader.next() {
            if frame.header.source.source.isLedger { continue }
            var bytes: [UInt8] = []
            for offset in 0..<frame.payload.count { bytes.append(frame.payload[offset]) }
            result += String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
        }
        return result
    }

    @Test func aFullDiskStopsIntakeAndNothingElse() throws {
        let directory = TemporaryDirectory()
        let faults = FickleStorage.Shared()
        let (log, service) = try Self.start(directory, faults)
        var source = try EventSource(
            endpoint: service.routerEndpoints[0],
            SourceMachine(Conversation.origin(7), heldMax: 10_000, resendMicroseconds: 200_000))
        faults.value.withLock { $0.isFull = true }
        let total: Int64 = 3_000
        var next: Int64 = 1
        while next <= total {
            source.put(Array(Sample.lines(next...(next + 9)).utf8), count: 10)
            next += 10
            try source.turn(milliseconds: 0)
        }
        #expect(try !source.drain(milliseconds: 1_500), "one segment holds some five hundred of them")
        #expect(source.state == .sending, "nobody is refused for it")
        let durable = try Self.events(log).count
        #expect(source.machine.acknowledged == durable)
        #expect(durable > 0 && durable < total)
        #expect(throws: IngestError.self, "the ledger's own entries find no room either") {
            for _ in 0..<2_000 { try Self.tick(service) }
        }
        // It still answers.
        var peer = try TestPeer(.dealer, service.routerEndpoints[0])
        let welcome = try peer.ask(#"{"v":1,"op":"hello","source":"q","epoch":1}"#)
        #expect(welcome?.contains(#""next_seq":1,"credit":0}"#) == true, "\(welcome ?? "-")")

        faults.value.withLock { $0.isFull = false }
        for _ in 0..<200 where source.unacknowledged > 0 {
            _ = try source.drain(milliseconds: 100)
        }
        #expect(source.unacknowledged == 0)
        #expect(
            try Self.events(log) == (1...total).map { Sample.event($0) }, "in order, none lost, none twice")
        #expect(try peer.answer()?.contains(#""op":"credit","source":"q""#) == true)
        service.stop()
        log.close()
    }

    /// Appends an entry of the ledger's own and waits for what becomes of it.
    static func tick(_ service: IngestService) throws {
        let outcome = Mutex<IngestError??>(nil)
        let entry = Array(#"{"type":"ledger.tick","time":1}"#.utf8)
        try service.append([entry]) { error in outcome.withLock { $0 = .some(error) } }
        for _ in 0..<1_000 {
            if let error = outcome.withLock({ $0 }) {
                if let error { throw error }
                return
            }
            usleep(1_000)
        }
        throw IngestError(.diskFull, "it waits for space")
    }

    @Test func gapsWaitForSpaceAsWell() throws {
        let directory = TemporaryDirectory()
        let faults = FickleStorage.Shared()
        let clock = TestClock()
        var logOptions = LogOptions()
        logOptions.segmentBytes = LogLimits.segmentBytesMin
        let log = try LogDirectory.open(
            directory.path, options: logOptions, storage: FickleStorage(faults))
        var options = IngestOptions()
        options.routerEndpoints = []
        options.pullEndpoints = ["tcp://127.0.0.1:*"]
        options.clock = clock.read
        options.logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        let service = try IngestService.start(log: log, options: options)
        let peer = try TestPeer(.push, service.pullEndpoints[0])
        try peer.send(Sample.batch(3, 1), Sample.lines(3...3))
        while service.statistics.events < 1 { usleep(1_000) }
        faults.value.withLock { $0.isFull = true }
        for number in stride(from: Int64(4), through: 3_000, by: 10) {
            try peer.send(Sample.batch(number, 10), Sample.lines(number...(number + 9)))
        }
        while service.statistics.dropped == 0 { usleep(1_000) }
        clock.advance(microseconds: 6_000_000)
        usleep(600_000)
        #expect(service.failure == nil)
        #expect(service.statistics.gaps == 0)
        faults.value.withLock { $0.isFull = false }
        for _ in 0..<5_000 where service.statistics.gaps == 0 {
            usleep(1_000)
        }
        service.stop()
        var stated: [String] = []
        var reader = try log.reader(from: .first)
        while let frame = try reader.next() {
            guard frame.header.kind == .gap, let about = frame.header.subject else { continue }
            stated.append("\(about.first.rawValue)-\(about.last.rawValue)")
        }
        // What was dropped meanwhile may be missed as well, according to when space was looked for.
        #expect(stated.first == "1-2")
        #expect(Set(stated).count == stated.count)
        log.close()
    }

    @Test func aFullDiskDoesNotKeepTheServiceFromStopping() throws {
        let directory = TemporaryDirectory()
        let faults = FickleStorage.Shared()
        var (log, service) = try Self.start(directory, faults)
        var source = try EventSource(
            endpoint: service.routerEndpoints[0], SourceMachine(Conversation.origin(7), heldMax: 10_000))
        faults.value.withLock { $0.isFull = true }
        for first in stride(from: Int64(1), through: 2_000, by: 10) {
            source.put(Array(Sample.lines(first...(first + 9)).utf8), count: 10)
        }
        #expect(try !source.drain(milliseconds: 500))
        service.stop()
        let acknowledged = Int(source.machine.acknowledged)
        log.close()
        faults.value.withLock { $0.isFull = false }
        (log, service) = try Self.start(directory, faults)
        #expect(try Self.events(log).count >= acknowledged, "what was acknowledged is there")
        service.stop()
        log.close()
    }

    @Test func aFailedSyncAcknowledgesNothingAndEndsIntake() async throws {
        let directory = TemporaryDirectory()
        let faults = FickleStorage.Shared()
        let heard = Shared()
        let (log, service) = try Self.start(directory, faults) { heard.note($0) }
        var peer = try TestPeer(.dealer, service.routerEndpoints[0])
        #expect(try peer.ask(Sample.batch(1, 1), Sample.lines(1...1)) == Sample.ack(1))
        faults.value.withLock { $0.failsToSync = true }
        try peer.send(Sample.batch(2, 1), Sample.lines(2...2))
        #expect(try peer.answer(within: 1_000) == nil, "no answer is better than a wrong one")
        #expect(service.failure?.code == .log)
        #expect(heard.codes == [.log])
        await #expect(throws: IngestError.self) {
            try await service.append([Array(#"{"type":"ledger.tick","time":1}"#.utf8)])
        }
        service.stop()
        log.close()
    }

    final class Shared: Sendable {
        private let list = Mutex<[IngestError.Code]>([])
        func note(_ error: IngestError) { list.withLock { $0.append(error.code) } }
        var codes: [IngestError.Code] { list.withLock { $0 } }
    }
}
