import EventLog
import Events
import Projections
import ReadModel

/// A call for machines: one JSON object a line, each with a `kind`, as `schemas/explain.md` says.
struct StoryLines {
    let story: CallStory
    let events: [EventLookup.Found]
    let revisions: RevisionRows
    let output: StandardOutput

    /// The members of each kind of line behind `kind`, `callid` and `from_tag`, in their order.
    static let members: KeyValuePairs<String, [String]> = [
        "call": [
            "started_at", "open", "as_of", "from_uri", "to_uri", "user_agent", "ringing_at", "deadlines",
            "summary",
        ],
        "event": [
            "position", "received_at", "source", "epoch", "seq", "time", "offset_us", "type", "says", "did",
            "deadlines", "event",
        ],
        "attempt": [
            "cseq", "started_at", "position", "verdict", "sip_code", "end_position", "final",
        ],
        "leg": [
            "leg", "to_tag", "cseq", "answered_at", "answer_position", "ended_at", "end_position",
            "termination",
            "deadline", "last_proof_at", "last_proof_position", "refreshes", "hung", "overrun_us",
            "unproven_us",
        ],
        "mark": ["leg", "to_tag", "position", "time", "interval", "refresher", "expires_at", "verdict"],
        "field": ["leg", "to_tag", "field", "value", "rule", "positions"],
        "policy": ["leg", "to_tag", "policy", "position", "hung_call", "round_ms", "round", "minimum_ms"],
        "revision": Array(RevisionRows.columns.map(\.name).filter { $0 != "callid" && $0 != "from_tag" }),
        "finding": Array(FindingRow.columns.map(\.name).filter { $0 != "callid" && $0 != "from_tag" }),
        "gap": [
            "position", "gap_source", "gap_epoch", "from_seq", "to_seq", "after", "before", "time", "missing",
        ],
    ]

    func write() throws {
        try writeCall()
        for (event, found) in zip(story.events, events) { try write(event, found) }
        for attempt in story.attempts {
            try line(
                "attempt",
                [
                    .integer(attempt.cseq), .integer(attempt.startedAt.rawValue), position(attempt.position),
                    .text(attempt.verdict.rawValue), attempt.sipCode.map { .integer($0) } ?? .null,
                    position(attempt.endPosition), .flag(attempt.isFinal),
                ])
        }
        for leg in story.legs { try write(leg) }
        for record in story.records { try write(record) }
        for row in try revisions.answers(story.revisions) {
            try line("revision", without(RevisionRows.columns, row))
        }
        for finding in story.findings { try line("finding", without(FindingRow.columns, finding.answer)) }
        for gap in story.gaps {
            try line(
                "gap",
                [
                    position(gap.position), .text(gap.source), .integer(gap.epoch),
                    .integer(gap.numbers.lowerBound), .integer(gap.numbers.upperBound), time(gap.after),
                    time(gap.before), time(gap.time), .integer(gap.missing),
                ])
        }
    }

    private func writeCall() throws {
        try line(
            "call",
            [
                time(story.startedAt), .flag(story.isOpen), time(story.asOf), text(story.fromURI),
                text(story.toURI), text(story.userAgent), time(story.ringingAt), deadlines(story.deadlines),
                .text(StorySummary(story: story).sentences.joined(separator: " ")),
            ])
    }

    private func write(_ event: CallStory.Event, _ found: EventLookup.Found) throws {
        try line(
            "event",
            [
                position(event.position), time(found.receivedAt), .text(found.source.source.description),
                .integer(found.source.epoch.rawValue), .integer(found.sequence.rawValue), time(event.time),
                .integer(event.time.microseconds(since: story.startedAt)), .text(found.type),
                .text(found.says), .json("[\(event.effects.map(StoryWords.json).joined(separator: ","))]"),
                deadlines(event.deadlines), .json(found.json),
            ])
    }

    private func write(_ leg: CallStory.LegPart) throws {
        let key: AnswerRow = [.integer(Int64(leg.number)), .text(leg.toTag)]
        try line(
            "leg",
            key + [
                leg.attempt.map { .integer($0) } ?? .null, time(leg.answeredAt), position(leg.answerPosition),
                time(leg.endedAt), position(leg.endPosition), text(leg.termination),
                .json(StoryWords.json(leg.deadline)), time(leg.lastProofAt), position(leg.lastProofPosition),
                .integer(Int64(leg.refreshes)), .flag(leg.isHung), .integer(leg.overrun),
                .integer(leg.unproven),
            ])
        for mark in leg.marks {
            try line(
                "mark",
                key + [
                    position(mark.position), time(mark.time), .integer(mark.interval), text(mark.refresher),
                    time(mark.expiresAt), text(mark.verdict),
                ])
        }
    }

    private func write(_ record: CallStory.Record) throws {
        let key: AnswerRow = [.integer(Int64(record.leg)), .text(record.toTag)]
        for (origin, value) in zip(record.origins, record.values) {
            let positions = origin.positions.map { "\($0)" }.joined(separator: ",")
            try line(
                "field", key + [.text(origin.field), value, .text(origin.rule), .json("[\(positions)]")])
        }
        let policy = record.policy
        try line(
            "policy",
            key + [
                .text(policy.citation), position(record.policyPosition), .text(policy.hungCall.rawValue),
                .integer(policy.roundMilliseconds), .text(policy.rounding.rawValue),
                .integer(policy.minimumMilliseconds),
            ])
    }

    private func line(_ kind: String, _ values: AnswerRow) throws {
        guard let names = Self.members.first(where: { $0.key == kind })?.value else {
            preconditionFailure("there is no kind \(kind)")
        }
        precondition(names.count == values.count, "\(kind): as many values as there are members")
        let head: AnswerRow = [.text(kind), .text(story.callID), .text(story.fromTag)]
        try output.write { bytes in
            for (index, (name, value)) in zip(["kind", "callid", "from_tag"] + names, head + values)
                .enumerated()
            {
                bytes.append(UInt8(ascii: index == 0 ? "{" : ","))
                JSONText.appendQuoted(name.utf8, to: &bytes)
                bytes.append(UInt8(ascii: ":"))
                AnswerWriter.appendJSON(value, to: &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
            bytes.append(0x0A)
        }
    }

    private func without(_ columns: [AnswerColumn], _ row: AnswerRow) -> AnswerRow {
        zip(columns, row).filter { $0.0.name != "callid" && $0.0.name != "from_tag" }.map(\.1)
    }

    private func deadlines(_ deadlines: [CallStory.Deadline]) -> AnswerValue {
        .json("[\(deadlines.map { StoryWords.json($0) }.joined(separator: ","))]")
    }

    private func time(_ time: Timestamp?) -> AnswerValue { time.map { .integer($0.rawValue) } ?? .null }
    private func text(_ text: String?) -> AnswerValue { text.map { .text($0) } ?? .null }

    private func position(_ position: Position?) -> AnswerValue {
        position.map { .integer(Int64($0.rawValue)) } ?? .null
    }
}
