import Events
import ReadModel

/// What happened with a call, what it is billed, and why, in a few sentences for somebody who has never seen
/// this program.
struct StorySummary {
    let story: CallStory

    var sentences: [String] {
        [beginning] + attempts + story.legs.map { sentence($0) } + withoutLegs
            + story.records.map { bill($0) }
            + openness + doubts
    }

    private func time(_ time: Timestamp) -> String { CalendarTime.text(time.rawValue) }

    private func span(from first: Timestamp, to last: Timestamp) -> String {
        HumanDuration.text(microseconds: max(last.microseconds(since: first), 0))
    }

    private var beginning: String {
        let caller = story.fromURI ?? "Somebody"
        let callee = story.toURI ?? "somebody"
        let agent = story.userAgent.map { $0.isEmpty ? "" : " with the user agent \($0)" } ?? ""
        guard story.hasTrying else {
            return
                "The beginning of this call was not seen: the first event of it is of \(time(story.startedAt))."
        }
        let rang = story.ringingAt.map { ", and it rang \(span(from: story.startedAt, to: $0)) later" } ?? ""
        return "\(caller) called \(callee)\(agent) at \(time(story.startedAt))\(rang)."
    }

    private var attempts: [String] {
        guard story.attempts.count > 1 else { return [] }
        let fates = story.attempts.map { attempt in
            "CSeq \(attempt.cseq) \(Self.word(attempt))"
        }
        return ["It took \(story.attempts.count) attempts: \(fates.joined(separator: ", "))."]
    }

    static func word(_ attempt: CallStory.Attempt) -> String {
        let response = attempt.sipCode.map { "came to \($0)" } ?? "came to no final response"
        return switch attempt.verdict {
        case .answered: "was answered with \(attempt.sipCode ?? 200)"
        case .failed: "\(response) and was the last"
        case .superseded: "\(response) and was superseded by a later one"
        case .open: "is open"
        case .noResponse: response
        }
    }

    private func sentence(_ leg: CallStory.LegPart) -> String {
        let name = story.legs.count > 1 ? "Leg \(leg.number) (To tag \(leg.toTag))" : "It"
        let answered =
            leg.isAnswerSeen
            ? "\(name) was answered \(span(from: story.startedAt, to: leg.answeredAt)) after the start"
            : "\(name) was answered, which was not seen, and is first heard of at \(time(leg.answeredAt))"
        guard let endedAt = leg.endedAt, let position = leg.endPosition else {
            return "\(answered), and is open."
        }
        let lasted = "lasted \(span(from: leg.answeredAt, to: endedAt))"
        let end = Self.end(leg.termination ?? "")
        let unproven = HumanDuration.text(microseconds: leg.unproven)
        let hung = leg.isHung ? " It hung: for \(unproven) before that nobody is known to have lived." : ""
        return "\(answered), \(lasted), and ended at \(time(endedAt)) \(end) (position \(position)).\(hung)"
    }

    /// How a leg ended.
    static func end(_ termination: String) -> String {
        switch termination {
        case "caller_bye": "with a BYE by the caller"
        case "callee_bye": "with a BYE by the callee"
        case "proxy_bye": "with a BYE by the proxy"
        case "admin_bye": "by hand"
        case "session_timeout": "because its session interval ran out at the proxy"
        case "lifetime_timeout": "because its lifetime ran out at the proxy"
        case "no_ack": "because no ACK came after the answer"
        case "ping_timeout": "because pings in the dialog went unanswered"
        case "media_timeout": "because there was no media any more"
        default: "by presumption: nobody stated an end, and the ledger's deadline and grace period passed"
        }
    }

    private var withoutLegs: [String] {
        guard story.legs.isEmpty, let record = story.records.first else { return [] }
        var fields = AnswerFields(ReadModelSnapshot.callRecordColumns)
        fields.row = record.values
        let code = fields["sip_code"] == .null ? "" : " (\(fields.text("sip_code")))"
        let outcome = fields.text("disposition").replacing("_", with: " ")
        return [
            "It was not answered: \(outcome)\(code) after \(fields.duration("setup_us")), said by the "
                + "\(fields.text("ended_by"))."
        ]
    }

    private func bill(_ record: CallStory.Record) -> String {
        var fields = AnswerFields(ReadModelSnapshot.callRecordColumns)
        fields.row = record.values
        let name = story.records.count > 1 ? "Leg \(record.leg) is billed" : "It is billed"
        let amount = "\(fields.duration("billable_ms")) (\(fields.text("billable_ms")) ms)"
        let policy = "policy \(fields.text("policy"))"
        switch fields.text("billing_basis") {
        case "none": return "It is billed nothing, since it was not answered."
        case "bye": return "\(name) \(amount): a BYE proves its end; \(policy)."
        case "media": return "\(name) \(amount): the media relay proves its end; \(policy)."
        case "held":
            return
                "Nothing is billed yet: nobody saw the end, and \(policy) holds such a call until somebody decides."
        case "session_expiry":
            return "\(name) \(amount): nobody saw its end, and \(policy) then bills up to the session expiry."
        case "timeout":
            return
                "\(name) \(amount): nobody saw its end, and \(policy) then bills up to the moment at which it was "
                + "given up."
        default:
            return
                "\(name) \(amount): nobody saw its end, and \(policy) then bills up to the last proof of life, at "
                + "\(fields.time("last_proof_at"))."
        }
    }

    private var openness: [String] {
        guard story.isOpen else { return [] }
        let deadlines = story.deadlines.map { deadline in
            let what = deadline.leg.map { "Leg \($0)" } ?? "The call"
            let isOver = deadline.at <= story.asOf
            let distance = HumanDuration.text(
                microseconds: abs(deadline.at.microseconds(since: story.asOf)))
            let hung = isOver && deadline.leg != nil ? ": it hung" : ""
            return
                "\(what) has been open until \(time(story.asOf)), and its deadline of \(time(deadline.at)) "
                + (isOver ? "passed \(distance) before that\(hung)." : "is \(distance) away.")
        }
        return deadlines + (story.records.isEmpty ? ["Nothing is billed while it is open."] : [])
    }

    private func times(_ count: Int) -> String { count == 1 ? "once" : "\(count) times" }

    private var doubts: [String] {
        var sentences: [String] = []
        let withdrawn = story.revisions.filter { $0.kind == .withdrawal }.count
        let corrected = story.revisions.filter { $0.kind == .correction || $0.kind == .restored }.count
        if corrected > 0 { sentences.append("What came later corrected its records \(times(corrected)).") }
        if withdrawn > 0 {
            sentences.append(
                "A record of it was withdrawn \(times(withdrawn)): it had seemed to end otherwise.")
        }
        let missing = story.gaps.reduce(0) { $0 + $1.missing }
        if missing > 0 {
            sentences.append(
                "Events of its sources from that time are missing, \(missing) in number: this may not be all."
            )
        }
        let errors = story.findings.filter { $0.severity == "error" }.count
        if !story.findings.isEmpty {
            let count = story.findings.count
            sentences.append(
                "The audit has \(count) finding\(count == 1 ? "" : "s") on it, \(errors) of which "
                    + "\(errors == 1 ? "is an error" : "are errors").")
        }
        return sentences
    }
}
