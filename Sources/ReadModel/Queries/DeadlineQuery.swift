package import Events
internal import Foundation
internal import GRDB
internal import Projections

/// An open leg, or a call that is still unanswered, whose deadline has passed.
package struct OverdueDialog: Hashable, Sendable {
    package let callID: [UInt8]
    package let fromTag: [UInt8]
    /// Null for a call that is still unanswered.
    package let toTag: [UInt8]?
    package let deadline: Timestamp
}

extension ReadModelSnapshot {
    /// Whether any call is open.
    package var hasOpenCalls: Bool {
        get throws { try Bool.fetchOne(db, sql: "SELECT EXISTS (SELECT 1 FROM open_calls)") ?? false }
    }

    /// What should have ended at `time` or before, the longest overdue first; at most about `max`.
    package func overdue(at time: Timestamp, max: Int) throws -> [OverdueDialog] {
        var found: [OverdueDialog] = []
        var fold = CallFold(settings: settings)
        let rows = try Row.fetchCursor(
            db, sql: "SELECT state FROM open_calls WHERE deadline <= ? ORDER BY deadline, callid, from_tag",
            arguments: [time.rawValue])
        while found.count < max, let row = try rows.next() {
            let packed: Data = row[0]
            fold.fold(CallState(restoring: [UInt8](packed)), sources: sources)
            let callID = Array(fold.bytes[fold.callID.range])
            let fromTag = Array(fold.bytes[fold.fromTag.range])
            if fold.legs.isEmpty, fold.end == nil, fold.unansweredDeadline <= time {
                found.append(
                    OverdueDialog(
                        callID: callID, fromTag: fromTag, toTag: nil, deadline: fold.unansweredDeadline))
            }
            for leg in fold.legs where leg.end == nil {
                let deadline = fold.deadline(of: leg)
                guard deadline <= time, !Self.isPresumed(leg, deadline, in: fold) else { continue }
                found.append(
                    OverdueDialog(
                        callID: callID, fromTag: fromTag, toTag: Array(fold.bytes[fold.toTag(leg).range]),
                        deadline: deadline))
            }
        }
        return found
    }

    /// Whether the log presumes this very end already.
    private static func isPresumed(_ leg: Leg, _ deadline: Timestamp, in fold: borrowing CallFold) -> Bool {
        fold.facts.contains {
            $0.type == .ledgerExpired && $0.tag == leg.tag && $0.deadline == deadline.rawValue
        }
    }
}
