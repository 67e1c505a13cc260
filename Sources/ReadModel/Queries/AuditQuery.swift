package import Events
internal import GRDB
internal import Projections

/// Which findings are asked for.
package struct FindingFilter: Sendable {
    package var codes: [String] = []
    package var severities: [String] = []
    package var callID: String?
    package var source: String?
    package var userAgent: String?
    /// On `at`, half open.
    package var since: Timestamp?
    package var until: Timestamp?

    package init() {}

    /// Whether what is asked for can be read from the sums by user agent and code, however many calls there
    /// are.
    var isOfSums: Bool { callID == nil && source == nil && since == nil && until == nil }
}

/// One finding as it is printed.
package struct FindingRow: Sendable {
    package let code: String
    package let severity: String
    package let callID: String
    package let fromTag: String
    package let toTag: String
    package let at: Int64
    /// JSON list.
    package let positions: String
    /// JSON object.
    package let detail: String

    package static let columns: [AnswerColumn] = [
        AnswerColumn("code", .text), AnswerColumn("severity", .text), AnswerColumn("callid", .text),
        AnswerColumn("from_tag", .text), AnswerColumn("to_tag", .text), AnswerColumn("at", .time),
        AnswerColumn("positions", .structure), AnswerColumn("detail", .structure),
    ]

    /// Every code that a finding may have.
    package static var codes: [String] { FindingCode.allCases.map(\.rawValue) }

    package var answer: AnswerRow {
        [
            .text(code), .text(severity), .text(callID), .text(fromTag), .text(toTag), .integer(at),
            .json(positions), .json(detail),
        ]
    }

    /// The order of findings: (at, callid, from_tag, to_tag, code, positions).
    static func precedes(_ left: FindingRow, _ right: FindingRow) -> Bool {
        if left.at != right.at { return left.at < right.at }
        for (first, second) in [
            (left.callID, right.callID), (left.fromTag, right.fromTag), (left.toTag, right.toTag),
            (left.code, right.code),
        ] where !first.utf8.elementsEqual(second.utf8) {
            return first.utf8.lexicographicallyPrecedes(second.utf8)
        }
        return PositionList.parse(Array(left.positions.utf8))
            .lexicographicallyPrecedes(PositionList.parse(Array(right.positions.utf8)))
    }
}

extension ReadModelSnapshot {
    /// Findings in their order: those of settled calls as they were written, those of open ones as of now.
    package func findings(
        _ filter: FindingFilter, asOf: Timestamp? = nil, _ body: (FindingRow) throws -> Void
    ) throws {
        var open = try openFindings(filter, asOf: asOf ?? self.asOf)
        open.reverse()
        let rows = try settledFindings(filter)
        // The rest of the order is a matter of the few rows of one microsecond.
        var tied: [FindingRow] = []
        func flush() throws {
            for row in tied.sorted(by: FindingRow.precedes) {
                while let first = open.last, FindingRow.precedes(first, row) {
                    try body(first)
                    open.removeLast()
                }
                try body(row)
            }
            tied.removeAll(keepingCapacity: true)
        }
        while let row = try rows.next() {
            let finding = FindingRow(
                code: row.text(0) ?? "", severity: row.text(1) ?? "", callID: row.text(2) ?? "",
                fromTag: row.text(3) ?? "", toTag: row.text(4) ?? "", at: row[5],
                positions: row.text(6) ?? "[]",
                detail: row.text(7) ?? "{}")
            if let last = tied.last, last.at != finding.at { try flush() }
            tied.append(finding)
        }
        try flush()
        for finding in open.reversed() { try body(finding) }
    }

    private func settledFindings(_ filter: FindingFilter) throws -> RowCursor {
        let condition = Self.condition(filter)
        return try Row.fetchCursor(
            db,
            sql: """
                SELECT code, severity, callid, from_tag, to_tag, at, positions, detail FROM findings\(condition.sql)
                ORDER BY at
                """, arguments: condition.arguments)
    }

    /// What a filter asks of the rows of `findings`.
    static func condition(_ filter: FindingFilter) -> (sql: String, arguments: StatementArguments) {
        var parts: [String] = []
        var arguments = StatementArguments()
        for (column, values) in [("code", filter.codes), ("severity", filter.severities)]
        where !values.isEmpty {
            parts.append("\(column) IN (\(values.map { _ in "?" }.joined(separator: ", ")))")
            arguments += StatementArguments(values)
        }
        if let callID = filter.callID {
            parts.append("callid = ?")
            arguments += [callID]
        }
        if let since = filter.since {
            parts.append("at >= ?")
            arguments += [since.rawValue]
        }
        if let until = filter.until {
            parts.append("at < ?")
            arguments += [until.rawValue]
        }
        if let source = filter.source {
            parts.append(
                """
                EXISTS (SELECT 1 FROM cdrs c, json_each(c.sources) WHERE c.callid = findings.callid
                    AND c.from_tag = findings.from_tag AND value = ?)
                """)
            arguments += [source]
        }
        if let userAgent = filter.userAgent {
            parts.append("user_agent = ?")
            arguments += [userAgent]
        }
        return (parts.isEmpty ? "" : " WHERE " + parts.joined(separator: " AND "), arguments)
    }

    private func openFindings(_ filter: FindingFilter, asOf: Timestamp) throws -> [FindingRow] {
        var rows: [FindingRow] = []
        try forEachOpenFinding(filter, asOf: asOf) { row, _ in rows.append(row) }
        return rows.sorted(by: FindingRow.precedes)
    }

    /// Findings of open calls, in no order of note, each with its call's user agent.
    func forEachOpenFinding(
        _ filter: FindingFilter, asOf: Timestamp, _ body: (FindingRow, String) throws -> Void
    ) throws {
        let context = CallFold.AuditContext(policies: policies, gaps: gaps, asOf: asOf)
        try forEachOpenCall(callID: filter.callID) { fold in
            if let source = filter.source,
                !fold.facts.contains(where: { self.sources.source($0.sourceEpoch).description == source })
            {
                return
            }
            let userAgent = fold.string(fold.userAgent(attempt: fold.finalAttempt)) ?? ""
            if let wanted = filter.userAgent, !userAgent.utf8.elementsEqual(wanted.utf8) { return }
            for finding in fold.audit(context, sources: sources) {
                guard filter.codes.isEmpty || filter.codes.contains(finding.code.rawValue),
                    filter.severities.isEmpty || filter.severities.contains(finding.code.severity.name),
                    filter.since.map({ finding.at >= $0 }) ?? true,
                    filter.until.map({ finding.at < $0 }) ?? true
                else { continue }
                try body(Self.row(finding, of: fold), userAgent)
            }
        }
    }

    static func row(_ finding: Finding, of fold: borrowing CallFold) -> FindingRow {
        var positions: [UInt8] = []
        CallCommon.append(finding.positions, to: &positions)
        return FindingRow(
            code: finding.code.rawValue, severity: finding.code.severity.name,
            callID: fold.string(fold.callID) ?? "", fromTag: fold.string(fold.fromTag) ?? "",
            toTag: fold.string(finding.toTag) ?? "", at: finding.at.rawValue,
            positions: String(decoding: positions, as: UTF8.self),
            detail: String(decoding: finding.detail, as: UTF8.self))
    }
}
