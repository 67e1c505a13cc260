/// Lines that are no valid events, each breaking another rule of the vocabulary.
extension EventBytes {
    /// What `statement` has become by its damage. No line end stands in it.
    mutating func appendDamaged(_ statement: borrowing Statement, agents: borrowing [UserAgent]) {
        reserve(TrafficLimits.eventBytesReserved)
        switch statement.damage {
        case .none: append(statement, agents: agents)
        case .wrongType:
            appendHead(statement)
            append("\",\"from_tag\":17,\"cseq\":1}")
        case .missingField:
            appendHead(statement)
            append("\"}")
        case .outOfRange:
            appendHead(statement)
            append("\",\"from_tag\":\"a\",\"cseq\":2147483648}")
        case .duplicateKey:
            appendHead(statement)
            append("\",\"from_tag\":\"a\",\"cseq\":1,\"cseq\":1}")
        case .unknownParty:
            appendHead(statement)
            append("\",\"from_tag\":\"a\",\"cseq\":1,\"by\":\"gateway\"}")
        case .loneSurrogate:
            appendHead(statement)
            append("\",\"from_tag\":\"a\",\"cseq\":1,\"user_agent\":\"\\ud83d\"}")
        case .future:
            append("{\"type\":\"dialog.trying\",\"time\":253402300799999999,\"callid\":\"")
            append(hex: UInt32(truncatingIfNeeded: statement.seed))
            append("\",\"from_tag\":\"a\",\"cseq\":1}")
        case .tooLong: appendTooLong(statement)
        case .noJSON: append("INVITE sip:+49891234567@10.0.0.1 SIP/2.0")
        case .cutOff: appendHead(statement)
        case .invalidUTF8:
            appendHead(statement)
            append("\",\"from_tag\":\"a\",\"cseq\":1,\"user_agent\":\"Fernsprech")
            append(byte: 0xE4)
            append("mter\"}")
        case .twoObjects:
            append(statement, agents: agents)
            append("{}")
        case .empty: break
        }
    }

    private mutating func appendHead(_ statement: borrowing Statement) {
        append("{\"type\":\"dialog.trying\",\"time\":")
        append(decimal: UInt64(statement.time))
        append(",\"callid\":\"")
        append(hex: UInt32(truncatingIfNeeded: statement.seed))
    }

    private mutating func appendTooLong(_ statement: borrowing Statement) {
        let end = count + TrafficLimits.eventBytesTooMany
        appendHead(statement)
        append("\",\"from_tag\":\"a\",\"cseq\":1,\"padding\":\"")
        reserve(TrafficLimits.eventBytesTooMany + 8)
        while count < end - 2 {
            append(byte: UInt8(ascii: "x"))
        }
        append("\"}")
    }
}
