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

/// Texts are told apart by their bytes; Swift's own `==` takes some that differ for the same.
extension AnswerValue {
    package static func == (left: AnswerValue, right: AnswerValue) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.integer(let first), .integer(let second)): first == second
        case (.text(let first), .text(let second)), (.json(let first), .json(let second)):
            first.utf8.elementsEqual(second.utf8)
        case (.flag(let first), .flag(let second)): first == second
        default: false
        }
    }

    package func hash(into hasher: inout Hasher) {
        switch self {
        case .null: hasher.combine(0)
        case .integer(let number): hasher.combine(number)
        case .text(let text), .json(let text):
            for byte in text.utf8 { hasher.combine(byte) }
        case .flag(let flag): hasher.combine(flag)
        }
    }
}

/// One row of an answer, as many values as the answer has columns.
package typealias AnswerRow = [AnswerValue]
