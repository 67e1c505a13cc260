import ReadModel

/// What a table shows of an answer, and how.
struct TableDesign: Sendable {
    struct Column: Sendable {
        let title: String
        /// Numbers and durations stand at the right edge.
        var isRightAligned = false
        /// How narrow the column may get where the terminal is; null where nothing of it may be cut.
        var cellsMin: Int?
        /// How many cells of it are worth more than a column that may be left out; null for the least it may
        /// have.
        var cellsWanted: Int?
        /// Where the terminal is too narrow for all columns, those with the greatest number go first; 0 never
        /// goes.
        var dropRank = 0
        let cell: @Sendable (AnswerFields) -> String
    }

    let columns: [Column]
    /// What is said of a row in lines of its own below it.
    let below: (@Sendable (AnswerFields) -> [String])?

    init(_ columns: [Column], below: (@Sendable (AnswerFields) -> [String])? = nil) {
        self.columns = columns
        self.below = below
    }
}

extension TableDesign.Column {
    /// The same column, which may be left out; those with the greatest number go first.
    func droppable(_ rank: Int) -> Self {
        var column = self
        column.dropRank = rank
        return column
    }

    /// A text that may be cut, visibly, where the terminal is narrow.
    static func text(
        _ title: String, _ field: String, cellsMin: Int = 12, wanted cellsWanted: Int? = nil
    ) -> Self {
        Self(title: title, cellsMin: cellsMin, cellsWanted: cellsWanted) { $0.text(field) }
    }

    /// A short word of ours.
    static func word(_ title: String, _ field: String) -> Self {
        Self(title: title) { $0.text(field) }
    }

    static func number(_ title: String, _ field: String) -> Self {
        Self(title: title, isRightAligned: true) { $0.text(field) }
    }

    /// A count, of which 0 is not worth a look.
    static func count(_ title: String, _ field: String) -> Self {
        Self(title: title, isRightAligned: true) { $0.integer(field) == 0 ? "·" : $0.text(field) }
    }

    static func time(_ title: String, _ field: String) -> Self {
        Self(title: title) { $0.time(field) }
    }

    /// A time without its fraction, where tables are to be narrow.
    static func moment(_ title: String, _ field: String) -> Self {
        Self(title: title) { fields in
            fields.integer(field).map { CalendarTime.text($0, fractionDigits: 0) } ?? AnswerFields.none
        }
    }

    /// A URI without the scheme that all of them have.
    static func party(_ title: String, _ field: String) -> Self {
        Self(title: title, cellsMin: 8, cellsWanted: 10) { fields in
            let text = fields.text(field)
            return text.hasPrefix("sip:") ? String(text.dropFirst(4)) : text
        }
    }

    /// A session interval and who is to refresh.
    static let timer = Self(title: "Timer") { fields in
        guard let interval = fields.integer("session_interval"), interval > 0 else {
            return AnswerFields.none
        }
        return "\(interval) s" + (fields["refresher"] == .null ? "" : " " + fields.text("refresher"))
    }

    static func duration(_ title: String, _ field: String) -> Self {
        Self(title: title, isRightAligned: true) { $0.duration(field) }
    }

    static func made(
        _ title: String, right isRightAligned: Bool = false, cellsMin: Int? = nil,
        _ cell: @escaping @Sendable (AnswerFields) -> String
    ) -> Self {
        Self(title: title, isRightAligned: isRightAligned, cellsMin: cellsMin, cell: cell)
    }
}

/// The values of one row by the names of their fields.
struct AnswerFields {
    private let places: [String: Int]
    private let meanings: [AnswerColumn.Meaning]
    var row: AnswerRow = []

    static let none = "–"

    init(_ columns: [AnswerColumn]) {
        places = Dictionary(uniqueKeysWithValues: columns.enumerated().map { ($1.name, $0) })
        meanings = columns.map(\.meaning)
    }

    subscript(field: String) -> AnswerValue {
        guard let place = places[field] else { preconditionFailure("there is no field \(field)") }
        return row[place]
    }

    func integer(_ field: String) -> Int64? {
        if case .integer(let number) = self[field] { number } else { nil }
    }

    func isSet(_ field: String) -> Bool { self[field] == .flag(true) }

    /// The value as it stands, “–” for null.
    func text(_ field: String) -> String {
        switch self[field] {
        case .null: Self.none
        case .integer(let number): String(number)
        case .text(let text): text.isEmpty ? Self.none : DisplayText.harmless(text)
        case .json(let text): DisplayText.harmless(text)
        case .flag(let flag): flag ? "yes" : "no"
        }
    }

    func time(_ field: String) -> String {
        integer(field).map { CalendarTime.text($0, fractionDigits: 3) } ?? Self.none
    }

    /// A duration, in the unit that the field has.
    func duration(_ field: String) -> String {
        guard let number = integer(field), let place = places[field] else { return Self.none }
        switch meanings[place] {
        case .milliseconds:
            return HumanDuration.text(microseconds: number.multipliedReportingOverflow(by: 1000).partialValue)
        case .seconds: return number == 0 ? Self.none : HumanDuration.text(seconds: number)
        default: return HumanDuration.text(microseconds: number)
        }
    }

    /// The items of a JSON list of words, side by side.
    func words(_ field: String) -> String {
        let words = text(field).filter { !"[]\"".contains($0) }.split(separator: ",").joined(separator: " ")
        return words.isEmpty ? Self.none : words
    }
}
