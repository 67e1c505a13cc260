/// Why a message was not taken, as `error` says it in `code`. schemas/wire-protocol.md explains each.
package enum RefusalCode: String, CaseIterable, Sendable {
    /// Too few frames or too many.
    case badFrames = "bad_frames"
    /// The header is no header: no JSON object, a field twice, missing or of a wrong type.
    case badHeader = "bad_header"
    case unsupportedVersion = "unsupported_version"
    case unknownOperation = "unknown_op"
    case badSource = "bad_source"
    /// The source is `ledger`.
    case reservedSource = "reserved_source"
    case badEpoch = "bad_epoch"
    /// A sequence number out of range, or a range whose end lies before its beginning.
    case badSequence = "bad_seq"
    /// The payload does not have the number of lines that the header says.
    case countMismatch = "count_mismatch"
    /// Too many events or bytes for one batch.
    case tooLarge = "too_large"
    /// Another connection has said `hello` for this source and epoch since.
    case superseded
}

/// An `error` with the words that explain it.
package struct Refusal: Error, Hashable, Sendable {
    package let code: RefusalCode
    package let reason: String

    package init(_ code: RefusalCode, _ reason: String) {
        self.code = code
        self.reason = reason
    }
}
