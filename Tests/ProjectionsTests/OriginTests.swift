import Foundation
import Testing

@testable import Events
@testable import Projections
@testable import Simulation

/// Every field of a record has an origin, and what the cited events say gives the field's value again: worked
/// out here from their JSON, by a parser that is not ours, as somebody would who doubts a bill. Tried on
/// random calls that collide, and on realistic traffic.
struct OriginTests {
    private static let columns = CallRecord.columns.map(\.name)

    @Test(arguments: 0..<4)
    func citedEventsGiveTheValues(hundred: Int) throws {
        var records = 0
        for seed in UInt64(hundred) * 100..<UInt64(hundred) * 100 + 100 {
            var calls = CollidingCalls(seed: seed)
            records += try check(calls.events(count: 40), "seed \(seed)")
        }
        #expect(records > 200)
    }

    @Test(arguments: [UInt64(1), 2])
    func citedEventsGiveTheValuesInRealisticTraffic(seed: UInt64) throws {
        let records = try check(FoldedCalls.traffic(seed: seed, calls: 300), "seed \(seed)")
        #expect(records > 250)
    }

    /// - Returns: how many records were checked.
    private func check(_ events: [StatedEvent], _ name: String) throws -> Int {
        let calls = FoldedCalls(events)
        var records = 0
        try calls.eachFold { fold in
            let circumstances = RecordCircumstances(
                policy: .builtIn, policyPosition: nil, isPolicyFixed: false, gaps: OpenGaps(), revisedBy: [])
            var common = CallCommon()
            common.gather(fold, sources: calls.sources)
            try fold.forEachRecord(gaps: OpenGaps(), policies: PolicyHistory(), sources: calls.sources) {
                (record, leg, policy) throws(any Error) in
                records += 1
                var rows = RowBatch()
                record.append(to: &rows, of: fold, common: common, policy: policy)
                rows.integer(1)
                rows.append(common.positions)
                rows.end(.insertRecord)
                let values = Self.values(rows)
                let origins = fold.origins(of: leg, circumstances, sources: calls.sources)
                #expect(origins.map(\.field) == Self.columns)
                for (origin, value) in zip(origins, values) {
                    #expect(!origin.rule.isEmpty)
                    #expect(origin.rule.hasPrefix("null:") == (value == .null), "\(origin)")
                    let cited = try origin.positions.map { try calls.fields(at: $0) }
                    guard let again = Self.value(of: origin, cited, leg) else { continue }
                    #expect(again == value, "\(name): \(origin.field), \(origin.rule), \(origin.positions)")
                }
            }
        }
        return records
    }

    private static func values(_ rows: borrowing RowBatch) -> [MemoryRows.Value] {
        rows.cells.map { cell in
            switch cell {
            case .null: .null
            case .integer(let number): .integer(number)
            case .text(let start, let length), .blob(let start, let length):
                .text(Array(rows.text[Int(start)..<Int(start + length)]))
            }
        }
    }

    /// A field's value by the events that its origin cites; null where this test has no way to tell.
    private static func value(
        of origin: FieldOrigin, _ cited: [[String: Any]], _ leg: Leg?
    ) -> MemoryRows.Value? {
        let first = cited.first ?? [:]
        let times = cited.compactMap { $0["time"] as? Int64 }
        let type = first["type"] as? String ?? ""
        switch origin.field {
        case "callid", "from_tag", "from_uri", "to_uri", "request_uri", "src_ip", "user_agent", "reason":
            return text(first[origin.field])
        case "sip_reason": return text(first["sip_reason"])
        case "to_tag": return cited.isEmpty ? .text([]) : text(first["to_tag"])
        case "leg": return .integer(Int64(cited.count))
        case "callee_user_agent": return text(first["user_agent"])
        case "started_at", "ringing_at", "answered_at", "ended_at", "last_proof_at":
            return number(times.first)
        case "setup_us", "duration_us":
            return .integer(times.count == 2 ? max(times[1] - times[0], 0) : 0)
        case "attempts": return .integer(Int64(max(Set(cited.compactMap { $0["cseq"] as? Int64 }).count, 1)))
        case "disposition":
            return leg == nil ? nil : .text(Array("answered".utf8))
        case "sip_code": return type == "timeout.early" ? .integer(408) : number(first["sip_code"] as? Int64)
        case "termination": return leg == nil ? .null : text(termination(first, type))
        case "ended_by":
            return text(
                first["by"] as? String != nil && type.hasPrefix("dialog.")
                    ? first["by"] : type == "ledger.expired" ? "ledger" : "proxy")
        case "session_interval":
            return .integer((first["fwd_session_expires"] ?? first["session_expires"]) as? Int64 ?? 0)
        case "refreshes": return .integer(Int64(cited.count))
        case "billable_ms":
            let exact = times.count == 2 ? max(times[1] - times[0], 0) / 1000 : 0
            return .integer((exact + 999) / 1000 * 1000)
        case "revision": return .integer(1)
        case "positions":
            return .text(Array("[\(origin.positions.map { "\($0)" }.joined(separator: ","))]".utf8))
        default: return nil
        }
    }

    private static func termination(_ event: [String: Any], _ type: String) -> String {
        switch type {
        case "dialog.terminated": "\(event["by"] ?? "")_bye"
        case "timeout.no_ack": "no_ack"
        case "ledger.expired": "unterminated"
        default: type.dropFirst("timeout.".count) + "_timeout"
        }
    }

    private static func text(_ value: Any?) -> MemoryRows.Value {
        (value as? String).map { .text(Array($0.utf8)) } ?? .null
    }

    private static func number(_ value: Int64?) -> MemoryRows.Value { value.map { .integer($0) } ?? .null }
}
