import EventLog
import Events
import Projections
import ReadModel

/// Writes what is known of one call for people, from what happened to where each value comes from.
final class StoryWriter {
    private let story: CallStory
    private let events: [EventLookup.Found]
    private let revisions: RevisionRows
    private let output: StandardOutput
    private let terminal: Terminal

    init(
        _ story: CallStory, _ events: [EventLookup.Found], _ revisions: RevisionRows,
        to output: StandardOutput
    ) {
        self.story = story
        self.events = events
        self.revisions = revisions
        self.output = output
        terminal = Terminal(isTerminal: output.isTerminal)
    }

    func write() throws {
        try output.writeLine(
            terminal.bold(
                "Call \(DisplayText.harmless(story.callID)), from tag \(DisplayText.harmless(story.fromTag))")
        )
        try output.writeLine("")
        for sentence in StorySummary(story: story).sentences { try wrapped(sentence) }
        try heading("What was stated, in the order of time, what it did, and what was due after it")
        for (event, found) in zip(story.events, events) { try write(event, found) }
        try writeAttempts()
        for leg in story.legs { try write(leg) }
        for record in story.records { try write(record) }
        try writeRevisions()
        try writeFindings()
        try writeGaps()
    }

    private func heading(_ text: String) throws {
        try output.writeLine("")
        let lines = DisplayText.wrapped(
            DisplayText.harmless(text), to: terminal.columns, lead: "", hanging: 2)
        for line in lines { try output.writeLine(terminal.bold(line)) }
    }

    private func wrapped(_ text: String, lead: String = "", hanging: Int = 0, isDim: Bool = false) throws {
        let lines = DisplayText.wrapped(
            DisplayText.harmless(text), to: terminal.columns, lead: lead, hanging: hanging)
        for line in lines { try output.writeLine(isDim ? terminal.dim(line) : line) }
    }

    /// A name, and beside it what it stands for.
    private func line(_ name: String, _ text: String, cells: Int = 12) throws {
        let lead = name + String(repeating: " ", count: max(cells - name.count, 1))
        try wrapped(text, lead: lead, hanging: cells)
    }

    private func write(_ event: CallStory.Event, _ found: EventLookup.Found) throws {
        let offset = event.time.microseconds(since: story.startedAt)
        let distance = (offset < 0 ? "−" : "+") + HumanDuration.text(microseconds: abs(offset))
        try output.writeLine(
            terminal.bold("\(event.position)")
                + "  \(CalendarTime.text(event.time.rawValue))  \(distance)  \(found.source.source)  "
                + DisplayText.harmless(found.type))
        try wrapped(found.says, lead: "    ", hanging: 6)
        let effects = event.effects.map { StoryWords.text($0, at: event.position) }
        try wrapped(effects.joined(separator: "; "), lead: "    → ", hanging: 6)
        let dues = event.deadlines.map { StoryWords.text($0, from: event.time) }
        for due in dues.isEmpty ? ["nothing is open"] : dues {
            try wrapped("due: " + due, lead: "    ", hanging: 6, isDim: true)
        }
    }

    private func writeAttempts() throws {
        guard !story.attempts.isEmpty else { return }
        try heading("Attempts")
        for attempt in story.attempts {
            let end = attempt.endPosition.map { ", position \($0)" } ?? ""
            try line(
                "CSeq \(attempt.cseq)",
                "from position \(attempt.position): \(StorySummary.word(attempt))\(end)")
        }
    }

    private func write(_ leg: CallStory.LegPart) throws {
        try heading("Leg \(leg.number), to tag \(leg.toTag)")
        func time(_ time: Timestamp) -> String { CalendarTime.text(time.rawValue) }
        let attempt = leg.attempt.map { ", attempt with CSeq \($0)" } ?? ""
        try line("answered", "\(time(leg.answeredAt)), position \(leg.answerPosition)\(attempt)")
        if let endedAt = leg.endedAt, let position = leg.endPosition {
            try line("ended", "\(time(endedAt)), position \(position): \(leg.termination ?? "")")
        } else {
            let isOver = story.asOf >= leg.deadline.at
            try line("open", "as of \(time(story.asOf))\(isOver ? ", and past its deadline" : "")")
        }
        let kind = leg.deadline.kind == .sessionExpiry ? "session expiry" : "lifetime"
        try line("deadline", "\(time(leg.deadline.at)), \(kind)")
        try line("last proof", "\(time(leg.lastProofAt)), position \(leg.lastProofPosition)")
        try line(
            "hung",
            leg.isHung
                ? "yes: \(HumanDuration.text(microseconds: leg.overrun)) beyond its session, unproven for "
                    + HumanDuration.text(microseconds: leg.unproven) : "no")
        for mark in leg.marks {
            let who = mark.refresher.map { "the \($0) is to refresh" } ?? "nobody is named to refresh"
            let verdict = mark.verdict.map { ": \($0)" } ?? ""
            let timer =
                mark.expiresAt.map { "\(mark.interval) s, \(who), expires at \(time($0))\(verdict)" }
                ?? "no session timer runs from here"
            try line("timer mark", "\(time(mark.time)), position \(mark.position): \(timer)")
        }
    }

    /// Every field with its value, and below it the rule and where it comes from.
    private func write(_ record: CallStory.Record) throws {
        var fields = AnswerFields(ReadModelSnapshot.callRecordColumns)
        fields.row = record.values
        try heading(
            (record.leg == 0 ? "Record of the call" : "Record of leg \(record.leg)")
                + ": each value, the rule that gives it, and the log positions that it comes from")
        for (column, origin) in zip(ReadModelSnapshot.callRecordColumns, record.origins) {
            try line(column.name, Self.value(column, fields), cells: 19)
            let positions = column.name == "positions" ? "" : Self.cited(origin.positions)
            try wrapped(
                origin.rule + positions, lead: String(repeating: " ", count: 19), hanging: 21, isDim: true)
        }
        let policy = record.policy
        let stated = record.policyPosition.map { "stated at position \($0)" } ?? "stated by no event"
        try wrapped(
            "Policy \(policy.citation), \(stated): hung_call \(policy.hungCall.rawValue), round "
                + "\(policy.rounding.rawValue) to \(policy.roundMilliseconds) ms, minimum "
                + "\(policy.minimumMilliseconds) ms", hanging: 4)
    }

    private static func value(_ column: AnswerColumn, _ fields: AnswerFields) -> String {
        guard fields[column.name] != .null else { return AnswerFields.none }
        return switch column.meaning {
        case .time: CalendarTime.text(fields.integer(column.name) ?? 0)
        case .duration, .milliseconds: "\(fields.duration(column.name)) (\(fields.text(column.name)))"
        case .structure: fields.text(column.name).replacing(",", with: ", ")
        default: fields.text(column.name)
        }
    }

    private static func cited(_ positions: [Position]) -> String {
        guard !positions.isEmpty else { return "" }
        let shown = positions.prefix(CommandLimits.positionsShownMax).map { "\($0)" }.joined(separator: ", ")
        let more = positions.count - CommandLimits.positionsShownMax
        return " [\(shown)\(more > 0 ? " and \(more) more" : "")]"
    }

    private func writeRevisions() throws {
        guard story.revisions.contains(where: { $0.kind != .first }) else { return }
        try heading("Revisions: how the records came to be what they are")
        let writer = try AnswerWriter(
            RevisionRows.columns, table: .revisions, format: .table, to: output)
        for row in try revisions.answers(story.revisions) { try writer.write(row) }
        try writer.finish(none: "revisions")
    }

    private func writeFindings() throws {
        guard !story.findings.isEmpty else { return }
        try heading("Findings of the audit, each with its evidence")
        let table = TableDesign(
            [
                .time("Time", "at"), .word("Severity", "severity"), .word("Code", "code"),
                .text("To tag", "to_tag", cellsMin: 8),
            ],
            below: { fields in
                let detail = Self.detail(fields.text("detail"))
                return ["positions \(fields.words("positions"))\(detail.isEmpty ? "" : ": \(detail)")"]
            })
        let writer = try AnswerWriter(FindingRow.columns, table: table, format: .table, to: output)
        for finding in story.findings { try writer.write(finding.answer) }
        try writer.finish(none: "findings")
    }

    /// The values that a finding compares: times and durations as people read them.
    private static func detail(_ json: String) -> String {
        JSONMembers.of(json).map { name, value in
            if value.hasPrefix("{") { return "\(name) (\(detail(value)))" }
            guard let number = Int64(value) else { return "\(name) \(value.filter { $0 != "\"" })" }
            if name.hasSuffix("_at") { return "\(name) \(CalendarTime.text(number))" }
            if name.hasSuffix("_us") { return "\(name) \(HumanDuration.text(microseconds: number))" }
            return "\(name) \(number)"
        }.joined(separator: ", ")
    }

    private func writeGaps() throws {
        guard !story.gaps.isEmpty else { return }
        try heading("Events that did not come, from sources of the call and in its time")
        for gap in story.gaps {
            let numbers = "\(gap.numbers.lowerBound) to \(gap.numbers.upperBound)"
            let from = gap.after.map { CalendarTime.text($0.rawValue) } ?? "the beginning"
            let to = gap.before.map { CalendarTime.text($0.rawValue) } ?? "no known time"
            try wrapped(
                "position \(gap.position): numbers \(numbers) of \(gap.source), epoch \(gap.epoch), between \(from) "
                    + "and \(to): "
                    + (gap.missing > 0
                        ? "\(gap.missing) still missing" : "all have come since, the gap is closed"),
                hanging: 4)
        }
    }
}
