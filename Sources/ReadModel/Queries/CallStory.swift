package import Events
package import Projections

/// Everything that there is to say of one call: one `(callid, from_tag)`.
package struct CallStory: Sendable {
    /// An event of the call, and what it did, judged by those before it in canonical order.
    package struct Event: Sendable {
        package let position: Position
        package let time: Timestamp
        /// Never empty.
        package let effects: [Effect]
        /// Of all that is open after the event, the earliest first.
        package let deadlines: [Deadline]
    }

    /// What an event did; legs by their numbers, other events by their positions. See `CallTimeline.Effect`.
    package enum Effect: Hashable, Sendable {
        case repeats(Position)
        case opensAttempt(cseq: Int64)
        case takesBackCallEnd(Position)
        case rings
        case makesLeg(Int)
        /// Seconds, 0 for none; who is to refresh; when it expires.
        case setsTimer(leg: Int, interval: Int64, refresher: String?, expiresAt: Timestamp?)
        case provesLife(leg: Int)
        case failsAttempt(cseq: Int64)
        case endsCall(by: Position)
        case endsLeg(Int, by: Position)
        case takesBackEnd(leg: Int, Position)
        case changesNothing
    }

    /// When something that is open would be judged to be overdue.
    package struct Deadline: Hashable, Sendable {
        package let kind: CallTimeline.Deadline.Kind
        /// Null for an unanswered call.
        package let leg: Int?
        package let at: Timestamp
    }

    /// An INVITE transaction.
    package struct Attempt: Sendable {
        package enum Verdict: String, Sendable, CaseIterable {
            case answered, failed, superseded, open
            /// The call has ended, and no final response was seen.
            case noResponse = "no_response"
        }

        package let cseq: Int64
        /// Its earliest event.
        package let startedAt: Timestamp
        package let position: Position
        package let verdict: Verdict
        /// The first final code that it came to, and where the log has it; null where it came to none.
        package let sipCode: Int64?
        package let endPosition: Position?
        package let isFinal: Bool
    }

    /// A point at which the session timer was set or taken off.
    package struct TimerMark: Sendable {
        package let position: Position
        package let time: Timestamp
        /// Seconds; 0 where no timer runs from here.
        package let interval: Int64
        package let refresher: String?
        /// Null where no timer runs from here.
        package let expiresAt: Timestamp?
        package let verdict: String?
    }

    package struct LegPart: Sendable {
        package let number: Int
        package let toTag: String
        /// The CSeq of its INVITE; null where none is known.
        package let attempt: Int64?
        package let answeredAt: Timestamp
        /// Whether its answer was stated; without that it begins with the first event that makes it.
        package let isAnswerSeen: Bool
        package let answerPosition: Position
        package let endedAt: Timestamp?
        package let endPosition: Position?
        package let termination: String?
        package let deadline: Deadline
        package let lastProofAt: Timestamp
        package let lastProofPosition: Position
        package let refreshes: Int
        package let isHung: Bool
        /// Microseconds.
        package let overrun: Int64
        package let unproven: Int64
        package let marks: [TimerMark]
    }

    /// A record as it stands, and where each field of it comes from.
    package struct Record: Sendable {
        package let leg: Int
        package let toTag: String
        /// As many as `CallRecord.columns`.
        package let values: AnswerRow
        package let origins: [FieldOrigin]
        package let policy: BillingPolicy
        package let policyPosition: Position?
    }

    /// Numbers of a source of the call that did not come, in a time that meets that of the call.
    package struct GapPart: Sendable {
        package let position: Position
        package let source: String
        package let epoch: Int64
        package let numbers: ClosedRange<Int64>
        package let after: Timestamp?
        package let before: Timestamp?
        package let time: Timestamp
        /// How many are still missing; 0 for a gap that has closed.
        package let missing: Int64
    }

    package let callID: String
    package let fromTag: String
    package let startedAt: Timestamp
    /// By which open legs are judged.
    package let asOf: Timestamp
    /// Whether anything of it is open.
    package let isOpen: Bool
    package let fromURI: String?
    package let toURI: String?
    package let userAgent: String?
    package let ringingAt: Timestamp?
    package let hasTrying: Bool
    /// In canonical order.
    package let events: [Event]
    package let attempts: [Attempt]
    package let legs: [LegPart]
    package let records: [Record]
    package let revisions: [RecordRevision]
    package let findings: [FindingRow]
    package let gaps: [GapPart]
    /// Of what is open now, the earliest first.
    package let deadlines: [Deadline]
}
