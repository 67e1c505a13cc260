internal import Events

extension RowBatch {
    /// What the record says whose columns before `revision` have just been appended, as the JSON object that
    /// an old revision keeps: the text that SQLite's `json_object` makes of the same columns.
    func revisionText() -> [UInt8] {
        var json: [UInt8] = [UInt8(ascii: "{")]
        json.reserveCapacity(1024)
        for (cell, column) in zip(openCells, CallRecord.columns) {
            if json.count > 1 { json.append(UInt8(ascii: ",")) }
            json.append(UInt8(ascii: "\""))
            json.append(contentsOf: column.name.utf8)
            json.append(contentsOf: "\":".utf8)
            switch cell {
            case .null: json.append(contentsOf: "null".utf8)
            case .integer(let value): json.append(contentsOf: String(value).utf8)
            case .text(let start, let length), .blob(let start, let length):
                let value = text[Int(start)..<Int(start) + Int(length)]
                if column.kind == .json {
                    json.append(contentsOf: value)
                } else {
                    Self.appendQuoted(value, to: &json)
                }
            }
        }
        json.append(UInt8(ascii: "}"))
        return json
    }

    /// A JSON string with the escapes that SQLite writes.
    private static func appendQuoted(_ value: ArraySlice<UInt8>, to json: inout [UInt8]) {
        json.append(UInt8(ascii: "\""))
        for byte in value {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                json.append(UInt8(ascii: "\\"))
                json.append(byte)
            case 0x08: json.append(contentsOf: "\\b".utf8)
            case 0x09: json.append(contentsOf: "\\t".utf8)
            case 0x0A: json.append(contentsOf: "\\n".utf8)
            case 0x0C: json.append(contentsOf: "\\f".utf8)
            case 0x0D: json.append(contentsOf: "\\r".utf8)
            case ..<0x20:
                json.append(contentsOf: "\\u00".utf8)
                json.append(0x30 + byte >> 4)
                json.append(hexDigits[Int(byte & 15)])
            default: json.append(byte)
            }
        }
        json.append(UInt8(ascii: "\""))
    }

    private static let hexDigits = Array("0123456789abcdef".utf8)
}
