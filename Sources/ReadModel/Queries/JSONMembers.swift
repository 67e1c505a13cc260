/// The members of a JSON object of the ledger's own, as they stand: names of fields need no unescaping, and
/// numbers keep how they were written.
package enum JSONMembers {
    /// - Parameter object: valid JSON; anything else has no members.
    package static func of(_ object: some StringProtocol) -> [(name: String, value: String)] {
        let bytes = Array(object.utf8)
        var members: [(name: String, value: String)] = []
        var index = 0
        func skipSpace() {
            while index < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[index]) { index += 1 }
        }
        func take(_ byte: UInt8) -> Bool {
            skipSpace()
            guard index < bytes.count, bytes[index] == byte else { return false }
            index += 1
            return true
        }
        guard take(UInt8(ascii: "{")) else { return [] }
        repeat {
            skipSpace()
            let name = end(of: bytes, from: index)
            guard name > index + 1, bytes[index] == UInt8(ascii: "\"") else { break }
            let text = String(decoding: bytes[index + 1..<name - 1], as: UTF8.self)
            index = name
            guard take(UInt8(ascii: ":")) else { break }
            skipSpace()
            let value = end(of: bytes, from: index)
            members.append((text, String(decoding: bytes[index..<value], as: UTF8.self)))
            index = value
        } while take(UInt8(ascii: ","))
        return members
    }

    /// The items of a JSON list, as they stand.
    package static func items(_ list: some StringProtocol) -> [String] {
        let bytes = Array(list.utf8)
        var items: [String] = []
        var index = 1
        while index < bytes.count {
            let end = end(of: bytes, from: index)
            if end > index { items.append(String(decoding: bytes[index..<end], as: UTF8.self)) }
            index = end + 1
        }
        return items
    }

    /// Where the value that begins at `start` ends.
    private static func end(of bytes: [UInt8], from start: Int) -> Int {
        var depth = 0
        var isText = false
        var index = start
        while index < bytes.count {
            let byte = bytes[index]
            if isText {
                if byte == UInt8(ascii: "\\") {
                    index += 1
                } else if byte == UInt8(ascii: "\"") {
                    isText = false
                    if depth == 0 { return index + 1 }
                }
            } else {
                switch byte {
                case UInt8(ascii: "\""): isText = true
                case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
                case UInt8(ascii: "}"), UInt8(ascii: "]"):
                    if depth == 0 { return index }
                    depth -= 1
                    if depth == 0 { return index + 1 }
                case UInt8(ascii: ","), UInt8(ascii: ":"), 0x20, 0x09, 0x0A, 0x0D:
                    if depth == 0 { return index }
                default: break
                }
            }
            index += 1
        }
        return bytes.count
    }
}
