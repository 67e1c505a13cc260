package import Events

/// What the ledger says to a source.
package enum Answer: Sendable {
    case welcome(SourceEpoch, next: SequenceNumber, credit: Int)
    /// Every event up to `through` is on disk.
    case ack(SourceEpoch, through: SequenceNumber, credit: Int)
    case nack(SourceEpoch, expected: SequenceNumber)
    case credit(SourceEpoch, credit: Int)
    case error(Refusal, SourceEpoch?)

    /// Writes the header frame of the answer.
    func encode(to target: inout JSONBuffer, log: [UInt8]) {
        target.removeAll()
        switch self {
        case .welcome(let origin, let next, let credit):
            target.append(#"{"v":1,"op":"welcome","log":""#)
            target.append(log)
            target.append(#"","source":""#)
            target.append(origin.source)
            target.append(#"","epoch":"#)
            target.append(origin.epoch.rawValue)
            target.append(#","next_seq":"#)
            target.append(next.rawValue)
            target.append(#","credit":"#)
            target.append(Int64(credit))
        case .ack(let origin, let through, let credit):
            target.append(#"{"v":1,"op":"ack""#)
            target.append(origin)
            target.append(#","through":"#)
            target.append(through.rawValue)
            target.append(#","credit":"#)
            target.append(Int64(credit))
        case .nack(let origin, let expected):
            target.append(#"{"v":1,"op":"nack""#)
            target.append(origin)
            target.append(#","expected":"#)
            target.append(expected.rawValue)
        case .credit(let origin, let credit):
            target.append(#"{"v":1,"op":"credit""#)
            target.append(origin)
            target.append(#","credit":"#)
            target.append(Int64(credit))
        case .error(let refusal, let origin):
            target.append(#"{"v":1,"op":"error","code":""#)
            target.append(Array(refusal.code.rawValue.utf8))
            target.append(#"","reason":"#)
            target.appendQuoted(Array(refusal.reason.utf8))
            if let origin { target.append(origin) }
        }
        target.append("}")
    }
}
