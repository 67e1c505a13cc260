import Testing

/// A rule that a file can be held against by itself, with a text that breaks it and one that doesn't.
struct Rule: Sendable, CustomTestStringConvertible {
    let name: String
    let folders: [String]
    let bad: String
    let good: String
    let offences: @Sendable (SwiftFile) -> [Offence]

    var testDescription: String { name }

    static let fileLinesMax = 400
    static let functionLinesMax = 70
    static let lineLengthMax = 110

    static let all = [
        fileLength, functionLength, lineLength, bannedWords, bannedCalls, bannedInLibraries, safety,
    ]

    private static let fileLength = Rule(
        name: "files have up to 400 lines", folders: ["Sources"],
        bad: String(repeating: "\n", count: 401), good: String(repeating: "\n", count: 400)
    ) { file in
        file.lineCount > fileLinesMax ? [file.offence(0, "\(file.lineCount) lines")] : []
    }

    private static let functionLength = Rule(
        name: "functions have up to 70 lines", folders: ["Sources"],
        bad: "struct A {\n    func b() {\n\(String(repeating: "\n", count: 69))    }\n}",
        good: "struct A {\n    func b() {\n\(String(repeating: "\n", count: 68))    }\n}"
    ) { file in
        file.declarations.filter { $0.kind == .member && $0.lineCount > functionLinesMax }
            .map { file.offence($0.line, "\($0.name) has \($0.lineCount) lines") }
    }

    private static let lineLength = Rule(
        name: "lines have up to 110 characters", folders: ["Sources", "Tests"],
        bad: String(repeating: "a", count: 111), good: String(repeating: "a", count: 110)
    ) { file in
        file.lines.indices.filter { file.lines[$0].count > lineLengthMax && !file.isText($0) }
            .map { file.offence($0, "\(file.lines[$0].count) characters") }
    }

    private static let bannedWords = Rule(
        name: "nothing is left for later", folders: ["Sources", "Tests"],
        bad: "// TO" + "DO: later", good: "/// What is to do."
    ) { file in
        // In parts, so that this file keeps its own rule.
        let words = ["TO" + "DO", "FIX" + "ME"]
        return file.lines.indices.compactMap { line in
            words.first { file.lines[line].contains($0) }.map { file.offence(line, $0) }
        }
    }

    private static let bannedCalls = Rule(
        name: "no error and no type is taken for granted", folders: ["Sources", "Tests"],
        bad: "let a = b as! C", good: "let a = b as? C // not as! C\nlet d = \"as! C\""
    ) { file in
        file.codeLines(holding: ["try!", "as!"], matching: /\btry!|\bas!/).map {
            file.offence($0, "try! or as!")
        }
    }

    private static let bannedInLibraries = Rule(
        name: "libraries print nothing and don't give up", folders: ["Sources"],
        bad: "func a() { print(\"b\") }", good: "func a() { sink.print(\"b\") }\npreconditionFailure(\"c\")"
    ) { file in
        // The command line is where output belongs.
        if file.path.hasPrefix("Sources/tollbook/") { return [] }
        return file.codeLines(
            holding: ["rint(", "fatalError("], matching: /(^|[^.\w])(debugPrint|print|fatalError)\(/
        )
        .map { file.offence($0, "print or fatalError in a library") }
    }

    /// Where the compiler can't see that memory is safe, a comment says why it is: in the member that says
    /// `unsafe` or above it, or in the type's body outside of its members. There it speaks for a stored
    /// property, and so for every use of it.
    private static let safety = Rule(
        name: "what is unsafe says why it is safe", folders: ["Sources"],
        bad:
            "struct A {\n    func b() {\n        unsafe c()\n    }\n    func d() {\n        // Safety: e\n    }\n}",
        good:
            "struct A: @unchecked Sendable {\n    // Safety: e.\n    func b() {\n        unsafe c()\n    }\n}"
    ) { file in
        let declarations = file.declarations
        let unsafe = /(^|[^@\w])unsafe\s/
        let any = /(^|[^@\w])unsafe\s|@unchecked Sendable/
        return file.codeLines(holding: ["unsafe", "@unchecked"], matching: any).compactMap { line in
            let around = declarations.filter { $0.comment <= line && line <= $0.end }
            let isSaid = around.contains { declaration in
                declaration.kind == .member
                    ? file.saysSafety(declaration.comment...declaration.end)
                    : file.saysSafety(declaration, outside: declarations)
            }
            let what = file.code[line].contains(unsafe) ? "unsafe" : "@unchecked Sendable"
            return isSaid ? nil : file.offence(line, "\(what) without a “Safety:” comment")
        }
    }
}

extension SwiftFile {
    /// Whether a line is a text: a message or a sample that people search for as it stands, and so not to be
    /// cut.
    fileprivate func isText(_ line: Int) -> Bool {
        let start = lines[line].drop { $0 == " " }
        return isInText[line] || start.contains(/^(== |\+ )?#*"/)
    }

    fileprivate func saysSafety(_ range: ClosedRange<Int>) -> Bool {
        range.contains { lines[$0].contains("// Safety:") }
    }

    /// Whether a comment says so above a type, at the head of its body, or elsewhere in it but in none of the
    /// members and types within.
    fileprivate func saysSafety(_ type: Declaration, outside declarations: [Declaration]) -> Bool {
        let open = (type.line...type.end).first { code[$0].contains("{") } ?? type.line
        var head = open
        while head < type.end, lines[head + 1].drop(while: { $0 == " " }).hasPrefix("//") { head += 1 }
        if saysSafety(type.comment...head) { return true }
        let inner = declarations.filter { type.line < $0.line && $0.end <= type.end }
        return (head...type.end).contains { line in
            lines[line].contains("// Safety:") && !inner.contains { $0.comment <= line && line <= $0.end }
        }
    }
}
