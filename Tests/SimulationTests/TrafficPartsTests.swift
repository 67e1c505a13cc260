import Foundation
import Testing

@testable import Simulation

/// The generator's parts, each held against a plain way to do the same.
struct TrafficPartsTests {
    /// Entries come out sorted by time, however they were put in, and in between.
    @Test func agendaSorts() {
        var random = RandomStream(seed: 99)
        var agenda = Agenda(start: 1_000)
        var calls = Slab<OpenCall>()
        let call = OpenCall(
            seed: 0, nextAt: 0, caller: 0, callee: 0, callerSequence: 0, life: 0, source: 0, callerAgent: 0,
            calleeAgent: 0)
        for _ in 0..<100 { _ = calls.insert(call) }
        var waiting: [Int64] = []
        var now: Int64 = 1_000
        for _ in 0..<10_000 {
            if waiting.isEmpty || random.chance(0.52) {
                let time = now + Int64(random.next() >> UInt64(30 + random.below(34)))
                agenda.insert(.call, UInt32(random.below(100)), at: time)
                waiting.append(time)
            } else {
                let least = waiting.indices.min { waiting[$0] < waiting[$1] } ?? 0
                #expect(agenda.takeFirst(warming: calls)?.time == waiting[least])
                now = waiting.remove(at: least)
            }
            #expect(agenda.count == waiting.count)
        }
        for time in waiting.sorted() { #expect(agenda.takeFirst(warming: calls)?.time == time) }
        #expect(agenda.takeFirst(warming: calls)?.time == nil)
    }

    @Test func numbersAreWrittenAsSwiftWritesThem() {
        var random = RandomStream(seed: 1)
        var values: [UInt64] = [0, 9, 10, 99, 100, 9_999, 10_000, 99_999_999, 100_000_000, .max]
        for _ in 0..<5_000 { values.append(random.next() >> UInt64(random.below(64))) }
        var buffer = EventBytes()
        for value in values {
            let word = UInt32(truncatingIfNeeded: value)
            buffer.removeAll()
            buffer.reserve(TrafficLimits.eventBytesReserved)
            buffer.append(decimal: value)
            buffer.append(byte: UInt8(ascii: " "))
            buffer.append(hex: word)
            buffer.append(byte: UInt8(ascii: " "))
            buffer.append(digits: word, count: 5)
            let hex = String(word, radix: 16)
            let last = String(word % 100_000)
            let zeros = "00000000"
            let expected =
                "\(value) \(zeros.dropLast(hex.count))\(hex) \(zeros.dropLast(3 + last.count))\(last)"
            #expect(String(decoding: buffer.copied, as: UTF8.self) == expected)
        }
    }

    @Test func bytesOutgrowTheirMemory() {
        var buffer = EventBytes(capacity: 16)
        for index in 0..<10_000 {
            buffer.reserve(TrafficLimits.eventBytesReserved)
            buffer.append(digits: UInt32(index), count: 4)
        }
        let bytes = buffer.copied
        #expect(bytes.count == 40_000)
        #expect(String(decoding: bytes[39_996...], as: UTF8.self) == "9999")
        #expect(String(decoding: bytes[4..<8], as: UTF8.self) == "0001")
    }

    @Test func ownLogarithmsAgreeWithTheLibrary() {
        var random = RandomStream(seed: 2)
        for _ in 0..<10_000 {
            let value = random.unit() * 100 + 1e-9
            #expect(abs(RandomStream.logarithm(value) - log(value)) < 1e-10)
            let power = random.unit() * 40 - 20
            #expect(abs(RandomStream.exponential(power) / exp(power) - 1) < 1e-9)
        }
    }

    @Test func distributionsHaveTheirMeans() {
        var random = RandomStream(seed: 3)
        var exponential = 0.0
        var normal = 0.0
        var squares = 0.0
        for _ in 0..<200_000 {
            exponential += random.exponential(mean: 20) / 200_000
            let value = random.normal()
            normal += value / 200_000
            squares += value * value / 200_000
        }
        #expect(abs(exponential - 20) < 0.2)
        #expect(abs(normal) < 0.01)
        #expect(abs(squares - 1) < 0.02)
    }

    @Test func fileHoldsEachLine() throws {
        var settings = TrafficSettings.realistic(seed: 8, start: trafficStart, calls: 1_500)
        settings.faults = .some
        settings.faults.invalidAsObjects = true
        let path = FileManager.default.temporaryDirectory.appending(path: "traffic-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        var traffic = Traffic(settings)
        var file = try TrafficFile(path: path)
        var reported = 0
        try file.write(&traffic) { reported = $0 }
        let written = file.eventsWritten
        try file.close()
        let text = try #require(FileManager.default.contents(atPath: path))
        let lines = text.dropLast().split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        let events = recordedEvents(settings)
        #expect(text.count > TrafficLimits.fileWriteBytes)
        #expect(lines.count == events.count && written == events.count && reported == events.count)
        for (line, event) in zip(lines, events) {
            let start = "{\"source\":\"\(traffic.sourceName(event.source))\",\"epoch\":\(event.epoch)"
            let head = "\(start),\"seq\":\(event.sequence),\"event\":"
            #expect([UInt8](line) == Array(head.utf8) + event.bytes + Array("}".utf8))
        }
    }

    @Test func fileThatCannotBeWrittenSaysSo() {
        #expect(throws: TrafficFileError.self) { _ = try TrafficFile(path: "/nonexistent/directory/file") }
        var traffic = Traffic(.plain(seed: 1, start: trafficStart, calls: 100))
        #expect(throws: TrafficFileError.self) {
            var file = try TrafficFile(path: "/dev/full")
            try file.write(&traffic)
        }
    }
}
