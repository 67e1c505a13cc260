import ReadModel

/// Writes records as SQL that fills a proxy's own tables: one transaction of INSERTs, which SQLite, MySQL and
/// PostgreSQL take as they stand. Where the output ends before its COMMIT, nothing is loaded.
final class ProxyExport {
    private let tables: [ProxyTable]
    private let output: StandardOutput
    private var fields: AnswerFields
    /// The beginning of each table's INSERT.
    private let beginnings: [String]
    /// By `table.column`: the length that the column has, and how many values are longer.
    private var tooLong: [(column: String, max: Int, count: Int)] = []

    init(_ proxy: ProxyTables, columns: [AnswerColumn], to output: StandardOutput) throws {
        tables = proxy.tables
        self.output = output
        fields = AnswerFields(columns)
        beginnings = proxy.tables.map { table in
            "INSERT INTO \(table.name) (\(table.columns.map(\.name).joined(separator: ", "))) VALUES ("
        }
        // MySQL alone reads what stands between /*! and */: a backslash is to be a backslash there too.
        try output.write(
            """
            -- \(proxy.title); times are UTC
            /*!40101 SET NAMES utf8mb4 */;
            /*!40101 SET SESSION sql_mode = CONCAT(@@SESSION.sql_mode, ',NO_BACKSLASH_ESCAPES') */;
            BEGIN;

            """)
    }

    func write(_ row: AnswerRow) throws {
        fields.row = row
        for index in tables.indices where tables[index].takes(fields) {
            var line = beginnings[index]
            for (place, column) in tables[index].columns.enumerated() {
                if place > 0 { line += ", " }
                line += literal(column.value(fields), column, in: tables[index])
            }
            try output.writeLine(line + ");")
        }
    }

    /// Ends the transaction, and says what may not fit.
    func finish() throws {
        try output.writeLine("COMMIT;")
        try output.flush()
        for (column, max, count) in tooLong {
            StandardError.writeLine(
                "tollbook: \(HumanCount.of(count, "value is", "values are")) longer than the \(max) characters of "
                    + "\(column), and was not cut, since it tells calls apart. SQLite takes it; MySQL and "
                    + "PostgreSQL want the column widened first, by ALTER TABLE")
        }
    }

    private func literal(_ value: ProxyTable.Value, _ column: ProxyTable.Column, in table: ProxyTable)
        -> String
    {
        switch (value, column.kind) {
        case (.text(let text), .key(let max)):
            if text.unicodeScalars.count > max { noteLong("\(table.name).\(column.name)", max) }
            return Self.quoted(text)
        case (.text(let text), .words(let max)):
            var cut = String.UnicodeScalarView()
            cut.append(contentsOf: text.unicodeScalars.prefix(max))
            return Self.quoted(String(cut))
        case (.integer(let time), .time): return "'\(CalendarTime.plain(time))'"
        case (.integer(let number), .number(let max)): return String(min(number, max))
        case (.integer(let milliseconds), .seconds(let max)):
            let (seconds, rest) = min(milliseconds, max).quotientAndRemainder(dividingBy: 1_000)
            let digits = String(rest)
            return "\(seconds).\(String(repeating: "0", count: 3 - digits.count))\(digits)"
        case (.text, _), (.integer, _):
            preconditionFailure("\(table.name).\(column.name) is filled with another kind of value")
        }
    }

    private func noteLong(_ column: String, _ max: Int) {
        if let known = tooLong.firstIndex(where: { $0.column == column }) {
            tooLong[known].count += 1
        } else {
            tooLong.append((column, max, 1))
        }
    }

    /// A text of SQL. It can hold no NUL, which becomes U+FFFD.
    private static func quoted(_ text: String) -> String {
        var quoted = String.UnicodeScalarView("'".unicodeScalars)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "'": quoted.append(contentsOf: "''".unicodeScalars)
            case "\0": quoted.append("\u{FFFD}")
            default: quoted.append(scalar)
            }
        }
        quoted.append("'")
        return String(quoted)
    }
}

extension CalendarTime {
    /// As `2026-03-04 05:06:07`, UTC, the form that SQL has for a time; what is less than a second is cut.
    static func plain(_ microseconds: Int64) -> String {
        String(text(microseconds, fractionDigits: 0).dropLast()).replacing("T", with: " ")
    }
}

extension AnswerFields {
    /// The value as it stands in the record, empty where there is none.
    func plain(_ field: String) -> String {
        switch self[field] {
        case .null: ""
        case .integer(let number): String(number)
        case .text(let text), .json(let text): text
        case .flag(let flag): flag ? "true" : "false"
        }
    }
}
