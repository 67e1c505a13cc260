internal import Events

/// What a column of a read model's table holds.
package enum ColumnKind: String, Sendable {
    case integer = "INTEGER"
    case text = "TEXT"
    /// JSON text.
    case json = "JSON TEXT"
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
        RecordColumn("callid", .text), RecordColumn("from_tag", .text), RecordColumn("to_tag", .text),
        RecordColumn("leg", .integer),
        RecordColumn("from_uri", .text, null: true), RecordColumn("to_uri", .text, null: true),
        RecordColumn("request_uri", .text, null: true), RecordColumn("src_ip", .text, null: true),
        RecordColumn("user_agent", .text, null: true), RecordColumn("callee_user_agent", .text, null: true),
        RecordColumn("started_at", .integer), RecordColumn("ringing_at", .integer, null: true),
        RecordColumn("answered_at", .integer, null: true), RecordColumn("ended_at", .integer),
        RecordColumn("setup_us", .integer), RecordColumn("duration_us", .integer),
        RecordColumn("attempts", .integer),
        RecordColumn("disposition", .text), RecordColumn("sip_code", .integer, null: true),
        RecordColumn("sip_reason", .text, null: true), RecordColumn("termination", .text, null: true),
        RecordColumn("ended_by", .text, null: true), RecordColumn("reason", .text, null: true),
        RecordColumn("last_proof_at", .integer, null: true), RecordColumn("session_interval", .integer),
        RecordColumn("refresher", .text, null: true), RecordColumn("refreshes", .integer),
        RecordColumn("billable_ms", .integer, null: true), RecordColumn("billing_basis", .text),
        RecordColumn("policy", .text),
        RecordColumn("extra", .json), RecordColumn("flags", .json), RecordColumn("sources", .json),
        RecordColumn("revision", .integer), RecordColumn("positions", .json),
    ]

    /// How many columns stand before `revision`: those whose change makes a new one.
    package static let revisedColumnCount = 33

    /// Appends the columns before `revision`.
    package func append(
        to rows: inout RowBatch, of fold: borrowing CallFold, common: borrowing CallCommon, policy: String
    ) {
        // No text of the call stands in two columns.
        let textMax =
            fold.bytes.count + common.extra.count + common.sources.count + policy.utf8.count
            + Self.ownTextMax
        // Safety: the fold's bytes are lent while the row is filled from them.
        unsafe fold.bytes.withUnsafeBufferPointer { bytes in
            rows.fill(cells: Self.revisedColumnCount, textBytes: textMax) { row in
                unsafe row.append(fold.callID, in: bytes)
                unsafe row.append(fold.fromTag, in: bytes)
                unsafe appendParties(to: &row, from: bytes)
                unsafe appendOutcome(to: &row, from: bytes, policy: policy)
                row.append(common.extra)
                row.append(flags.json)
                row.append(common.sources)
            }
        }
    }

    /// More than the flags and the ledger's own words in a record take.
    private static let ownTextMax = 512

    @unsafe
    private func appendParties(to row: inout RowFiller, from bytes: UnsafeBufferPointer<UInt8>) {
        // Safety: each slice is checked where it is appended.
        unsafe row.append(toTag ?? TextSlice(start: 0, length: 0), in: bytes)
        row.integer(Int64(leg))
        unsafe row.append(fromURI, in: bytes)
        unsafe row.append(toURI, in: bytes)
        unsafe row.append(requestURI, in: bytes)
        unsafe row.append(sourceIP, in: bytes)
        unsafe row.append(userAgent, in: bytes)
        unsafe row.append(calleeUserAgent, in: bytes)
    }

    @unsafe
    private func appendOutcome(
        to row: inout RowFiller, from bytes: UnsafeBufferPointer<UInt8>, policy: String
    ) {
        // Safety: each slice is checked where it is appended.
        row.time(startedAt)
        row.time(ringingAt)
        row.time(answeredAt)
        row.time(endedAt)
        row.integer(setupMicroseconds)
        row.integer(durationMicroseconds)
        row.integer(attempts)
        row.word(disposition.rawValue)
        row.integer(orNull: sipCode)
        unsafe row.append(sipReason, in: bytes)
        if let termination { row.word(termination.rawValue) } else { row.null() }
        row.word(endedBy)
        unsafe row.append(reason, in: bytes)
        row.time(lastProofAt)
        row.integer(sessionInterval)
        if let refresher { row.word(refresher.name) } else { row.null() }
        row.integer(refreshes)
        row.integer(orNull: bill.milliseconds)
        row.word(bill.basis)
        row.word(policy)
    }
}

extension LegTimer {
    /// Appends the columns of a record from `revision` on.
    func append(to rows: inout RowBatch, _ revision: Int64, _ positions: [UInt8]) {
        let textMax = positions.count + marks.count + Self.wordMax
        rows.fill(cells: 2 + Self.columnCount, textBytes: textMax) { row in
            row.integer(revision)
            row.append(positions)
            row.append(marks)
            row.time(expiresAt)
            row.integer(isHung ? 1 : 0)
            row.integer(overrun)
            row.integer(unproven)
            row.time(deadline)
            row.integer(Int64(lastProofPosition.rawValue))
            row.word(lastProofType.name)
        }
    }

    /// The same of a record without a leg.
    static func appendNone(to rows: inout RowBatch, _ revision: Int64, _ positions: [UInt8]) {
        rows.integer(revision)
        rows.append(positions)
        for _ in 0..<columnCount { rows.null() }
    }

    private static let columnCount = columns.count
    /// More than the name of an event's type takes.
    private static let wordMax = 64
}
