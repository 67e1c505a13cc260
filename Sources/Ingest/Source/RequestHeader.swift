package import Events

/// Writes the headers that a source sends.
package struct RequestHeader: Sendable {
    private var buffer = JSONBuffer()

    package init() {}

    /// The header that was written last.
    package var bytes: [UInt8] { buffer.bytes }

    package mutating func hello(_ origin: SourceEpoch) {
        begin(#"{"v":1,"op":"hello""#, origin)
        buffer.append("}")
    }

    package mutating func batch(_ origin: SourceEpoch, first: Int64, count: Int) {
        begin(#"{"v":1,"op":"batch""#, origin)
        buffer.append(#","first_seq":"#)
        buffer.append(first)
        buffer.append(#","count":"#)
        buffer.append(Int64(count))
        buffer.append("}")
    }

    package mutating func heartbeat(_ origin: SourceEpoch, last: Int64, time: Timestamp) {
        begin(#"{"v":1,"op":"heartbeat""#, origin)
        buffer.append(#","last_seq":"#)
        buffer.append(last)
        buffer.append(#","time":"#)
        buffer.append(time.rawValue)
        buffer.append("}")
    }

    package mutating func skip(_ origin: SourceEpoch, _ range: NumberRange, reason: String) {
        begin(#"{"v":1,"op":"skip""#, origin)
        buffer.append(#","from_seq":"#)
        buffer.append(range.first)
        buffer.append(#","to_seq":"#)
        buffer.append(range.last)
        buffer.append(#","reason":"#)
        buffer.appendQuoted(Array(reason.utf8))
        buffer.append("}")
    }

    private mutating func begin(_ text: StaticString, _ origin: SourceEpoch) {
        buffer.removeAll()
        buffer.append(text)
        buffer.append(origin)
    }
}
