import Events
import Testing

@testable import Simulation

/// The presets deliver what they promise: the plain one four events of about 280 bytes a call, the
/// realistic one each kind of call and each event type in the shares of its mix. Tried with 20,000 calls of
/// one seed; bounds are a fifth of the share or four standard deviations, whichever is wider.
struct TrafficMixTests {
    static let calls = 20_000

    @Test func plainIsFourEventsOfPromisedSize() throws {
        let events = recordedEvents(.plain(seed: 7, start: trafficStart, calls: 4_000))
        #expect(events.count == 16_000)
        let mean = Double(events.map(\.bytes.count).reduce(0, +)) / 16_000
        #expect((270.0...295.0).contains(mean))
        var shapes: [String: [String]] = [:]
        for event in events {
            let fields = try event.fields()
            let callid = try #require(fields["callid"] as? String)
            shapes[callid, default: []].append(try #require(fields["type"] as? String))
        }
        #expect(shapes.count == 4_000)
        let acked = ["dialog.trying", "dialog.confirmed", "dialog.acked", "dialog.terminated"]
        let refreshed = ["dialog.trying", "dialog.confirmed", "refresh.accepted", "dialog.terminated"]
        #expect(shapes.values.allSatisfy { $0 == acked || $0 == refreshed })
        #expect(shapes.values.contains(refreshed))
    }

    /// How a call came out, by its last attempt.
    static func outcomes(
        _ events: [RecordedEvent]
    ) throws -> (shares: [String: Double], types: [String: Int]) {
        var last: [String: String] = [:]
        var types: [String: Int] = [:]
        for event in events {
            let fields = try event.fields()
            let type = try #require(fields["type"] as? String)
            types[type, default: 0] += 1
            guard let callid = fields["callid"] as? String else { continue }
            switch type {
            case "dialog.confirmed": last[callid] = "answered"
            case "timeout.early": last[callid] = "408"
            case "dialog.failed": last[callid] = "\(try #require(fields["sip_code"] as? Int))"
            default: last[callid] = last[callid] ?? "unknown"
            }
        }
        var shares: [String: Double] = [:]
        for outcome in last.values {
            shares[outcome, default: 0] += 1 / Double(last.count)
        }
        return (shares, types)
    }

    @Test func realisticKeepsItsShares() throws {
        var settings = TrafficSettings.realistic(seed: 11, start: trafficStart, calls: Self.calls)
        settings.restartMeanSeconds = 0
        let events = recordedEvents(settings)
        let (shares, types) = try Self.outcomes(events)
        func expect(_ codes: [String], near asked: Double) {
            let found = codes.reduce(0) { $0 + (shares[$1] ?? 0) }
            let deviation = (asked * (1 - asked) / Double(Self.calls)).squareRoot()
            #expect(abs(found - asked) <= max(asked * 0.2, 4 * deviation), "\(codes)")
        }
        let mix = CallMix()
        expect(["486", "600"], near: mix.busy)
        expect(["487"], near: mix.cancelled)
        expect(["480", "408"], near: mix.noAnswer)
        expect(["401", "407", "403", "603", "607", "608"], near: mix.rejected)
        expect(["404", "410", "484"], near: mix.notFound)
        expect(["302"], near: mix.redirected)
        expect(["503"], near: mix.congestion)
        expect(["488", "500", "502"], near: mix.failed)
        #expect((0.60...0.68).contains(shares["answered"] ?? 0))
        #expect((shares["422"] ?? 0) > 0)
        #expect((5.0...7.0).contains(Double(events.count) / Double(Self.calls)))
        let known = [
            "dialog.trying", "dialog.early", "dialog.confirmed", "dialog.acked", "dialog.alive",
            "dialog.failed", "dialog.terminated", "refresh.requested", "refresh.accepted", "refresh.failed",
            "timeout.early",
            "timeout.session", "timeout.lifetime", "timeout.no_ack", "timeout.ping", "timeout.media",
            "source.started", "source.heartbeat", "source.stopped",
        ]
        #expect(Set(types.keys) == Set(known))
    }

    @Test func restartsBeginNewEpochs() throws {
        var settings = TrafficSettings.realistic(seed: 3, start: trafficStart, calls: 4_000)
        settings.restartMeanSeconds = 120
        var epochs: [Int: [Int64]] = [:]
        for event in recordedEvents(settings) where epochs[event.source]?.last != event.epoch {
            epochs[event.source, default: []].append(event.epoch)
            #expect(try event.fields()["type"] as? String == "source.started")
        }
        #expect(epochs.count == 4)
        for lives in epochs.values {
            #expect(lives.count > 1)
            #expect(lives == lives.sorted())
            #expect(Set(lives).count == lives.count)
        }
    }
}
