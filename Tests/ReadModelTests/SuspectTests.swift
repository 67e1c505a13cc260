import Foundation
import GRDB
import Testing

@testable import EventLog
@testable import Events
@testable import Projections
@testable import ReadModel
@testable import Simulation

/// The legs that `dialogs --suspect` lists are those that the audit calls hung, ended and open ones, at
/// whatever time they are judged, with the audit's own numbers; the event that is named as the last proof of
/// life is one of that leg and of that time. Tried on random calls that collide and on realistic traffic.
struct SuspectTests {
    /// Around which the times of random calls lie, and long after.
    @Test(arguments: [1_000_000_200_000_000, 1_000_000_500_000_000, 1_000_100_000_000_000])
    func areWhatTheAuditCallsHung(asOf: Int64) throws {
        let place = try TestPlace()
        for set in 0..<150 {
            var calls = CollidingCalls(seed: UInt64(set), prefix: "s\(set)-")
            for event in calls.events(count: 14) {
                try place.state([event.json], of: try #require(SourceName(event.source)), epoch: event.epoch)
            }
        }
        try place.state(
            [
                #"{"type":"ledger.policy","time":1000000100000000,"#
                    + #""policy":"{\"id\":\"minute\",\"hung_call\":\"timeout\",\"round_ms\":60000}"}"#
            ], of: .ledger)
        try place.finish()
        try place.project(settledMax: 10, round: 100)
        let rules = try Self.check(place, asOf: Timestamp(rawValue: asOf))
        #expect(rules.isSuperset(of: [.lifetimeTimeout, .sessionTimeout, .pingTimeout, .unterminated]))
        if asOf > 1_000_000_400_000_000 { #expect(rules.contains(.sessionExpired)) }
        if asOf > 1_000_050_000_000_000 { #expect(rules.contains(.lifetimeOver)) }
    }

    @Test func realisticTraffic() throws {
        let place = try TestPlace()
        try place.fill(seed: 5, calls: 600)
        try place.project(settledMax: 10, round: 500)
        let rules = try Self.check(place, asOf: Timestamp(rawValue: 1_700_020_000_000_000))
        #expect(!rules.isEmpty)
    }

    /// - Returns: the rules that made legs hung.
    private static func check(_ place: TestPlace, asOf: Timestamp) throws -> Set<SuspectLeg.Rule> {
        try ReadModelReader(path: place.readModel).read { snapshot in
            let legs = try snapshot.suspects(DialogFilter(), asOf: asOf)
            var found: [[String]: [String: Any]] = [:]
            var filter = FindingFilter()
            filter.codes = ["hung_call"]
            try snapshot.findings(filter, asOf: asOf) { finding in
                found[[finding.callID, finding.fromTag, finding.toTag]] = try object(finding.detail)
            }
            // Of a call that is open in parts the audit judges all legs as well.
            #expect(Set(legs.map { [$0.callID, $0.fromTag, $0.toTag] }) == Set(found.keys))
            #expect(legs.count == found.count)
            #expect(zip(legs, legs.dropFirst()).allSatisfy { SuspectLeg.precedes($0, $1) })
            var fetcher = place.log.fetcher()
            for leg in legs {
                let detail = try #require(found[[leg.callID, leg.fromTag, leg.toTag]])
                #expect(detail["overrun_us"] as? Int64 == leg.overrun)
                #expect(detail["unproven_us"] as? Int64 == leg.unproven)
                #expect(detail["last_proof_at"] as? Int64 == leg.lastProofAt.rawValue)
                let bills = try #require(detail["billable_ms"] as? [String: Any])
                for option in BillingPolicy.HungCall.allCases {
                    #expect(bills[option.rawValue] as? Int64 == leg.bill(as: option).milliseconds)
                }
                let event = try fetcher.event(at: leg.lastProofPosition)
                let text = unsafe String(
                    decoding: event.bytes.pointer(at: 0, to: event.bytes.count), as: UTF8.self)
                let proof = try object(text)
                #expect(proof["time"] as? Int64 == leg.lastProofAt.rawValue)
                #expect(proof["type"] as? String == leg.lastProofType)
                #expect(proof["to_tag"] as? String == leg.toTag)
                #expect(proof["callid"] as? String == leg.callID)
            }
            return Set(legs.map(\.rule))
        }
    }

    private static func object(_ text: String) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    /// However many calls have settled, those that hung are found without a look at the others.
    @Test func comeFromAnIndexThatHoldsNoOthers() throws {
        let place = try TestPlace()
        try place.fill(seed: 6, calls: 20)
        try place.project(settledMax: 10, round: 500)
        var filters = [DialogFilter(), DialogFilter(), DialogFilter()]
        filters[1].since = Timestamp(rawValue: 0)
        filters[1].source = "a"
        filters[2].callID = "a"
        let queue = try DatabaseQueue(path: place.readModel)
        for (filter, index) in zip(filters, ["cdrs_hung", "cdrs_hung", "cdrs_by_call"]) {
            let query = ReadModelSnapshot.endedSuspects(filter)
            let plan = try queue.read { db in
                try Row.fetchAll(db, sql: "EXPLAIN QUERY PLAN " + query.sql, arguments: query.arguments)
                    .map { $0["detail"] as String }
            }
            #expect(plan.contains { $0.contains("cdrs USING INDEX \(index)") }, "\(plan)")
        }
    }
}
