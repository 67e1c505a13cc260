/// A Swift file cut into what is code and what is not, line by line.
struct SwiftFile {
    let path: String
    let lines: [String]
    /// The lines with comments and the insides of string literals blanked out.
    let code: [String]
    /// Whether each line begins within a text of several lines.
    let isInText: [Bool]

    init(path: String, text: String) {
        self.path = path
        var cutter = CodeCutter()
        lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        var isInText: [Bool] = []
        code = lines.map {
            isInText.append(cutter.isInText)
            return cutter.code(of: $0)
        }
        self.isInText = isInText
    }

    /// How many lines there are, but for the empty text behind the last newline.
    var lineCount: Int { lines.last == "" ? lines.count - 1 : lines.count }

    func offence(_ line: Int, _ what: String) -> Offence {
        Offence(path: path, line: line + 1, what: what)
    }

    /// Every line of code that matches, as an index of `lines`.
    ///
    /// - Parameter words: of which any match holds one; they are looked for first, since that is much faster.
    func codeLines(holding words: [String], matching pattern: some RegexComponent) -> [Int] {
        code.indices.filter { line in
            words.contains { code[line].contains($0) } && code[line].contains(pattern)
        }
    }
}

/// Walks over Swift text one line after another and remembers in which literal or comment it is.
private struct CodeCutter {
    private enum Context: Equatable {
        /// `parentheses` counts those open within an interpolation.
        case interpolation(parentheses: Int)
        case comment(depth: Int)
        case text(hashes: Int, isMultiline: Bool)
    }

    private var contexts: [Context] = []
    /// Whether the next line goes on with a text.
    var isInText: Bool {
        if case .text = contexts.last { true } else { false }
    }

    private var characters: [Character] = []
    private var index = 0
    private var code = ""

    mutating func code(of line: String) -> String {
        characters = Array(line)
        index = 0
        code = ""
        while index < characters.count {
            switch contexts.last {
            case .comment(let depth): takeComment(depth)
            case .text(let hashes, let isMultiline): takeText(hashes, isMultiline)
            case .interpolation, nil:
                if isAt("//") { return code }
                takeCode()
            }
        }
        // A string of one line ends with it, whatever the text says.
        while case .text(_, isMultiline: false) = contexts.last { contexts.removeLast() }
        return code
    }

    private func isAt(_ text: String, offset: Int = 0) -> Bool {
        let wanted = Array(text)
        let start = index + offset
        return start + wanted.count <= characters.count
            && characters[start..<start + wanted.count].elementsEqual(wanted)
    }

    private mutating func take(_ count: Int, asCode: Bool) {
        for _ in 0..<min(count, characters.count - index) {
            code.append(asCode ? characters[index] : " ")
            index += 1
        }
    }

    private mutating func takeCode() {
        if isAt("/*") {
            contexts.append(.comment(depth: 1))
            return take(2, asCode: false)
        }
        var hashes = 0
        while isAt("#", offset: hashes) { hashes += 1 }
        if isAt("\"", offset: hashes) {
            let isMultiline = isAt("\"\"\"", offset: hashes)
            contexts.append(.text(hashes: hashes, isMultiline: isMultiline))
            return take(hashes + (isMultiline ? 3 : 1), asCode: true)
        }
        if case .interpolation(let open) = contexts.last {
            if isAt("(") { contexts[contexts.count - 1] = .interpolation(parentheses: open + 1) }
            if isAt(")") {
                if open == 0 {
                    contexts.removeLast()
                    return take(1, asCode: false)
                }
                contexts[contexts.count - 1] = .interpolation(parentheses: open - 1)
            }
        }
        take(1, asCode: true)
    }

    private mutating func takeText(_ hashes: Int, _ isMultiline: Bool) {
        let marks = String(repeating: "#", count: hashes)
        let close = (isMultiline ? "\"\"\"" : "\"") + marks
        if isAt(close) {
            contexts.removeLast()
            return take(close.count, asCode: true)
        }
        if isAt("\\" + marks + "(") {
            contexts.append(.interpolation(parentheses: 0))
            return take(hashes + 2, asCode: false)
        }
        take(isAt("\\" + marks) ? hashes + 2 : 1, asCode: false)
    }

    private mutating func takeComment(_ depth: Int) {
        let step = isAt("/*") ? 1 : isAt("*/") ? -1 : 0
        if step != 0 {
            contexts.removeLast()
            if depth + step > 0 { contexts.append(.comment(depth: depth + step)) }
        }
        take(step == 0 ? 1 : 2, asCode: false)
    }
}
