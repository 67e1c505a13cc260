import ReadModel

/// Lays rows out as a table: columns aligned by the cells they take, fitted to the terminal.
///
/// The first rows decide how wide columns are. Where the terminal is too narrow, the widest of the columns
/// that may be cut give way first, and what is cut shows as “…”.
final class TableWriter {
    private let design: TableDesign
    private let output: StandardOutput
    private let terminal: Terminal
    private var fields: AnswerFields
    private var held: [[String]] = []
    private var widths: [Int]?

    private static let space = 2

    init(_ design: TableDesign, columns: [AnswerColumn], to output: StandardOutput) {
        self.design = design
        self.output = output
        terminal = Terminal(isTerminal: output.isTerminal)
        fields = AnswerFields(columns)
    }

    func write(_ row: AnswerRow) throws {
        fields.row = row
        let cells = design.columns.map { $0.cell(fields) }
        if let widths {
            try write(cells, widths)
            return
        }
        held.append(cells)
        if held.count >= CommandLimits.tableRowsMeasured { try flush() }
    }

    /// Writes what was held back.
    func finish() throws {
        if widths == nil, !held.isEmpty { try flush() }
    }

    private func flush() throws {
        let widths = measured()
        self.widths = widths
        let titles = zip(design.columns, widths).map { column, width in
            Self.aligned(DisplayText.fitted(column.title, to: width), width, right: column.isRightAligned)
        }
        let heading = titles.joined(separator: String(repeating: " ", count: Self.space))
        try output.writeLine(terminal.bold(Self.trimmed(heading)))
        for cells in held { try write(cells, widths) }
        held.removeAll()
    }

    private func measured() -> [Int] {
        var widths = design.columns.map { DisplayText.width($0.title) }
        for cells in held {
            for index in cells.indices { widths[index] = max(widths[index], DisplayText.width(cells[index])) }
        }
        guard let available = terminal.columns else { return widths }
        func total() -> Int { widths.reduce(0, +) + Self.space * (widths.count - 1) }
        while total() > available {
            let candidates = widths.indices.filter { index in
                design.columns[index].cellsMin.map { widths[index] > $0 } ?? false
            }
            guard let widest = candidates.max(by: { widths[$0] < widths[$1] }) else { break }
            widths[widest] -= 1
        }
        return widths
    }

    private func write(_ cells: [String], _ widths: [Int]) throws {
        var line = ""
        for (index, cell) in cells.enumerated() {
            if index > 0 { line += String(repeating: " ", count: Self.space) }
            let column = design.columns[index]
            let isCut = column.cellsMin != nil && terminal.columns != nil
            let text = isCut ? DisplayText.fitted(cell, to: widths[index]) : cell
            line += Self.aligned(text, widths[index], right: column.isRightAligned)
        }
        try output.writeLine(Self.trimmed(line))
    }

    private static func aligned(_ text: String, _ width: Int, right: Bool) -> String {
        let padding = String(repeating: " ", count: max(0, width - DisplayText.width(text)))
        return right ? padding + text : text + padding
    }

    private static func trimmed(_ line: String) -> String {
        var line = Substring(line)
        while line.last == " " { line.removeLast() }
        return String(line)
    }
}
