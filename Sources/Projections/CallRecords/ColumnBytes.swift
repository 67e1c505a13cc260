internal import Events

/// A record's columns as bytes that are equal exactly if the columns are: JSON values, one a line.
///
/// They are compared to tell whether a record has changed, and kept for the revisions that were superseded.
package struct ColumnBytes: RowSink {
    private var bytes: [UInt8] = []

    static func of(
        _ record: CallRecord, _ fold: borrowing CallFold, _ common: borrowing CallCommon, _ policy: String
    ) -> [UInt8] {
        var sink = ColumnBytes()
        sink.bytes.reserveCapacity(512)
        record.write(to: &sink, of: fold, common: common, policy: policy)
        return sink.bytes
    }

    package mutating func null() {
        bytes.append(contentsOf: "null\n".utf8)
    }

    package mutating func integer(_ value: Int64) {
        bytes.append(contentsOf: String(value).utf8)
        bytes.append(0x0A)
    }

    package mutating func text(_ text: ArraySlice<UInt8>) {
        JSONText.appendQuoted(text, to: &bytes)
        bytes.append(0x0A)
    }

    package mutating func word(_ value: String) {
        JSONText.appendQuoted(value.utf8, to: &bytes)
        bytes.append(0x0A)
    }

    package mutating func json(_ text: ArraySlice<UInt8>) {
        bytes.append(contentsOf: text)
        bytes.append(0x0A)
    }
}

extension ColumnBytes {
    /// The columns as one JSON object.
    package static func object(_ columns: [UInt8]) -> [UInt8] {
        var object: [UInt8] = [UInt8(ascii: "{")]
        let values = columns.split(separator: 0x0A)
        for (column, value) in zip(CallRecord.columns, values) {
            if object.count > 1 { object.append(UInt8(ascii: ",")) }
            JSONText.appendQuoted(column.name.utf8, to: &object)
            object.append(UInt8(ascii: ":"))
            object.append(contentsOf: value)
        }
        object.append(UInt8(ascii: "}"))
        return object
    }
}
