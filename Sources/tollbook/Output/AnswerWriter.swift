import Events
import ReadModel

/// Writes an answer row by row in the format that was asked for.
///
/// NDJSON and CSV have the fields and the order of `columns`, times and durations as whole numbers. A table
/// has the columns of its design.
final class AnswerWriter {
    private let output: StandardOutput
    private let format: OutputFormat
    private let columns: [AnswerColumn]
    /// The beginning of each field of an NDJSON line: `{"callid":`, `,"from_tag":` …
    private let prefixes: [[UInt8]]
    private let table: TableWriter
    /// Rows written so far.
    private(set) var count = 0

    init(_ columns: [AnswerColumn], table: TableDesign, format: OutputFormat, to output: StandardOutput)
        throws
    {
        self.columns = columns
        self.format = format
        self.output = output
        prefixes = columns.enumerated().map { index, column in
            var bytes = Array((index == 0 ? "{" : ",").utf8)
            JSONText.appendQuoted(column.name.utf8, to: &bytes)
            return bytes + [UInt8(ascii: ":")]
        }
        self.table = TableWriter(table, columns: columns, to: output)
        if format == .csv {
            try output.write(columns.map(\.name).joined(separator: ",") + "\r\n")
        }
    }

    func write(_ row: AnswerRow) throws {
        precondition(row.count == columns.count, "a row has as many values as there are columns")
        count += 1
        switch format {
        case .table: try table.write(row)
        case .ndjson: try output.write { writeJSON(row, to: &$0) }
        case .csv: try output.write { writeCSV(row, to: &$0) }
        }
    }

    /// Writes what was held back.
    func finish() throws {
        if format == .table { try table.finish() }
    }

    /// Writes what was held back; `noun` says what there is none of, where there is none.
    func finish(none noun: String) throws {
        guard format == .table else { return }
        try table.finish()
        if count == 0 { try output.writeLine("no \(noun)") }
    }

    private func writeJSON(_ row: AnswerRow, to bytes: inout [UInt8]) {
        for index in row.indices {
            bytes.append(contentsOf: prefixes[index])
            Self.appendJSON(row[index], to: &bytes)
        }
        bytes.append(UInt8(ascii: "}"))
        bytes.append(0x0A)
    }

    static func appendJSON(_ value: AnswerValue, to bytes: inout [UInt8]) {
        switch value {
        case .null: bytes.append(contentsOf: "null".utf8)
        case .integer(let number): bytes.append(contentsOf: String(number).utf8)
        case .text(let text): JSONText.appendQuoted(text.utf8, to: &bytes)
        case .json(let text): bytes.append(contentsOf: text.utf8)
        case .flag(let flag): bytes.append(contentsOf: (flag ? "true" : "false").utf8)
        }
    }

    /// Rows as a JSON list of objects.
    static func appendJSON(_ rows: [AnswerRow], _ columns: [AnswerColumn], to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "["))
        for (place, row) in rows.enumerated() {
            bytes.append(contentsOf: (place == 0 ? "{" : ",{").utf8)
            for index in row.indices {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                JSONText.appendQuoted(columns[index].name.utf8, to: &bytes)
                bytes.append(UInt8(ascii: ":"))
                appendJSON(row[index], to: &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        }
        bytes.append(UInt8(ascii: "]"))
    }

    private func writeCSV(_ row: AnswerRow, to bytes: inout [UInt8]) {
        for index in row.indices {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            switch row[index] {
            case .null: break
            case .integer(let number): bytes.append(contentsOf: String(number).utf8)
            case .text(let text): Self.appendCSV(text, to: &bytes)
            case .json(let text): Self.appendCSV(text, to: &bytes)
            case .flag(let flag): bytes.append(contentsOf: (flag ? "true" : "false").utf8)
            }
        }
        bytes.append(0x0D)
        bytes.append(0x0A)
    }

    /// An empty text stands in quotes, which tells it from null for those who look.
    private static func appendCSV(_ text: String, to bytes: inout [UInt8]) {
        let quote = UInt8(ascii: "\"")
        let needsQuotes =
            text.isEmpty
            || text.utf8.contains { $0 == quote || $0 == UInt8(ascii: ",") || $0 == 0x0A || $0 == 0x0D }
        guard needsQuotes else {
            bytes.append(contentsOf: text.utf8)
            return
        }
        bytes.append(quote)
        for byte in text.utf8 {
            if byte == quote { bytes.append(quote) }
            bytes.append(byte)
        }
        bytes.append(quote)
    }
}
