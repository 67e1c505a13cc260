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
    private var held: [Row] = []
    private var widths: [Int]?
    /// The columns that there is room for.
    private var shown: [Int] = []

    private struct Row {
        let cells: [String]
        let below: [String]
    }

    private static let space = 2

    init(_ design: TableDesign, columns: [AnswerColumn], to output: StandardOutput) {
        self.design = design
        self.output = output
        terminal = Terminal(isTerminal: output.isTerminal)
        fields = AnswerFields(columns)
    }

    func write(_ row: AnswerRow) throws {
        fields.row = row
        let row = Row(cells: design.columns.map { $0.cell(fields) }, below: design.below?(fields) ?? [])
        if let widths {
            try write(row, widths)
            return
        }
        held.append(row)
        if held.count >= CommandLimits.tableRowsMeasured { try flush() }
    }

    /// Writes what was held back, and says what there was no room for.
    func finish() throws {
        if widths == nil, !held.isEmpty { try flush() }
        guard widths != nil, shown.count < design.columns.count else { return }
        let left = design.columns.indices.filter { !shown.contains($0) }.map { design.columns[$0].title }
        try output.writeLine(terminal.dim("no room for: \(left.joined(separator: ", "))"))
    }

    private func flush() throws {
        let widths = measured()
        self.widths = widths
        var titles: [String] = []
        for (place, width) in zip(shown, widths) {
            let column = design.columns[place]
            titles.append(
                Self.aligned(DisplayText.fitted(column.title, to: width), width, right: column.isRightAligned)
            )
        }
        let heading = titles.joined(separator: String(repeating: " ", count: Self.space))
        try output.writeLine(terminal.bold(Self.trimmed(heading)))
        for row in held { try write(row, widths) }
        held.removeAll()
    }

    /// Decides which columns are shown, and how wide each of these is.
    private func measured() -> [Int] {
        var widths = design.columns.map { DisplayText.width($0.title) }
        for row in held {
            for (index, cell) in row.cells.enumerated() {
                widths[index] = max(widths[index], DisplayText.width(cell))
            }
        }
        shown = Array(design.columns.indices)
        let available = terminal.columns
        func least(_ place: Int) -> Int { min(widths[place], design.columns[place].cellsMin ?? .max) }
        func wanted(_ place: Int) -> Int {
            max(least(place), min(widths[place], design.columns[place].cellsWanted ?? least(place)))
        }
        func total(_ width: (Int) -> Int) -> Int {
            shown.reduce(0) { $0 + width($1) } + Self.space * (shown.count - 1)
        }
        while total(wanted) > available {
            let ranks = shown.map { design.columns[$0].dropRank }
            guard let greatest = ranks.max(), greatest > 0, let place = ranks.lastIndex(of: greatest) else {
                break
            }
            shown.remove(at: place)
        }
        // What is wanted goes only where nothing else is left to give way.
        for floor in [shown.map(wanted), shown.map(least)] {
            while total({ widths[$0] }) > available {
                let candidates = shown.indices.filter { widths[shown[$0]] > floor[$0] }
                guard let widest = candidates.max(by: { widths[shown[$0]] < widths[shown[$1]] }) else {
                    break
                }
                widths[shown[widest]] -= 1
            }
        }
        return shown.map { widths[$0] }
    }

    private func write(_ row: Row, _ widths: [Int]) throws {
        var line = ""
        for (place, width) in zip(shown, widths) {
            if place != shown.first { line += String(repeating: " ", count: Self.space) }
            let column = design.columns[place]
            let cell = row.cells[place]
            let text = column.cellsMin == nil ? cell : DisplayText.fitted(cell, to: width)
            line += Self.aligned(text, width, right: column.isRightAligned)
        }
        try output.writeLine(Self.trimmed(line))
        for text in row.below {
            for line in DisplayText.wrapped(text, to: terminal.columns, lead: "  ", hanging: 4) {
                try output.writeLine(terminal.dim(line))
            }
        }
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
