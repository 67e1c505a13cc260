import Events
import Projections
import ReadModel

/// What events did and what is due, in words.
enum StoryWords {
    /// - Parameter own: the position of the event that did it.
    static func text(_ effect: CallStory.Effect, at own: Position) -> String {
        func place(_ position: Position) -> String { position == own ? "here" : "by position \(position)" }
        switch effect {
        case .repeats(let position):
            return "states again what position \(position) states, and changes no value"
        case .opensAttempt(let cseq): return "opens the attempt with CSeq \(cseq)"
        case .takesBackCallEnd(let position):
            return "takes back that the call had ended by position \(position)"
        case .rings: return "the call rings from here"
        case .makesLeg(let leg): return "makes leg \(leg)"
        case .setsTimer(let leg, let interval, let refresher, let expiresAt):
            guard let expiresAt else { return "no session timer runs on leg \(leg) from here" }
            let who = refresher.map { "the \($0) is to refresh" } ?? "nobody is named to refresh"
            return "sets the session timer of leg \(leg) to \(interval) s, \(who), and it expires at "
                + CalendarTime.text(expiresAt.rawValue)
        case .provesLife(let leg): return "proves that leg \(leg) lives"
        case .failsAttempt(let cseq): return "ends the attempt with CSeq \(cseq)"
        case .endsCall(let position): return "the call ends \(place(position))"
        case .endsLeg(let leg, let position): return "leg \(leg) ends \(place(position))"
        case .takesBackEnd(let leg, let position):
            return "takes back that leg \(leg) had ended by position \(position)"
        case .changesNothing: return "changes nothing"
        }
    }

    /// The word for an effect in the answer for machines.
    static func word(_ effect: CallStory.Effect) -> String {
        switch effect {
        case .repeats: "repeats"
        case .opensAttempt: "opens_attempt"
        case .takesBackCallEnd: "takes_back_call_end"
        case .rings: "rings"
        case .makesLeg: "makes_leg"
        case .setsTimer: "sets_timer"
        case .provesLife: "proves_life"
        case .failsAttempt: "fails_attempt"
        case .endsCall: "ends_call"
        case .endsLeg: "ends_leg"
        case .takesBackEnd: "takes_back_end"
        case .changesNothing: "changes_nothing"
        }
    }

    /// What an event did, as a JSON object.
    static func json(_ effect: CallStory.Effect) -> String {
        var members = [#""what":"\#(word(effect))""#]
        func add(_ name: String, _ value: String) { members.append(#""\#(name)":\#(value)"#) }
        func add(leg: Int) { add("leg", "\(leg)") }
        switch effect {
        case .repeats(let position), .takesBackCallEnd(let position), .endsCall(let position):
            add("position", "\(position)")
        case .opensAttempt(let cseq), .failsAttempt(let cseq): add("cseq", "\(cseq)")
        case .makesLeg(let leg), .provesLife(let leg): add(leg: leg)
        case .endsLeg(let leg, let position), .takesBackEnd(let leg, let position):
            add(leg: leg)
            add("position", "\(position)")
        case .setsTimer(let leg, let interval, let refresher, let expiresAt):
            add(leg: leg)
            add("interval", "\(interval)")
            add("refresher", refresher.map { "\"\($0)\"" } ?? "null")
            add("expires_at", expiresAt.map { "\($0.rawValue)" } ?? "null")
        case .rings, .changesNothing: break
        }
        return "{\(members.joined(separator: ","))}"
    }

    static func json(_ deadline: CallStory.Deadline) -> String {
        let leg = deadline.leg.map { "\($0)" } ?? "null"
        return #"{"kind":"\#(deadline.kind.rawValue)","leg":\#(leg),"at":\#(deadline.at.rawValue)}"#
    }

    /// “leg 1 is overdue from … (in 30m 00s): its session timer expires”
    ///
    /// - Parameter moment: from which the distance is told.
    static func text(_ deadline: CallStory.Deadline, from moment: Timestamp) -> String {
        let subject = deadline.leg.map { "leg \($0)" } ?? "the call"
        let reason =
            switch deadline.kind {
            case .unanswered: "nobody has answered"
            case .sessionExpiry: "its session timer expires"
            case .lifetime: "no session timer runs, and its lifetime ends"
            }
        let span = deadline.at.microseconds(since: moment)
        let distance =
            span >= 0
            ? "\(HumanDuration.text(microseconds: span)) later"
            : "\(HumanDuration.text(microseconds: -span)) before"
        return "\(subject) is overdue from \(CalendarTime.text(deadline.at.rawValue)), \(distance): \(reason)"
    }
}
