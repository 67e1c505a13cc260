package import Events
internal import GRDB
internal import Projections

/// Which records are asked for.
package struct CallRecordFilter: Sendable {
    /// On `started_at`, half open.
    package var since: Timestamp?
    package var until: Timestamp?
    package var callID: String?
    /// The user part of the From or To URI, or the whole of one.
    package var user: String?
    package var disposition: [String] = []
    package var termination: [String] = []
    package var source: String?
    /// The caller's, the whole of its name; `""` for calls that have none.
    package var userAgent: String?

    package init() {}

    var condition: (sql: String, arguments: StatementArguments) {
        var (parts, arguments) = partsBesidesTime
        for (time, sign) in [(since, ">="), (until, "<")] {
            guard let time else { continue }
            parts.append("started_at \(sign) ?")
            arguments += [time.rawValue]
        }
        return (parts.isEmpty ? "" : " WHERE " + parts.joined(separator: " AND "), arguments)
    }

    /// What has to be true of a record besides its time, piece by piece.
    var partsBesidesTime: ([String], StatementArguments) {
        var parts: [String] = []
        var arguments = StatementArguments()
        func add(_ sql: String, _ values: [any DatabaseValueConvertible]) {
            parts.append(sql)
            arguments += StatementArguments(values)
        }
        if let callID { add("callid = ?", [callID]) }
        if let user {
            // Byte by byte, as texts are told apart everywhere; LIKE would fold letters.
            add(
                "(instr(from_uri, ?) > 0 OR from_uri = ? OR instr(to_uri, ?) > 0 OR to_uri = ?)",
                [":\(user)@", user, ":\(user)@", user])
        }
        for (column, values) in [("disposition", disposition), ("termination", termination)]
        where !values.isEmpty {
            add("\(column) IN (\(values.map { _ in "?" }.joined(separator: ", ")))", values)
        }
        if let source { add("EXISTS (SELECT 1 FROM json_each(sources) WHERE value = ?)", [source]) }
        if let userAgent { add("coalesce(user_agent, '') = ?", [userAgent]) }
        return (parts, arguments)
    }
}

extension ReadModelSnapshot {
    package static let callRecordColumns: [AnswerColumn] = CallRecord.columns.map { column in
        let meaning: AnswerColumn.Meaning =
            switch column.name {
            case _ where column.name.hasSuffix("_at"): .time
            case _ where column.name.hasSuffix("_us"): .duration
            case _ where column.name.hasSuffix("_ms"): .milliseconds
            case "session_interval": .seconds
            default: column.kind == .integer ? .number : column.kind == .json ? .structure : .text
            }
        return AnswerColumn(column.name, meaning)
    }

    /// The last revision of each record, in the order of (started_at, callid, from_tag, to_tag).
    package func callRecords(_ filter: CallRecordFilter, _ body: (AnswerRow) throws -> Void) throws {
        let records = try RecordsByStart(db, columns: CallRecord.columns.map(\.name), filter)
        try records.readAll { try body(Self.answer($0, CallRecord.columns, from: 0)) }
    }

    static func answer(_ row: Row, _ columns: [RecordColumn], from first: Int) -> AnswerRow {
        columns.indices.map { index in
            switch columns[index].kind {
            case .integer: AnswerValue(row[first + index] as Int64?)
            case .text: AnswerValue(row.text(first + index))
            case .json: row.text(first + index).map { .json($0) } ?? .null
            }
        }
    }
}
