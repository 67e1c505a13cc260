import Events
import Testing

@testable import Simulation

/// Each fault, asked for by itself, happens about as often as asked, and touches nothing else: the events
/// that do come, taken by time and text, are those of the traffic without faults.
struct TrafficFaultTests {
    static func settings(_ faults: Faults) -> TrafficSettings {
        var settings = TrafficSettings.realistic(seed: 5, start: trafficStart, calls: 2_000)
        settings.faults = faults
        return settings
    }

    static let clean = recordedEvents(settings(.none))

    @Test func duplicatesComeWithTheSameIdentityAndBytes() {
        let events = recordedEvents(Self.settings(Faults(duplicated: 0.05)))
        var seen: [String: [UInt8]] = [:]
        var repeated = 0
        for event in events {
            let identity = "\(event.source) \(event.epoch) \(event.sequence)"
            if let before = seen[identity] {
                repeated += 1
                #expect(before == event.bytes)
            }
            seen[identity] = event.bytes
        }
        #expect(seen.count == Self.clean.count)
        #expect((0.03...0.07).contains(Double(repeated) / Double(seen.count)))
    }

    @Test func batchesComeTwice() {
        let batches = recordedBatches(Self.settings(Faults(duplicated: 0.05)))
        var repeated = 0
        for index in batches.indices where batches[index].isRepetition {
            repeated += 1
            #expect(batches[index].lines == batches[index - 1].lines)
            #expect(batches[index].first == batches[index - 1].first)
            #expect(batches[index].epoch == batches[index - 1].epoch)
            #expect(batches[index].source == batches[index - 1].source)
        }
        #expect((0.03...0.07).contains(Double(repeated) / Double(batches.count)))
    }

    @Test func overtakenEventsStayWithinTheirDelay() {
        let events = recordedEvents(Self.settings(Faults(outOfOrder: 0.05)))
        #expect(events.map(\.text).sorted() == Self.clean.map(\.text).sorted())
        var latest: Int64 = 0
        var overtaken = 0
        for event in events {
            if event.time < latest { overtaken += 1 }
            #expect(event.time >= latest - 50_000)
            latest = max(latest, event.time)
        }
        #expect(overtaken > events.count / 50)
    }

    @Test func lateEventsComeLater() {
        let events = recordedEvents(Self.settings(Faults(late: 0.01)))
        #expect(events.map(\.text).sorted() == Self.clean.map(\.text).sorted())
        var latest: Int64 = 0
        var late = 0
        for event in events {
            if event.time < latest - 60_000_000 { late += 1 }
            latest = max(latest, event.time)
        }
        #expect((0.005...0.015).contains(Double(late) / Double(events.count)))
    }

    @Test func lostNumbersNeverCome() {
        var next: [String: Int64] = [:]
        var lost: Int64 = 0
        var delivered: Int64 = 0
        for batch in recordedBatches(Self.settings(Faults(lost: 0.01))) {
            let life = "\(batch.source) \(batch.epoch)"
            #expect(batch.first >= next[life, default: 1])
            lost += batch.first - next[life, default: 1]
            next[life] = batch.first + Int64(batch.count)
            delivered += Int64(batch.count)
        }
        let total = Int64(Self.clean.count)
        #expect((0.006...0.014).contains(Double(lost) / Double(total)))
        // A number lost at the end of an epoch leaves no hole behind.
        #expect((total - 10...total).contains(delivered + lost))
    }

    @Test(arguments: [false, true]) func invalidLinesAreInvalid(asObjects: Bool) throws {
        var faults = Faults(invalid: 0.02)
        faults.invalidAsObjects = asObjects
        let events = recordedEvents(Self.settings(faults))
        #expect(events.count == Self.clean.count)
        let clean = Set(Self.clean.map(\.bytes))
        let spoilt = events.map(\.bytes).filter { !clean.contains($0) }
        #expect((0.012...0.028).contains(Double(spoilt.count) / Double(events.count)))
        let latest = trafficStart.advanced(by: 10 * 86_400_000_000)
        let reasons = verdicts(spoilt, latest: latest)
        #expect(reasons.count == spoilt.count)
        #expect(!reasons.contains(nil))
        #expect(Set(reasons).count >= 6)
        #expect(!spoilt.contains { $0.contains(UInt8(ascii: "\n")) })
        if asObjects {
            #expect(spoilt.allSatisfy { $0.first == UInt8(ascii: "{") && $0.last == UInt8(ascii: "}") })
        }
    }

    @Test func skewIsOneNumberASource() {
        let events = recordedEvents(Self.settings(Faults(clockSkewMicroseconds: 2_000_000)))
        var skews: [Int: Int64] = [:]
        #expect(events.count == Self.clean.count)
        for (event, clean) in zip(events, Self.clean) {
            let skew = event.time - clean.time
            #expect(event.source == clean.source)
            #expect(skews[event.source, default: skew] == skew)
            #expect(abs(skew) <= 2_000_000)
            skews[event.source] = skew
        }
        #expect(Set(skews.values).count == 4)
    }

    @Test func everythingAtOnceEnds() {
        var faults = Faults.some
        faults.invalid = 0.01
        faults.late = 0.01
        var settings = Self.settings(faults)
        settings.restartMeanSeconds = 120
        #expect(recordedEvents(settings).count > 10_000)
        #expect(recordedBatches(settings).count > 100)
    }
}
