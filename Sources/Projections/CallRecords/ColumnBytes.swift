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
