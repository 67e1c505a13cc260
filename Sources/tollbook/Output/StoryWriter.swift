import EventLog
import Events
import ReadModel

/// Writes what is known of one call.
final class StoryWriter {
    private let story: CallStory
    private let output: StandardOutput
    private let terminal: Terminal
    private let asOf: Timestamp
    private let records: [AnswerRow]
    private let findings: [FindingRow]
    private var events: [StatedEvent] = []

    private struct StatedEvent {
        let position: Position
        let source: SourceEpoch
        let sequence: SequenceNumber
        let receivedAt: Timestamp
        let isRepeat: Bool
        let time: Timestamp
        let type: String
        /// What the event says besides, as `name=value`.
        let saying: String
        let json: String
    }

    init(_ story: CallStory, log: LogDirectory, _ snapshot: ReadModelSnapshot, to output: StandardOutput)
        throws
    {
        self.story = story
        self.output = output
        terminal = Terminal(isTerminal: output.isTerminal)
        asOf = snapshot.asOf
        var filter = CallRecordFilter()
        filter.callID = story.callID
        var records: [AnswerRow] = []
        try snapshot.callRecords(filter) { row in
            if row[1] == .text(story.fromTag) { records.append(row) }
        }
        self.records = records
        var findingFilter = FindingFilter()
        findingFilter.callID = story.callID
        var findings: [FindingRow] = []
        try snapshot.findings(findingFilter) { if $0.fromTag == story.fromTag { findings.append($0) } }
        self.findings = findings
        events = try Self.fetch(story, log)
    }

    private static func fetch(_ story: CallStory, _ log: LogDirectory) throws -> [StatedEvent] {
        var fetcher = log.fetcher()
        var decoder = EventDecoder()
        var view = EventView()
        var found: [Position: StatedEvent] = [:]
        // In the order of the log, where neighbours cost little; told in the order of time.
        for event in story.events.sorted(by: { $0.position < $1.position }) {
            let stated = try fetcher.event(at: event.position)
            decoder.begin(stated.bytes)
            _ = decoder.next(into: &view, from: stated.source.source.isLedger ? .ledger : .proxy)
            // Safety: the text is copied at once.
            let json = unsafe String(
                decoding: stated.bytes.pointer(at: 0, to: stated.bytes.count), as: UTF8.self)
            found[event.position] = StatedEvent(
                position: event.position, source: stated.source, sequence: stated.sequence,
                receivedAt: stated.receivedAt, isRepeat: event.isRepeat, time: event.time,
                type: view.type.name,
                saying: EventSaying.text(view, in: stated.bytes), json: json)
        }
        return story.events.compactMap { found[$0.position] }
    }

    // MARK: For people

    func writeText() throws {
        try output.writeLine(terminal.bold("Call \(DisplayText.harmless(story.callID))"))
        try output.writeLine(
            "from tag \(DisplayText.harmless(story.fromTag)), \(story.isOpen ? "open" : "ended"), started "
                + CalendarTime.text(story.startedAt.rawValue))
        try heading("What was stated")
        try writeEvents()
        if story.attempts.count > 1 || story.legs.isEmpty {
            try heading("Attempts")
            for attempt in story.attempts {
                let result = attempt.sipCode.map { "came to \($0)" } ?? "came to no final response"
                let fate = attempt.isFinal ? "" : ", and was superseded"
                try output.writeLine("CSeq \(attempt.cseq) \(result)\(fate)")
            }
        }
        for leg in story.legs { try write(leg) }
        for record in records { try write(record) }
        if !findings.isEmpty {
            try heading("Findings")
            let writer = try AnswerWriter(FindingRow.columns, table: .findings, format: .table, to: output)
            for finding in findings { try writer.write(finding.answer) }
            try writer.finish(none: "findings")
        }
    }

    private func heading(_ text: String) throws {
        try output.writeLine("")
        try output.writeLine(terminal.bold(text))
    }

    private static let eventColumns: [AnswerColumn] = [
        AnswerColumn("position", .number), AnswerColumn("time", .time), AnswerColumn("after", .duration),
        AnswerColumn("source", .text), AnswerColumn("type", .text), AnswerColumn("saying", .text),
        AnswerColumn("repeat", .flag),
    ]

    private func writeEvents() throws {
        let table = TableDesign([
            .number("Position", "position"),
            .made("Time") { CalendarTime.text($0.integer("time") ?? 0) },
            .duration("After", "after"),
            .text("Source", "source"),
            .made("Event") { $0.text("type") + ($0.isSet("repeat") ? " (again)" : "") },
            .text("Saying", "saying", cellsMin: 30),
        ])
        let writer = try AnswerWriter(Self.eventColumns, table: table, format: .table, to: output)
        for event in events {
            try writer.write([
                .integer(Int64(event.position.rawValue)), .integer(event.time.rawValue),
                .integer(event.time.microseconds(since: story.startedAt)),
                .text(event.source.source.description),
                .text(event.type), .text(event.saying), .flag(event.isRepeat),
            ])
        }
        try writer.finish(none: "events")
    }

    private func write(_ leg: CallStory.LegPart) throws {
        try heading("Leg \(leg.number), to tag \(DisplayText.harmless(leg.toTag))")
        try output.writeLine("answered    \(CalendarTime.text(leg.answeredAt.rawValue))")
        if let endedAt = leg.endedAt, let endedBy = leg.endedBy {
            try output.writeLine(
                "ended       \(CalendarTime.text(endedAt.rawValue)), by the event at position \(endedBy)")
        } else {
            let isOver = asOf >= leg.deadline
            try output.writeLine(
                "open        deadline \(CalendarTime.text(leg.deadline.rawValue))\(isOver ? ", which has passed" : "")"
            )
        }
        try output.writeLine("last proof  \(CalendarTime.text(leg.lastProofAt.rawValue))")
        try output.writeLine("timer       \(MarkLine.text(leg.marks))")
    }

    private func write(_ record: AnswerRow) throws {
        var fields = AnswerFields(ReadModelSnapshot.callRecordColumns)
        fields.row = record
        let leg = fields.integer("leg") ?? 0
        try heading(leg == 0 ? "Record of the call" : "Record of leg \(leg)")
        for column in ReadModelSnapshot.callRecordColumns where fields[column.name] != .null {
            let value: String =
                switch column.meaning {
                case .time: CalendarTime.text(fields.integer(column.name) ?? 0)
                case .duration, .milliseconds: "\(fields.duration(column.name)) (\(fields.text(column.name)))"
                default: fields.text(column.name)
                }
            try output.writeLine(column.name + String(repeating: " ", count: 19 - column.name.count) + value)
        }
    }

    // MARK: For machines

    func writeJSON() throws {
        try output.write { bytes in
            func member(_ name: String, _ value: AnswerValue, isFirst: Bool = false) {
                bytes.append(UInt8(ascii: isFirst ? "{" : ","))
                JSONText.appendQuoted(name.utf8, to: &bytes)
                bytes.append(UInt8(ascii: ":"))
                AnswerWriter.appendJSON(value, to: &bytes)
            }
            func list<Item>(_ name: String, _ items: [Item], _ body: (Item) -> Void) {
                bytes.append(contentsOf: ",\"\(name)\":[".utf8)
                for (place, item) in items.enumerated() {
                    if place > 0 { bytes.append(UInt8(ascii: ",")) }
                    body(item)
                    bytes.append(UInt8(ascii: "}"))
                }
                bytes.append(UInt8(ascii: "]"))
            }
            func time(_ time: Timestamp?) -> AnswerValue { time.map { .integer($0.rawValue) } ?? .null }
            member("callid", .text(story.callID), isFirst: true)
            member("from_tag", .text(story.fromTag))
            member("open", .flag(story.isOpen))
            list("events", events) { event in
                member("position", .integer(Int64(event.position.rawValue)), isFirst: true)
                member("received_at", .integer(event.receivedAt.rawValue))
                member("source", .text(event.source.source.description))
                member("epoch", .integer(event.source.epoch.rawValue))
                member("seq", .integer(event.sequence.rawValue))
                member("repeat", .flag(event.isRepeat))
                member("event", .json(event.json))
            }
            list("attempts", story.attempts) { attempt in
                member("cseq", .integer(attempt.cseq), isFirst: true)
                member("started_at", time(attempt.startedAt))
                member("sip_code", attempt.sipCode.map { .integer($0) } ?? .null)
                member("final", .flag(attempt.isFinal))
            }
            list("legs", story.legs) { leg in
                member("leg", .integer(Int64(leg.number)), isFirst: true)
                member("to_tag", .text(leg.toTag))
                member("answered_at", time(leg.answeredAt))
                member("ended_at", time(leg.endedAt))
                member("ended_by_position", leg.endedBy.map { .integer(Int64($0.rawValue)) } ?? .null)
                member("deadline", time(leg.deadline))
                member("last_proof_at", time(leg.lastProofAt))
                member("marks", .json(leg.marks))
            }
            bytes.append(contentsOf: ",\"cdrs\":".utf8)
            AnswerWriter.appendJSON(records, ReadModelSnapshot.callRecordColumns, to: &bytes)
            bytes.append(contentsOf: ",\"findings\":".utf8)
            AnswerWriter.appendJSON(findings.map(\.answer), FindingRow.columns, to: &bytes)
            bytes.append(contentsOf: "}\n".utf8)
        }
    }
}

/// What an event says beside its type and time, as `name=value`, in the order of the vocabulary.
enum EventSaying {
    static func text(_ view: borrowing EventView, in bytes: PaddedBytes) -> String {
        var parts: [String] = []
        for field in Field.allCases where view.has(field) {
            switch field {
            case .time, .callID, .fromTag: continue
            case .by: parts.append("by=\(view.by?.name ?? "")")
            case .refresher, .forwardedRefresher:
                parts.append("\(field.name)=\(view.refresher(field)?.name ?? "")")
            case .supportedTimer, .requireTimer, .byeSent:
                parts.append("\(field.name)=\(view.flag(field) == true ? "yes" : "no")")
            default:
                if let text = view.text(field) {
                    parts.append("\(field.name)=\(JSONText.string(text, in: bytes))")
                } else if let number = view.number(field) {
                    parts.append("\(field.name)=\(number)")
                }
            }
        }
        return parts.joined(separator: " ")
    }
}
