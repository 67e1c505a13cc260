import EventLog
import Events
import ReadModel

/// Writes events of the log with the bytes that came.
final class EventWriter {
    private let output: StandardOutput
    private let format: OutputFormat
    private let onlyCallID: [UInt8]?
    private var decoder = EventDecoder()
    private var view = EventView()
    private let rows: AnswerWriter

    private static let columns: [AnswerColumn] = [
        AnswerColumn("position", .number), AnswerColumn("received_at", .time), AnswerColumn("source", .text),
        AnswerColumn("epoch", .number), AnswerColumn("seq", .number), AnswerColumn("event", .structure),
    ]

    private static let table = TableDesign([
        .number("Position", "position"), .time("Received", "received_at").droppable(2),
        .text("Source", "source"),
        .number("Epoch", "epoch").droppable(3), .number("Seq", "seq"), .text("Event", "event", cellsMin: 24),
    ])

    /// - Parameter onlyCallID: null for every event.
    init(format: OutputFormat, to output: StandardOutput, onlyCallID: String?) throws {
        self.output = output
        self.format = format
        self.onlyCallID = onlyCallID.map { Array($0.utf8) }
        rows = try AnswerWriter(Self.columns, table: Self.table, format: format, to: output)
    }

    /// Writes a frame's events from `start` on.
    func write(_ frame: LogFrame, from start: Position) throws {
        let header = frame.header
        let payload = frame.payload
        let origin = Origin(source: header.source, receivedAt: header.receivedAt)
        if onlyCallID != nil { decoder.begin(payload) }
        var position = header.position
        var number = header.firstSequence
        var offset = 0
        while offset < payload.count {
            let end = Self.lineEnd(in: payload, from: offset)
            if isWanted(in: payload, header.source), position >= start {
                try write(payload, offset..<end, position, number, origin)
            }
            position = position.advanced(by: 1)
            number = SequenceNumber(rawValue: number.rawValue + 1)
            offset = end + 1
        }
    }

    /// Writes one event.
    func write(_ event: LogEvent) throws {
        let origin = Origin(source: event.source, receivedAt: event.receivedAt)
        try write(event.bytes, 0..<event.bytes.count, event.position, event.sequence, origin)
    }

    /// Shows what there is, before waiting for more.
    func pause() throws {
        if format == .table { try rows.finish(none: "events so far") }
        try output.flush()
    }

    func finish() throws {
        try rows.finish(none: "events")
    }

    /// Where events come from, and when they came: what the events of a frame share.
    private struct Origin {
        let source: SourceEpoch
        let receivedAt: Timestamp
        /// What their lines share between position and number.
        let text: [UInt8]

        init(source: SourceEpoch, receivedAt: Timestamp) {
            self.source = source
            self.receivedAt = receivedAt
            // A source's name needs no escapes.
            text = Array(
                """
                ,"received_at":\(receivedAt.rawValue),"source":"\(source.source)","epoch":\(source.epoch.rawValue),"seq":
                """.utf8)
        }
    }

    /// Steps on to the next event of the frame; whether it is one that was asked for.
    private func isWanted(in payload: PaddedBytes, _ source: SourceEpoch) -> Bool {
        guard let onlyCallID else { return true }
        guard case .event? = decoder.next(into: &view, from: source.source.isLedger ? .ledger : .proxy),
            view.type.belongsToCall, let text = view.text(.callID)
        else { return false }
        var callID: [UInt8] = []
        JSONText.append(text, in: payload, to: &callID)
        return callID == onlyCallID
    }

    private func write(
        _ payload: PaddedBytes, _ line: Range<Int>, _ position: Position, _ number: SequenceNumber,
        _ origin: Origin
    ) throws {
        guard format == .ndjson else {
            // Safety: the text is copied at once.
            let text = unsafe String(
                decoding: payload.pointer(at: line.lowerBound, to: line.upperBound), as: UTF8.self)
            try rows.write([
                .integer(Int64(position.rawValue)), .integer(origin.receivedAt.rawValue),
                .text(origin.source.source.description), .integer(origin.source.epoch.rawValue),
                .integer(number.rawValue), .json(text),
            ])
            return
        }
        try output.write { bytes in
            bytes.append(contentsOf: #"{"position":"#.utf8)
            bytes.append(contentsOf: String(position.rawValue).utf8)
            bytes.append(contentsOf: origin.text)
            bytes.append(contentsOf: String(number.rawValue).utf8)
            bytes.append(contentsOf: #","event":"#.utf8)
            // Safety: the bytes are only read, during the call.
            unsafe bytes.append(contentsOf: payload.pointer(at: line.lowerBound, to: line.upperBound))
            bytes.append(UInt8(ascii: "}"))
            bytes.append(0x0A)
        }
    }

    private static func lineEnd(in payload: PaddedBytes, from start: Int) -> Int {
        // Safety: within the payload.
        let rest = unsafe payload.pointer(at: start, to: payload.count)
        return start + (unsafe rest.firstIndex(of: 0x0A) ?? rest.count)
    }
}
