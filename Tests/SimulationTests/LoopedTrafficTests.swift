import Events
import Foundation
import Testing

@testable import Simulation

/// Calls that are stated round after round: each round the same ones, as others.
struct LoopedTrafficTests {
    /// A round takes 40 s, and a call two minutes in the mean.
    static let settings = {
        var settings = TrafficSettings.plain(
            seed: 20_261, start: trafficStart, calls: 40, callsPerSecond: 1, sources: 1)
        settings.batchEvents = 7
        return settings
    }()
    static let roundMicroseconds: Int64 = 40_000_000
    static let rounds = 40

    static func looped(events: Int) -> [[UInt8]] {
        var traffic = LoopedTraffic(settings)
        var batch = TrafficBatch()
        var lines: [[UInt8]] = []
        while lines.count < events {
            traffic.next(into: &batch)
            let came = batch.payload.copied.split(separator: UInt8(ascii: "\n")).map { Array($0) }
            #expect(came.count == 7 && batch.count == 7)
            #expect(batch.payload.copied.last == UInt8(ascii: "\n"))
            lines += came
        }
        return lines
    }

    static func fields(_ line: [UInt8]) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any])
    }

    @Test func eventsAreValidAndInOrder() throws {
        let lines = Self.looped(events: 160 * Self.rounds)
        #expect(verdicts(lines) == Array(repeating: nil, count: lines.count))
        var time = trafficStart.rawValue
        for line in lines {
            let next = try #require(try Self.fields(line)["time"] as? Int64)
            #expect(next >= time)
            time = next
        }
        // A round of traffic in a round's time, once as many calls are open as there will be.
        let states = Double(time - trafficStart.rawValue) / Double(Self.roundMicroseconds)
        #expect(states > Double(Self.rounds) && states < Double(Self.rounds) + 8, "\(states) rounds")
    }

    @Test func eachRoundStatesTheSameCallsAsOthers() throws {
        var first: [String: [[String: Any]]] = [:]
        for event in recordedEvents(Self.settings) {
            let fields = try event.fields()
            first[try #require(fields["callid"] as? String), default: []].append(fields)
        }
        // What stays of a Call-ID tells which call it is.
        let known = Dictionary(uniqueKeysWithValues: first.keys.map { ($0.dropFirst(8), $0) })
        #expect(known.count == 40)

        var calls: [String: [[String: Any]]] = [:]
        for line in Self.looped(events: 160 * Self.rounds) {
            let fields = try Self.fields(line)
            calls[try #require(fields["callid"] as? String), default: []].append(fields)
        }
        var seen: [String: Set<Int64>] = [:]
        var whole = 0
        for (callid, events) in calls {
            let name = try #require(known[callid.dropFirst(8)])
            let once = try #require(first[name])
            let begun = try #require(events[0]["time"] as? Int64) - (once[0]["time"] as? Int64 ?? 0)
            #expect(begun % Self.roundMicroseconds == 0 && (begun == 0) == (callid == name))
            #expect(seen[name, default: []].insert(begun / Self.roundMicroseconds).inserted)
            for (event, original) in zip(events, once) {
                var event = event
                event["callid"] = name
                event["time"] = try #require(event["time"] as? Int64) - begun
                #expect(NSDictionary(dictionary: event) == NSDictionary(dictionary: original))
            }
            #expect(events.count <= once.count)
            if events.count == once.count { whole += 1 }
        }
        // None is left out, and all but the last have ended.
        for rounds in seen.values { #expect(rounds == Set(0..<Int64(rounds.count))) }
        #expect(seen.count == 40 && whole > 40 * (Self.rounds - 10), "\(whole) of \(calls.count)")
    }
}
