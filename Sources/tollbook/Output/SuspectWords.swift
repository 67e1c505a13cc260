import Events
import ReadModel

/// Why a leg is said to have hung, in a sentence.
enum SuspectWords {
    static func because(_ leg: SuspectLeg) -> String {
        func time(_ time: Timestamp) -> String { CalendarTime.text(time.rawValue) }
        let end = leg.endedAt.map { time($0) } ?? ""
        let timer = "session timer of \(leg.sessionInterval) s"
        switch leg.rule {
        case .sessionExpired:
            return "its \(timer) expired at \(time(leg.deadline)) and no BYE came"
        case .lifetimeOver:
            return "no session timer runs, its lifetime was over at \(time(leg.deadline)) and no BYE came"
        case .sessionTimeout:
            guard let expiresAt = leg.expiresAt else {
                return
                    "the proxy gave it up at \(end) for its session interval, of which the ledger knows nothing"
            }
            return
                "its \(timer) expired at \(time(expiresAt)), no BYE came, and the proxy gave it up at \(end)"
        case .lifetimeTimeout:
            return "no BYE came, and the proxy gave it up at \(end) because its dialog lifetime was over"
        case .pingTimeout:
            return "the proxy gave it up at \(end) because its pings in the dialog went unanswered"
        case .unterminated:
            return
                "nobody stated an end, and the ledger presumed one at \(end), its deadline and grace having passed"
        }
    }
}

extension TableDesign {
    /// One line a leg, and below it what does not fit a column.
    static let suspects = TableDesign(
        [
            .duration("Unproven", "unproven_us"),
            .duration("Overrun", "overrun_us").droppable(2),
            .made("State") { $0["ended_at"] == .null ? "open" : "ended" },
            .party("From", "from_uri"),
            .party("To", "to_uri"),
            .moment("Last proof", "last_proof_at").droppable(1),
            .moment("Deadline", "deadline").droppable(3),
            .text("Call-ID", "callid", cellsMin: 12, wanted: 24),
        ],
        below: { fields in
            let proof =
                "\(fields.text("last_proof_type")) at \(fields.time("last_proof_at")), position "
                + fields.text("last_proof_position")
            return [
                "hung: \(fields.text("because"))",
                "from tag \(fields.text("from_tag")), to tag \(fields.text("to_tag")); last proof: \(proof)",
                "would bill: \(bills(fields)); policy \(fields.text("policy"))",
            ]
        })

    private static func bills(_ fields: AnswerFields) -> String {
        guard case .json(let text) = fields["bills"] else { return AnswerFields.none }
        return JSONMembers.of(text).map { option, bill in
            let milliseconds = JSONMembers.of(bill).first { $0.name == "billable_ms" }?.value
            let time = milliseconds.flatMap { Int64($0) }.map {
                HumanDuration.text(microseconds: $0.multipliedReportingOverflow(by: 1_000).partialValue)
            }
            let isInForce = fields["hung_call"] == .text(option)
            return "\(option) \(time ?? "nothing yet")\(isInForce ? " (in force)" : "")"
        }.joined(separator: ", ")
    }
}
