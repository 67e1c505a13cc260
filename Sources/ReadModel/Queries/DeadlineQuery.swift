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
        get throws { try count(.openCalls) > 0 }
    }

    /// What should have ended at `time` or before, the longest overdue first; at most about `max`.
    package func overdue(at time: Timestamp, max: Int) throws -> [OverdueDialog] {
        var found: [OverdueDialog] = []
        // Asked every second, however many calls are open: mostly it needs no more than a look, and where
        // rows that no longer count speak of the past, no more than what they speak of.
        let due = try OpenCallIndex.keys(db, dueBy: time)
        if due.isEmpty { return [] }
        var places = try OpenCallIndex(db, only: due).places.filter { $0.deadline <= time }
            .sorted {
                ($0.deadline, $0.last.row, $0.last.bytes.lowerBound)
                    < ($1.deadline, $1.last.row, $1.last.bytes.lowerBound)
            }[...]
        while found.count < max, !places.isEmpty {
            // Some of them may yield nothing: their end is presumed already.
            let some = places.prefix(max)
            places = places.dropFirst(max)
            found += try overdue(at: time, some)
        }
        return found
    }

    /// What should have ended at `time` or before of some open calls.
    private func overdue(
        at time: Timestamp, _ places: ArraySlice<OpenCallIndex.Place>
    ) throws -> [OverdueDialog] {
        var found: [OverdueDialog] = []
        var fold = CallFold(settings: settings)
        for state in try OpenCallIndex.states(db, places) {
            fold.fold(state, sources: sources)
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
