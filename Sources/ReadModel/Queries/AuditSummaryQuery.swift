package import Events
internal import GRDB

extension ReadModelSnapshot {
    package static let findingsByCodeColumns: [AnswerColumn] = [
        AnswerColumn("severity", .text), AnswerColumn("code", .text), AnswerColumn("findings", .number),
        AnswerColumn("calls", .number),
    ]

    /// One row a code, the gravest and most frequent first.
    package func findingsByCode(_ filter: FindingFilter, asOf: Timestamp) throws -> [AnswerRow] {
        var sums: [String: (severity: String, findings: Int64, calls: Int64)] = [:]
        let condition = Self.condition(filter)
        let sql =
            filter.isOfSums
            ? """
            SELECT code, severity, sum(findings), sum(calls) FROM
                (SELECT * FROM finding_sums WHERE code <> '')\(condition.sql) GROUP BY code
            """
            : """
            SELECT code, severity, sum(n), count(*) FROM (
                SELECT code, severity, count(*) AS n FROM findings\(condition.sql)
                GROUP BY code, callid, from_tag)
            GROUP BY code
            """
        let rows = try Row.fetchCursor(db, sql: sql, arguments: condition.arguments)
        while let row = try rows.next() { sums[row[0]] = (row[1], row[2], row[3]) }
        var seen: Set<[String]> = []
        try forEachOpenFinding(filter, asOf: asOf) { row, _ in
            let isNewCall = seen.insert([row.code, row.callID, row.fromTag]).inserted
            let sum = sums[row.code] ?? (row.severity, 0, 0)
            sums[row.code] = (row.severity, sum.findings + 1, sum.calls + (isNewCall ? 1 : 0))
        }
        let grave = ["error", "warning", "info"]
        return sums.sorted { left, right in
            let (first, second) = (
                grave.firstIndex(of: left.value.severity), grave.firstIndex(of: right.value.severity)
            )
            if first != second { return (first ?? 3) < (second ?? 3) }
            if left.value.findings != right.value.findings {
                return left.value.findings > right.value.findings
            }
            return left.key < right.key
        }.map {
            [.text($0.value.severity), .text($0.key), .integer($0.value.findings), .integer($0.value.calls)]
        }
    }

    package static let findingsByUserAgentColumns: [AnswerColumn] = [
        AnswerColumn("user_agent", .text), AnswerColumn("errors", .number), AnswerColumn("warnings", .number),
        AnswerColumn("infos", .number), AnswerColumn("calls", .number),
    ]

    /// One row a user agent, that with the most errors first; `calls` are those with a finding.
    package func findingsByUserAgent(_ filter: FindingFilter, asOf: Timestamp) throws -> [AnswerRow] {
        var sums: [[UInt8]: [Int64]] = [:]
        let condition = Self.condition(filter)
        // Calls are counted once whatever is found of them: with only some codes asked for, sums don't tell.
        let isOfSums = filter.isOfSums && filter.codes.isEmpty && filter.severities.isEmpty
        let sql =
            isOfSums
            ? """
            SELECT user_agent, sum(iif(severity = 'error', findings, 0)),
                sum(iif(severity = 'warning', findings, 0)), sum(iif(severity = 'info', findings, 0)),
                sum(iif(code = '', calls, 0)) FROM finding_sums\(condition.sql) GROUP BY user_agent
            """
            : """
            SELECT user_agent, sum(errors), sum(warnings), sum(infos), count(*) FROM (
                SELECT user_agent, sum(severity = 'error') AS errors, sum(severity = 'warning') AS warnings,
                    sum(severity = 'info') AS infos
                FROM findings\(condition.sql) GROUP BY callid, from_tag)
            GROUP BY user_agent
            """
        let rows = try Row.fetchCursor(db, sql: sql, arguments: condition.arguments)
        while let row = try rows.next() {
            sums[Array((row.text(0) ?? "").utf8)] = [row[1], row[2], row[3], row[4]]
        }
        var seen: Set<[String]> = []
        try forEachOpenFinding(filter, asOf: asOf) { row, userAgent in
            var sum = sums[Array(userAgent.utf8)] ?? [0, 0, 0, 0]
            sum[row.severity == "error" ? 0 : row.severity == "warning" ? 1 : 2] += 1
            if seen.insert([row.callID, row.fromTag]).inserted { sum[3] += 1 }
            sums[Array(userAgent.utf8)] = sum
        }
        return sums.sorted { left, right in
            if left.value != right.value { return right.value.lexicographicallyPrecedes(left.value) }
            return left.key.lexicographicallyPrecedes(right.key)
        }.map { [.text(String(decoding: $0.key, as: UTF8.self))] + $0.value.map { .integer($0) } }
    }
}
