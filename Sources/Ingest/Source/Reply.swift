internal import Events

/// What the ledger says, as a source reads it.
package enum Reply: Hashable, Sendable {
    case welcome(log: [UInt8], next: Int64, credit: Int64)
    case ack(through: Int64, credit: Int64)
    case nack(expected: Int64)
    case credit(Int64)
    case error(code: String, reason: String)

    /// Reads a header frame from the ledger. Null where it is none that version 1 knows: a source ignores it.
    package static func read(_ bytes: borrowing Span<UInt8>) -> Reply? {
        guard let fields = try? HeaderScanner.scan(bytes), fields[.version] == 1, !fields.hasWrongType,
            let operation = fields[.operation]
        else { return nil }
        if operation.equals("ack", in: bytes) {
            guard let through = fields[.through], let credit = fields[.credit] else { return nil }
            return .ack(through: through, credit: credit)
        }
        if operation.equals("welcome", in: bytes) {
            guard let next = fields[.nextSequence], next >= 1, let credit = fields[.credit],
                let log = fields[.log]
            else { return nil }
            return .welcome(log: log.resolved(in: bytes), next: next, credit: credit)
        }
        if operation.equals("nack", in: bytes) {
            return fields[.expected].map { .nack(expected: $0) }
        }
        if operation.equals("credit", in: bytes) {
            return fields[.credit].map { .credit($0) }
        }
        if operation.equals("error", in: bytes) {
            guard let code = fields[.code], let reason = fields[.reason] else { return nil }
            return .error(
                code: String(decoding: code.resolved(in: bytes), as: UTF8.self),
                reason: String(decoding: reason.resolved(in: bytes), as: UTF8.self))
        }
        return nil
    }
}
