internal import Events

/// Reads what `CallState` packs. The bytes are our own: damage in them is a bug of ours and traps.
struct PackedReader {
    private let bytes: [UInt8]
    private var offset = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    var hasMore: Bool { offset < bytes.count }

    mutating func varint() -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = bytes[offset]
            offset += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
    }

    mutating func signed() -> Int64 {
        let value = varint()
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    mutating func text() -> TextSlice {
        let length = Int(varint())
        let slice = TextSlice(start: offset, length: length)
        precondition(slice.range.upperBound <= bytes.count, "a packed text runs over the end")
        offset += length
        return slice
    }

    mutating func fact(into fact: inout Fact, tags: inout [TextSlice], baseTime: Int64, basePosition: UInt64) {
        fact = Fact()
        guard let type = EventType(rawValue: bytes[offset]) else { preconditionFailure("no such packed type") }
        fact.type = type
        offset += 1
        fact.position = Position(rawValue: basePosition &+ UInt64(bitPattern: signed()))
        fact.time = Timestamp(rawValue: baseTime &+ signed())
        fact.sourceEpoch = UInt32(varint())
        fact.seq = Int64(bitPattern: varint())
        fact.present = FieldSet(rawValue: varint() << 2)
        var rest = fact.present.rawValue
        while rest != 0 {
            let bit = rest.trailingZeroBitCount
            rest &= rest &- 1
            guard let field = Field(rawValue: UInt8(bit)) else { preconditionFailure("no such packed field") }
            take(field, into: &fact, &tags)
        }
    }

    private mutating func take(_ field: Field, into fact: inout Fact, _ tags: inout [TextSlice]) {
        switch field {
        case .toTag:
            let number = varint()
            if number == 0 {
                tags.append(text())
                fact.tag = Int32(tags.count - 1)
            } else {
                fact.tag = Int32(number - 1)
            }
        case .method: fact.method = text()
        case .sipReason: fact.sipReason = text()
        case .reason: fact.reason = text()
        case .fromURI: fact.fromURI = text()
        case .toURI: fact.toURI = text()
        case .requestURI: fact.requestURI = text()
        case .sourceIP: fact.sourceIP = text()
        case .userAgent: fact.userAgent = text()
        case .extra: fact.extra = text()
        case .cseq: fact.cseq = signed()
        case .sipCode: fact.sipCode = signed()
        case .by: fact.by = Side(rawValue: UInt8(truncatingIfNeeded: signed()))
        case .sessionExpires: fact.sessionExpires = signed()
        case .refresher: fact.refresher = Refresher(rawValue: UInt8(truncatingIfNeeded: signed()))
        case .minSE: fact.minSE = signed()
        case .supportedTimer: fact.supportedTimer = signed() != 0
        case .requireTimer: fact.requireTimer = signed() != 0
        case .forwardedSessionExpires: fact.forwardedSessionExpires = signed()
        case .forwardedRefresher:
            fact.forwardedRefresher = Refresher(rawValue: UInt8(truncatingIfNeeded: signed()))
        case .forwardedMinSE: fact.forwardedMinSE = signed()
        case .lifetime: fact.lifetime = signed()
        case .byeSent: fact.byeSent = signed() != 0
        case .deadline: fact.deadline = signed()
        default: preconditionFailure("\(field) is never packed")
        }
    }
}
