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

package struct Column: Hashable, Sendable {
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
    package static let columns: [Column] = [
        Column("callid", .text), Column("from_tag", .text), Column("to_tag", .text), Column("leg", .integer),
        Column("from_uri", .text, null: true), Column("to_uri", .text, null: true),
        Column("request_uri", .text, null: true), Column("src_ip", .text, null: true),
        Column("user_agent", .text, null: true), Column("callee_user_agent", .text, null: true),
        Column("started_at", .integer), Column("ringing_at", .integer, null: true),
        Column("answered_at", .integer, null: true), Column("ended_at", .integer),
        Column("setup_us", .integer), Column("duration_us", .integer), Column("attempts", .integer),
        Column("disposition", .text), Column("sip_code", .integer, null: true),
        Column("sip_reason", .text, null: true), Column("termination", .text, null: true),
        Column("ended_by", .text, null: true), Column("reason", .text, null: true),
        Column("last_proof_at", .integer, null: true), Column("session_interval", .integer),
        Column("refresher", .text, null: true), Column("refreshes", .integer),
        Column("billable_ms", .integer, null: true), Column("billing_basis", .text), Column("policy", .text),
        Column("extra", .json), Column("flags", .json), Column("sources", .json),
        Column("revision", .integer), Column("positions", .json),
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
