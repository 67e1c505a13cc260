import Events
import Testing

@testable import Simulation

/// What every traffic must hold, whatever the mix: the same from the same seed, valid, numbered densely, in
/// the order of time, and the same by events as by batches. Tried with both presets and many restarts.
struct TrafficTests {
    static let seed: UInt64 = 20_261

    static func realistic(calls: Int = 3_000) -> TrafficSettings {
        var settings = TrafficSettings.realistic(seed: seed, start: trafficStart, calls: calls, sources: 5)
        settings.restartMeanSeconds = 600
        return settings
    }

    static func plain(calls: Int = 3_000) -> TrafficSettings {
        TrafficSettings.plain(seed: seed, start: trafficStart, calls: calls)
    }

    static let both = [realistic(), plain()]

    /// When these change on purpose, the new values are in the failure's own words.
    @Test func sameSeedGivesTheSameBytes() {
        let realistic = fingerprint(recordedEvents(Self.realistic()))
        let plain = fingerprint(recordedEvents(Self.plain()))
        #expect(realistic == 8_047_193_198_642_926_676)
        #expect(plain == 116_653_211_505_298_293)
        #expect(realistic == fingerprint(recordedEvents(Self.realistic())))
        var other = Self.plain()
        other.seed += 1
        #expect(plain != fingerprint(recordedEvents(other)))
    }

    @Test(arguments: both) func eachEventIsValid(settings: TrafficSettings) throws {
        let events = recordedEvents(settings)
        #expect(verdicts(events.map(\.bytes)) == Array(repeating: nil, count: events.count))
        for event in events {
            #expect(try event.fields()["time"] as? Int64 == event.time)
            #expect(!event.bytes.contains(UInt8(ascii: "\n")))
        }
        #expect(try Oracle.complaints(about: events.map(\.bytes)) == [])
    }

    @Test(arguments: both) func numbersAreDenseAndTimesInOrder(settings: TrafficSettings) {
        var numbers: [String: Int64] = [:]
        var time = settings.start.rawValue
        for event in recordedEvents(settings) {
            let life = "\(event.source) \(event.epoch)"
            #expect(event.sequence == numbers[life, default: 0] + 1)
            numbers[life] = event.sequence
            #expect(event.time >= time)
            time = event.time
        }
        #expect(numbers.count >= settings.sources)
        if settings.preset == .realistic { #expect(numbers.count > settings.sources) }
    }

    @Test(arguments: both) func batchesHoldTheSameEvents(settings: TrafficSettings) {
        var settings = settings
        settings.batchEvents = 7
        var expected: [String: [[UInt8]]] = [:]
        for event in recordedEvents(settings) {
            expected["\(event.source) \(event.epoch)", default: []].append(event.bytes)
        }
        var found: [String: [[UInt8]]] = [:]
        var readyAt: Int64 = 0
        for batch in recordedBatches(settings) {
            let life = "\(batch.source) \(batch.epoch)"
            #expect(batch.lines.count == batch.count)
            #expect(batch.count <= 7)
            #expect(batch.first == Int64(found[life, default: []].count + 1))
            #expect(!batch.isRepetition)
            #expect(batch.readyAt >= readyAt)
            readyAt = batch.readyAt
            found[life, default: []] += batch.lines
        }
        #expect(found == expected)
    }

    @Test func batchWaitsNoLongerThanItsLinger() throws {
        var settings = Self.realistic(calls: 300)
        settings.batchEvents = 1_000
        settings.batchLingerMicroseconds = 300_000
        let batches = recordedBatches(settings)
        #expect(batches.contains { $0.count > 1 })
        for batch in batches {
            let first = try #require(batch.lines.first)
            let event = RecordedEvent(source: 0, epoch: 0, sequence: 0, time: 0, bytes: first)
            let time = try #require(try event.fields()["time"] as? Int64)
            #expect(batch.readyAt <= time + 300_000)
        }
    }

    @Test(arguments: both) func memoryFollowsTheOpenCalls(settings: TrafficSettings) {
        var settings = settings
        settings.callsPerSecond = 10
        var traffic = Traffic(settings)
        var buffer = EventBytes()
        var openMax = 0
        while traffic.next(into: &buffer) != nil {
            buffer.removeAll()
            openMax = max(openMax, traffic.openCalls)
        }
        #expect(traffic.openCalls == 0)
        #expect(traffic.held.count == 0)
        #expect(traffic.callsBegun + traffic.callsTurnedAway == 3_000)
        #expect((100..<2_500).contains(openMax))
        #expect(traffic.calls.slots <= openMax + 1)
    }

    @Test func untilLeavesCallsOpen() {
        var settings = Self.plain()
        settings.calls = nil
        settings.until = trafficStart.advanced(by: 20_000_000)
        var traffic = Traffic(settings)
        var buffer = EventBytes()
        var last = trafficStart
        while let event = traffic.next(into: &buffer) {
            last = event.time
            buffer.removeAll()
        }
        #expect(last <= trafficStart.advanced(by: 20_000_000))
        #expect(last > trafficStart.advanced(by: 19_900_000))
        #expect(traffic.openCalls > 10_000)
        #expect(traffic.next(into: &buffer) == nil)
    }
}
