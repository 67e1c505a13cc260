/// Text as a terminal shows it: how many cells it takes, and what must not reach a terminal.
enum DisplayText {
    /// The number of cells that a text takes.
    static func width(_ text: String) -> Int {
        if text.utf8.allSatisfy({ $0 < 0x80 }) { return text.utf8.count }
        return text.reduce(0) { $0 + width($1) }
    }

    static func width(_ character: Character) -> Int {
        guard let scalar = character.unicodeScalars.first else { return 0 }
        if character.unicodeScalars.contains("\u{FE0F}") { return 2 }
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format, .control: return 0
        default: return isWide(scalar.value) ? 2 : 1
        }
    }

    /// The text with everything that would move the cursor or change the terminal made visible: what proxies
    /// say comes from strangers.
    static func harmless(_ text: String) -> String {
        let isHarmless = text.unicodeScalars.allSatisfy { !isDangerous($0) }
        if isHarmless { return text }
        var shown = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n": shown += "\\n"
            case "\r": shown += "\\r"
            case "\t": shown += "\\t"
            case _ where isDangerous(scalar): shown += "\\u{\(String(scalar.value, radix: 16))}"
            default: shown.unicodeScalars.append(scalar)
            }
        }
        return shown
    }

    /// The text in at most `width` cells; what was cut shows as “…”.
    static func fitted(_ text: String, to width: Int) -> String {
        guard Self.width(text) > width else { return text }
        var kept = ""
        var used = 0
        for character in text {
            let cells = Self.width(character)
            if used + cells > width - 1 { break }
            kept.append(character)
            used += cells
        }
        return kept + "…"
    }

    /// The text in lines of at most `width` cells, broken at spaces where there are any.
    ///
    /// - Parameters:
    ///   - lead: what the first line begins with, as it stands.
    ///   - hanging: after how many spaces the other lines begin.
    static func wrapped(_ text: String, to width: Int, lead: String, hanging: Int) -> [String] {
        var lines: [String] = []
        var line = lead
        var used = self.width(lead)
        var isEmpty = true
        func end() {
            lines.append(line)
            line = String(repeating: " ", count: hanging)
            used = hanging
            isEmpty = true
        }
        for word in text.split(separator: " ") {
            var rest = String(word)
            if !isEmpty, used + 1 + self.width(rest) > width { end() }
            while used + (isEmpty ? 0 : 1) + self.width(rest) > width, width - hanging > 1 {
                // A word that no line has room for.
                let part = rest.prefix(max(1, width - used))
                line += part
                rest = String(rest.dropFirst(part.count))
                end()
            }
            line += (isEmpty ? "" : " ") + rest
            used += (isEmpty ? 0 : 1) + self.width(rest)
            isEmpty = false
        }
        if !isEmpty || lines.isEmpty { lines.append(line) }
        return lines
    }

    private static func isDangerous(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        // Controls, and the marks that turn the direction of writing around.
        case 0..<0x20, 0x7F..<0xA0, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069: true
        default: false
        }
    }

    /// East Asian wide and full-width forms, and emoji (Unicode Standard Annex 11).
    private static func isWide(_ value: UInt32) -> Bool {
        switch value {
        case 0x1100...0x115F, 0x231A...0x231B, 0x23E9...0x23EC, 0x2E80...0x303E, 0x3041...0x33FF,
            0x3400...0x4DBF, 0x4E00...0x9FFF, 0xA000...0xA4CF, 0xA960...0xA97C, 0xAC00...0xD7A3,
            0xF900...0xFAFF,
            0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F680...0x1F6FF,
            0x1F900...0x1F9FF, 0x1FA70...0x1FAFF, 0x20000...0x3FFFD:
            true
        default: false
        }
    }
}
