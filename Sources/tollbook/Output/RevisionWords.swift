import EventLog
import Events
import ReadModel

/// Revisions of records as answers: what the read model knows of each, and what the log has of the event that
/// made it.
final class RevisionRows {
    private let events: EventLookup

    init(_ log: LogDirectory) {
        events = EventLookup(log)
    }

    static let columns: [AnswerColumn] =
        RecordRevision.columns + [
            AnswerColumn("made_by_type", .text), AnswerColumn("made_by_time", .time),
            AnswerColumn("made_by_source", .text), AnswerColumn("made_by_says", .text),
        ]

    /// One row for each, in their order.
    func answers(_ revisions: [RecordRevision]) throws -> [AnswerRow] {
        var found: [Position: EventLookup.Found] = [:]
        // In the order of the log, where neighbours cost little.
        for position in Set(revisions.compactMap(\.madeBy)).sorted() {
            found[position] = try events.event(at: position)
        }
        return revisions.map { revision in
            guard let event = revision.madeBy.flatMap({ found[$0] }) else {
                return revision.answer + [.null, .null, .null, .null]
            }
            return revision.answer + [
                .text(event.type), .integer(event.time.rawValue), .text(event.source.source.description),
                .text(event.says),
            ]
        }
    }
}

extension TableDesign {
    /// One line a revision, and below it what made it and what it changed.
    static let revisions = TableDesign(
        [
            .text("Call-ID", "callid", cellsMin: 10, wanted: 24),
            .text("From tag", "from_tag", cellsMin: 8, wanted: 12).droppable(1),
            .text("To tag", "to_tag", cellsMin: 8, wanted: 12),
            .number("Revision", "revision"),
            .word("Kind", "revision_kind"),
            .made("State") { fields in
                if fields["superseded_by"] == .null {
                    return fields["record"] == .null ? "withdrawn" : "stands"
                }
                return "superseded by \(fields.text("superseded_by"))"
            },
        ], below: { RevisionWords.below($0) })
}

enum RevisionWords {
    private static let meanings = Dictionary(
        uniqueKeysWithValues: ReadModelSnapshot.callRecordColumns.map { ($0.name, $0.meaning) })

    /// “by the event at position 1234, BYE by the callee …: ended_at A → B, duration_us 3.0 s → 5.0 s”
    static func below(_ fields: AnswerFields) -> [String] {
        if fields["revision_kind"] == .text(RecordRevision.Kind.first.rawValue) { return [] }
        guard fields["made_by"] != .null else { return ["by an event that can't be told any more"] }
        let event =
            "by the \(fields.text("made_by_type")) at position \(fields.text("made_by")) of "
            + "\(fields.text("made_by_source")), \(fields.time("made_by_time")): \(fields.text("made_by_says"))"
        if fields["record"] == .null { return [event, "withdrawn: the events make no such record any more"] }
        guard case .json(let list) = fields["changes"] else { return [event] }
        let changes = Self.changes(list)
        let isBack = fields["revision_kind"] == .text(RecordRevision.Kind.restored.rawValue)
        let intro = isBack ? "there again" : "changed"
        return [event, changes.isEmpty ? intro : "\(intro): " + changes.joined(separator: ", ")]
    }

    private static func changes(_ list: String) -> [String] {
        JSONMembers.items(list).map { change in
            var values: [String: String] = [:]
            for (name, value) in JSONMembers.of(change) { values[name] = value }
            let field = String((values["field"] ?? "").filter { $0 != "\"" })
            return "\(field) \(shown(values["old"], field)) → \(shown(values["new"], field))"
        }
    }

    /// A value of a field, given as JSON, as people read it.
    private static func shown(_ json: String?, _ field: String) -> String {
        guard let json, json != "null" else { return AnswerFields.none }
        if json.hasPrefix("\"") { return DisplayText.harmless(String(json.dropFirst().dropLast())) }
        guard let number = Int64(json) else { return DisplayText.harmless(json) }
        switch meanings[field] {
        case .time: return CalendarTime.text(number)
        case .duration: return HumanDuration.text(microseconds: number)
        case .milliseconds:
            return HumanDuration.text(microseconds: number.multipliedReportingOverflow(by: 1000).partialValue)
        default: return json
        }
    }
}
