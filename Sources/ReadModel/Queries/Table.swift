/// A column of an answer: its name, and how people are shown what it holds.
package struct AnswerColumn: Hashable, Sendable {
    package enum Meaning: Sendable {
        case text
        case number
        /// Microseconds since 1970.
        case time
        /// Microseconds.
        case duration
        /// Milliseconds.
        case milliseconds
        case seconds
        case flag
        /// A list or an object.
        case structure
    }

    package let name: String
    package let meaning: Meaning

    package init(_ name: String, _ meaning: Meaning) {
        self.name = name
        self.meaning = meaning
    }
}

/// A value of an answer. Printing is not known here.
package enum AnswerValue: Hashable, Sendable {
    case null
    case integer(Int64)
    case text(String)
    /// JSON text, as it is to be printed.
    case json(String)
    case flag(Bool)

    init(_ value: Int64?) {
        self = value.map { .integer($0) } ?? .null
    }

    init(_ value: String?) {
        self = value.map { .text($0) } ?? .null
    }
}

/// One row of an answer, as many values as the answer has columns.
package typealias AnswerRow = [AnswerValue]
