/// A small JSON object as people write it into a file: members whose values are texts, numbers or words, each
/// with the line that it stands in.
///
/// Reads one file of a few lines. What is wrong with it is told with its line, which Foundation's reader
/// doesn't know.
struct FlatObject {
    enum Value {
        case text(String)
        /// As it was written.
        case number(String)
        case null
        /// `true`, `false`, a list or an object, in words.
        case other(String)
    }

    struct Member {
        let key: String
        let value: Value
        /// Counted from 1.
        let line: Int
    }

    /// What is wrong, and in which line.
    struct Fault: Error {
        let line: Int
        let message: String
    }

    private(set) var members: [Member] = []

    /// - Throws: where it is no JSON object (RFC 8259), and where a key stands twice.
    init(_ bytes: [UInt8]) throws(Fault) {
        var reading = Reading(bytes: bytes)
        members = try reading.members()
    }
}

extension FlatObject {
    private struct Reading {
        let bytes: [UInt8]
        private var place = 0
        private var line = 1

        init(bytes: [UInt8]) {
            self.bytes = bytes
        }

        mutating func members() throws(Fault) -> [Member] {
            var members: [Member] = []
            skipSpace()
            guard take("{") else { throw fault("it begins with “{”") }
            skipSpace()
            if !take("}") {
                repeat {
                    skipSpace()
                    let first = line
                    guard peek() == UInt8(ascii: "\"") else { throw fault("a key in quotes is expected") }
                    let key = try text()
                    if members.contains(where: { $0.key.utf8.elementsEqual(key.utf8) }) {
                        throw Fault(line: first, message: "“\(key)” stands there a second time")
                    }
                    skipSpace()
                    guard take(":") else { throw fault("“:” is expected behind “\(key)”") }
                    skipSpace()
                    members.append(Member(key: key, value: try value(of: key), line: first))
                    skipSpace()
                } while take(",")
                guard take("}") else { throw fault("“,” or “}” is expected") }
            }
            skipSpace()
            guard place == bytes.count else { throw fault("there is more behind the closing “}”") }
            return members
        }

        private mutating func value(of key: String) throws(Fault) -> Value {
            switch peek() {
            case UInt8(ascii: "\""): return .text(try text())
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                throw fault("“\(key)” holds a list or an object, where a text or a number belongs")
            default: break
            }
            let start = place
            while let byte = peek(), !Self.endsWord(byte) { place += 1 }
            let word = String(decoding: bytes[start..<place], as: UTF8.self)
            switch word {
            case "null": return .null
            case "true", "false": return .other(word)
            default: break
            }
            guard word.wholeMatch(of: /-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/) != nil else {
                throw fault(
                    word.isEmpty ? "“\(key)” has no value" : "“\(key)” is \(word), which is no JSON value")
            }
            return .number(word)
        }

        private mutating func text() throws(Fault) -> String {
            let first = line
            place += 1
            var decoded: [UInt8] = []
            while let byte = peek() {
                place += 1
                switch byte {
                case UInt8(ascii: "\""):
                    guard let text = String(validating: decoded, as: UTF8.self) else {
                        throw Fault(line: first, message: "a text is not UTF-8")
                    }
                    return text
                case UInt8(ascii: "\\"): try appendEscaped(to: &decoded)
                case ..<0x20: throw fault("a text is not ended, or holds a control character")
                default: decoded.append(byte)
                }
            }
            throw Fault(line: first, message: "a text is not ended")
        }

        private mutating func appendEscaped(to decoded: inout [UInt8]) throws(Fault) {
            guard let byte = peek() else { throw fault("a text is not ended") }
            place += 1
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): decoded.append(byte)
            case UInt8(ascii: "b"): decoded.append(0x08)
            case UInt8(ascii: "f"): decoded.append(0x0C)
            case UInt8(ascii: "n"): decoded.append(0x0A)
            case UInt8(ascii: "r"): decoded.append(0x0D)
            case UInt8(ascii: "t"): decoded.append(0x09)
            case UInt8(ascii: "u"):
                let first = try codeUnit()
                var units = [first]
                if UTF16.isLeadSurrogate(first), take("\\"), take("u") { units.append(try codeUnit()) }
                guard let text = String(validating: units, as: UTF16.self) else {
                    throw fault("a text holds half a character, \\u\(String(first, radix: 16))")
                }
                decoded.append(contentsOf: text.utf8)
            default: throw fault("a text holds an escape that JSON doesn't know")
            }
        }

        private mutating func codeUnit() throws(Fault) -> UInt16 {
            let digits = String(decoding: bytes[place..<min(place + 4, bytes.count)], as: UTF8.self)
            guard digits.utf8.count == 4, digits.allSatisfy(\.isHexDigit),
                let unit = UInt16(digits, radix: 16)
            else { throw fault("four hex digits are expected behind \\u") }
            place += 4
            return unit
        }

        private func peek() -> UInt8? { place < bytes.count ? bytes[place] : nil }

        private mutating func take(_ character: Unicode.Scalar) -> Bool {
            guard peek() == UInt8(ascii: character) else { return false }
            place += 1
            return true
        }

        private mutating func skipSpace() {
            while let byte = peek(), byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D {
                if byte == 0x0A { line += 1 }
                place += 1
            }
        }

        private static func endsWord(_ byte: UInt8) -> Bool {
            byte <= 0x20 || ",:{}[]\"".utf8.contains(byte)
        }

        private func fault(_ message: String) -> Fault { Fault(line: line, message: message) }
    }
}
