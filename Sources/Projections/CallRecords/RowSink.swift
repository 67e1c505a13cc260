internal import Events

/// Takes a row's values one column after another: a statement to bind, bytes to compare, a line to print.
package protocol RowSink: ~Copyable {
    mutating func null()
    mutating func integer(_ value: Int64)
    /// A text of the world's, UTF-8.
    mutating func text(_ bytes: ArraySlice<UInt8>)
    /// A word of ours.
    mutating func word(_ value: String)
    /// A list or an object as JSON text.
    mutating func json(_ bytes: ArraySlice<UInt8>)
}

extension RowSink where Self: ~Copyable {
    mutating func integer(_ value: Int64?) {
        guard let value else { return null() }
        integer(value)
    }

    mutating func time(_ value: Timestamp?) {
        integer(value?.rawValue)
    }

    mutating func text(_ slice: TextSlice?, in bytes: [UInt8]) {
        guard let slice else { return null() }
        text(bytes[slice.range])
    }
}

/// What a column of a read model's table holds.
package enum ColumnKind: String, Sendable {
    case integer = "INTEGER"
    case text = "TEXT"
    /// JSON text.
    case json = "JSON"
}

package struct RecordColumn: Hashable, Sendable {
    package let name: String
    package let kind: ColumnKind
    package let mayBeNull: Bool

    package init(_ name: String, _ kind: ColumnKind, null mayBeNull: Bool = false) {
        self.name = name
        self.kind = kind
        self.mayBeNull = mayBeNull
    }
}

extension CallRecord {
    /// The columns of a record, in the order in which everything prints them.
    package static let columns: [RecordColumn] = [
        RecordColumn("callid", .text), RecordColumn("from_tag", .text), RecordColumn("to_tag", .text), RecordColumn("leg", .integer),
        RecordColumn("from_uri", .text, null: true), RecordColumn("to_uri", .text, null: true),
        RecordColumn("request_uri", .text, null: true), RecordColumn("src_ip", .text, null: true),
        RecordColumn("user_agent", .text, null: true), RecordColumn("callee_user_agent", .text, null: true),
        RecordColumn("started_at", .integer), RecordColumn("ringing_at", .integer, null: true),
        RecordColumn("answered_at", .integer, null: true), RecordColumn("ended_at", .integer),
        RecordColumn("setup_us", .integer), RecordColumn("duration_us", .integer), RecordColumn("attempts", .integer),
        RecordColumn("disposition", .text), RecordColumn("sip_code", .integer, null: true),
        RecordColumn("sip_reason", .text, null: true), RecordColumn("termination", .text, null: true),
        RecordColumn("ended_by", .text, null: true), RecordColumn("reason", .text, null: true),
        RecordColumn("last_proof_at", .integer, null: true), RecordColumn("session_interval", .integer),
        RecordColumn("refresher", .text, null: true), RecordColumn("refreshes", .integer),
        RecordColumn("billable_ms", .integer, null: true), RecordColumn("billing_basis", .text), RecordColumn("policy", .text),
        RecordColumn("extra", .json), RecordColumn("flags", .json), RecordColumn("sources", .json),
        RecordColumn("revision", .integer), RecordColumn("positions", .json),
    ]

    /// How many columns stand before `revision`: those whose change makes a new one.
    package static let revisedColumnCount = 33

    /// Hands the columns before `revision` to a sink.
    package func write<Sink: RowSink & ~Copyable>(
        to sink: inout Sink, of fold: borrowing CallFold, common: borrowing CallCommon, policy: String
    ) {
        let bytes = fold.bytes
        sink.text(fold.callID, in: bytes)
        sink.text(fold.fromTag, in: bytes)
        sink.text(toTag ?? TextSlice(start: 0, length: 0), in: bytes)
        sink.integer(Int64(leg))
        sink.text(fromURI, in: bytes)
        sink.text(toURI, in: bytes)
        sink.text(requestURI, in: bytes)
        sink.text(sourceIP, in: bytes)
        sink.text(userAgent, in: bytes)
        sink.text(calleeUserAgent, in: bytes)
        sink.time(startedAt)
        sink.time(ringingAt)
        sink.time(answeredAt)
        sink.time(endedAt)
        sink.integer(setupMicroseconds)
        sink.integer(durationMicroseconds)
        sink.integer(attempts)
        sink.word(disposition.rawValue)
        sink.integer(sipCode)
        sink.text(sipReason, in: bytes)
        if let termination { sink.word(termination.rawValue) } else { sink.null() }
        if endedBy.isEmpty { sink.null() } else { sink.word(endedBy) }
        sink.text(reason, in: bytes)
        sink.time(lastProofAt)
        sink.integer(sessionInterval)
        if let refresher { sink.word(refresher.name) } else { sink.null() }
        sink.integer(refreshes)
        sink.integer(bill.milliseconds)
        sink.word(bill.basis)
        sink.word(policy)
        sink.json(common.extra[...])
        sink.json(flags.json[...])
        sink.json(common.sources[...])
    }
}
