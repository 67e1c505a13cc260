package import EventLog
package import Events
internal import Foundation
internal import GRDB
internal import Projections

/// What the fold of a call finds in its events: one `(callid, from_tag)`.
package struct CallStory: Sendable {
    /// An event of the call, in canonical order.
    package struct Event: Sendable {
        package let position: Position
        package let time: Timestamp
        /// An earlier event states the same.
        package let isRepeat: Bool
    }

    /// An INVITE transaction.
    package struct Attempt: Sendable {
        package let cseq: Int64
        /// Its earliest event.
        package let startedAt: Timestamp
        /// The first final code that it came to; null where it came to none.
        package let sipCode: Int64?
        package let isFinal: Bool
    }

    package struct LegPart: Sendable {
        package let number: Int
        package let toTag: String
        package let answeredAt: Timestamp
        package let endedAt: Timestamp?
        package let endedBy: Position?
        package let deadline: Timestamp
        package let lastProofAt: Timestamp
        /// A list as `timers` has it.
        package let marks: String
    }

    package let callID: String
    package let fromTag: String
    package let startedAt: Timestamp
    /// Whether anything of it is open.
    package let isOpen: Bool
    package let events: [Event]
    package let attempts: [Attempt]
    package let legs: [LegPart]
}

extension ReadModelSnapshot {
    /// Every call with this Call-ID, in the order of their start.
    package func stories(callID: String, log: LogDirectory, asOf: Timestamp) throws -> [CallStory] {
        var stories: [CallStory] = []
        var fromTags: Set<[UInt8]> = []
        try forEachOpenCall(callID: callID) { fold in
            fromTags.insert(Array(fold.bytes[fold.fromTag.range]))
            stories.append(story(fold, asOf: asOf))
        }
        var positions: [[UInt8]: Set<UInt64>] = [:]
        let rows = try Row.fetchCursor(
            db, sql: "SELECT from_tag, positions FROM cdrs WHERE callid = ?", arguments: [callID])
        while let row = try rows.next() {
            let fromTag: Data = row[0]
            let list: Data = row[1]
            positions[Array(fromTag), default: []].formUnion(PositionList.parse(Array(list)))
        }
        let events = CallEvents(log: log, sources: sources)
        var fold = CallFold(settings: settings)
        for (fromTag, list) in positions where !fromTags.contains(fromTag) {
            fold.fold(
                try events.state(at: list.sorted().map { Position(rawValue: $0) }), sources: sources)
            stories.append(story(fold, asOf: asOf))
        }
        return stories.sorted {
            $0.startedAt == $1.startedAt
                ? $0.fromTag.utf8.lexicographicallyPrecedes($1.fromTag.utf8) : $0.startedAt < $1.startedAt
        }
    }

    private func story(_ fold: borrowing CallFold, asOf: Timestamp) -> CallStory {
        var attempts: [CallStory.Attempt] = []
        for fact in fold.facts where fact.cseq >= 0 && !fact.isRepeat {
            let isFinalResponse = fact.type == .dialogConfirmed || fact.type == .dialogFailed
            guard isFinalResponse || fact.type == .dialogTrying || fact.type == .dialogEarly else { continue }
            let place = attempts.firstIndex { $0.cseq == fact.cseq }
            let known = place.map { attempts[$0] }
            let attempt = CallStory.Attempt(
                cseq: fact.cseq, startedAt: known?.startedAt ?? fact.time,
                sipCode: known?.sipCode ?? (isFinalResponse ? fact.sipCode : nil),
                isFinal: fact.cseq == fold.finalAttempt)
            if let place { attempts[place] = attempt } else { attempts.append(attempt) }
        }
        var legs: [CallStory.LegPart] = []
        var timer = LegTimer()
        for leg in fold.legs {
            fold.fill(&timer, of: leg, asOf: asOf)
            legs.append(
                CallStory.LegPart(
                    number: leg.number, toTag: fold.string(fold.toTag(leg)) ?? "", answeredAt: leg.answeredAt,
                    endedAt: leg.endedAt, endedBy: leg.end.map { fold.facts[$0].position },
                    deadline: fold.deadline(of: leg), lastProofAt: leg.lastProofAt,
                    marks: String(decoding: timer.marks, as: UTF8.self)))
        }
        return CallStory(
            callID: fold.string(fold.callID) ?? "", fromTag: fold.string(fold.fromTag) ?? "",
            startedAt: fold.startedAt, isOpen: !fold.isSettled,
            events: fold.facts.map { .init(position: $0.position, time: $0.time, isRepeat: $0.isRepeat) },
            attempts: attempts.sorted { $0.cseq < $1.cseq }, legs: legs)
    }
}
