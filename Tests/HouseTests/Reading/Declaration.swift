/// A type or a member of one, as far as braces and first words tell.
struct Declaration {
    enum Kind {
        case type, member
    }

    let kind: Kind
    let name: String
    /// First line of the comment and the attributes above it, the line of its keyword, and the line of its
    /// closing brace, as indexes of the file's lines.
    let comment: Int
    let line: Int
    let end: Int

    var lineCount: Int { end - line + 1 }
}

extension SwiftFile {
    /// All types and their members that have braces, and functions outside of any; what stands inside a
    /// member belongs to it.
    var declarations: [Declaration] {
        var reader = DeclarationReader(self)
        return reader.read()
    }
}

private struct DeclarationReader {
    private struct Block {
        let kind: Declaration.Kind?
        let name: String
        let line: Int
        var parentheses = 0
    }

    private let file: SwiftFile
    private var blocks: [Block] = []
    private var pending: (kind: Declaration.Kind, name: String, line: Int)?
    private var parentheses = 0
    private var found: [Declaration] = []

    init(_ file: SwiftFile) {
        self.file = file
    }

    mutating func read() -> [Declaration] {
        for line in file.code.indices {
            if parentheses == 0, blocks.allSatisfy({ $0.kind == .type }), let new = start(of: file.code[line])
            {
                pending = (new.kind, new.name, line)
            }
            for character in file.code[line] { take(character, at: line) }
        }
        return found.sorted { $0.line < $1.line }
    }

    private mutating func take(_ character: Character, at line: Int) {
        switch character {
        case "(", "[": parentheses += 1
        case ")", "]": parentheses -= 1
        case "{":
            if parentheses == 0, let pending {
                blocks.append(Block(kind: pending.kind, name: pending.name, line: pending.line))
                self.pending = nil
            } else {
                blocks.append(Block(kind: nil, name: "", line: line, parentheses: parentheses))
            }
            parentheses = 0
        case "}":
            guard let block = blocks.popLast() else { return }
            parentheses = block.parentheses
            if blocks.isEmpty || block.kind != nil { pending = nil }
            guard let kind = block.kind else { return }
            found.append(
                Declaration(
                    kind: kind, name: block.name, comment: comment(above: block.line), line: block.line,
                    end: line))
        default: break
        }
    }

    private func comment(above line: Int) -> Int {
        var first = line
        while first > 0 {
            let text = file.lines[first - 1].drop { $0 == " " }
            guard text.hasPrefix("//") || text.hasPrefix("@") else { break }
            first -= 1
        }
        return first
    }

    private static let modifiers: Set<Substring> = [
        "public", "package", "internal", "private", "fileprivate", "open", "static", "final", "override",
        "mutating",
        "nonmutating", "consuming", "borrowing", "convenience", "required", "nonisolated", "indirect", "lazy",
        "weak",
        "unowned",
    ]

    /// What a line of code declares, by its first word that is no modifier.
    private func start(of code: String) -> (kind: Declaration.Kind, name: String)? {
        var bare = code.drop { $0 == " " }
        if bare.first == "@" { bare = bare.trimmingPrefix(/(@\w+(\([^)]*\))?\s+)*/) }
        let words = bare.split(separator: " ")
        guard let index = words.firstIndex(where: { !Self.modifiers.contains($0.prefix { $0 != "(" }) })
        else {
            return nil
        }
        let name = index + 1 < words.count ? String(words[index + 1].prefix { !"(<:=".contains($0) }) : ""
        let keyword = words[index].prefix { $0.isLetter }
        switch keyword {
        case "struct", "class", "enum", "extension", "protocol", "actor": return (.type, name)
        case "func", "var", "let": return (.member, name)
        case "init", "deinit", "subscript": return (.member, String(keyword))
        default: return nil
        }
    }
}
