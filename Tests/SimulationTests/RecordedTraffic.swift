import Events
import Foundation
import Testing

@testable import Simulation

/// One event as it came out of a `Traffic`.
struct RecordedEvent {
    let source: Int
    let epoch: Int64
    let sequence: Int64
    let time: Int64
    let bytes: [UInt8]

    var text: String { String(decoding: bytes, as: UTF8.self) }

    /// The fields, read by a parser that is not ours.
    func fields() throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
    }
}

struct RecordedBatch {
    let source: Int
    let epoch: Int64
    let first: Int64
    let count: Int
    let isRepetition: Bool
    let readyAt: Int64
    let lines: [[UInt8]]
}

let trafficStart = Timestamp(rawValue: 1_790_000_000_000_000)

extension EventBytes {
    var copied: [UInt8] {
        withBytes { bytes in unsafe bytes.withUnsafeBytes { unsafe [UInt8]($0) } }
    }
}

/// All of the traffic, event by event.
func recordedEvents(_ settings: TrafficSettings) -> [RecordedEvent] {
    var traffic = Traffic(settings)
    var buffer = EventBytes()
    var events: [RecordedEvent] = []
    while let event = traffic.next(into: &buffer) {
        events.append(
            RecordedEvent(
                source: event.source, epoch: event.epoch.rawValue, sequence: event.sequence.rawValue,
                time: event.time.rawValue, bytes: buffer.copied))
        buffer.removeAll()
    }
    return events
}

/// All of the traffic, batch by batch.
func recordedBatches(_ settings: TrafficSettings) -> [RecordedBatch] {
    var traffic = Traffic(settings)
    var batch = TrafficBatch()
    var batches: [RecordedBatch] = []
    while traffic.next(into: &batch) {
        let bytes = batch.payload.copied
        #expect(bytes.last == UInt8(ascii: "\n"))
        let lines = bytes.dropLast().split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        batches.append(
            RecordedBatch(
                source: batch.sourceIndex, epoch: batch.epoch.rawValue, first: batch.firstSequence.rawValue,
                count: batch.count, isRepetition: batch.isRepetition, readyAt: batch.readyAt.rawValue,
                lines: lines.map { [UInt8]($0) }))
    }
    return batches
}

/// FNV-1a over everything that was stated, identities included.
func fingerprint(_ events: [RecordedEvent]) -> UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    func add(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    for event in events {
        for byte in "\(event.source) \(event.epoch) \(event.sequence) ".utf8 { add(byte) }
        for byte in event.bytes { add(byte) }
    }
    return hash
}

/// What the product's own decoder says of each line: null for a valid event.
func verdicts(_ lines: [[UInt8]], latest: Timestamp = .last) -> [String?] {
    let payload = PaddedBuffer(copying: lines.flatMap { $0 + [UInt8(ascii: "\n")] })
    var decoder = EventDecoder()
    decoder.begin(payload.bytes)
    var view = EventView()
    var verdicts: [String?] = []
    while let line = decoder.next(into: &view, from: .proxy, latest: latest) {
        if case .fault(let fault) = line { verdicts.append(fault.description) } else { verdicts.append(nil) }
    }
    return verdicts
}

/// The validity rules read a second time, in Python, by somebody else.
enum Oracle {
    /// What it says of the lines that it does not find valid.
    static func complaints(about lines: [[UInt8]]) throws -> [String] {
        let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let script = tests.appending(path: "Oracle/oracle.py")
        let name = "traffic-\(UUID().uuidString).ndjson"
        let file = FileManager.default.temporaryDirectory.appending(path: name)
        defer { try? FileManager.default.removeItem(at: file) }
        try Data(lines.flatMap { $0 + [UInt8(ascii: "\n")] }).write(to: file)
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["python3", script.path, "validate", file.path]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
        let answers = String(decoding: output, as: UTF8.self).split(separator: "\n").map(String.init)
        try #require(answers.count == lines.count)
        return answers.filter { $0 != "ok" }
    }
}
