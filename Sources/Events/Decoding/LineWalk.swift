/// The walk over a line's tokens: the grammar of RFC 8259, and where the listed fields stand.
///
/// It is a small value of its own, so that its state stays in registers while it walks.
struct LineWalk {
    private let bytes: PaddedBytes
    private let tokens: TokenList
    /// What token offsets count from.
    private let origin: Int
    private let mayEscape: Bool
    private let names: DecoderNames
    private let keys: KeyStack
    /// The token to be read next.
    private(set) var nextToken: Int

    init(
        _ bytes: PaddedBytes, _ tokens: TokenList, from nextToken: Int, origin: Int, mayEscape: Bool,
        names: DecoderNames, keys: KeyStack
    ) {
        self.bytes = bytes
        self.tokens = tokens
        self.nextToken = nextToken
        self.origin = origin
        self.mayEscape = mayEscape
        self.names = names
        self.keys = keys
    }

    /// What is learnt on the way about fields that are judged only once the type is known.
    struct Header {
        var hasType = false
        var sawType = false
        var seen: FieldSet = []
        var isLedgers = false
        var typeFault: EventFault?
        var timeFault: EventFault?
        var fieldFault: EventFault?
        /// Of a field that only the ledger's own types list.
        var ledgerFault: EventFault?
    }

    /// Where a token stands in the payload; the end of the line for what lies behind it.
    @inline(__always)
    private func token(_ index: Int, _ lineEnd: Int) -> Int {
        let offset = index < tokens.count ? origin &+ tokens[index] : lineEnd
        return offset < lineEnd ? offset : lineEnd
    }

    /// Walks the line of `view`, which must be one object, and notes its fields.
    mutating func walkEvent(into view: inout EventView, _ header: inout Header) -> EventFault? {
        let end = view.end
        var here = token(nextToken, end)
        guard here < end else { return EventFault(.notJSON) }
        guard bytes[here] == UInt8(ascii: "{") else {
            let isValue = skipValue(end) == nil && token(nextToken, end) >= end
            return EventFault(isValue ? .notAnObject : .notJSON)
        }
        keys.removeAll()
        keys.open()
        nextToken += 1
        here = token(nextToken, end)
        if here < end, bytes[here] == UInt8(ascii: "}") {
            nextToken += 1
        } else {
            while true {
                if let fault = walkMember(into: &view, &header) { return fault }
                here = token(nextToken, end)
                guard here < end else { return EventFault(.notJSON) }
                nextToken += 1
                if bytes[here] == UInt8(ascii: ",") { continue }
                guard bytes[here] == UInt8(ascii: "}") else { return EventFault(.notJSON) }
                break
            }
        }
        guard token(nextToken, end) >= end else { return EventFault(.notJSON) }
        return keys.close(in: bytes) ? nil : EventFault(.duplicateKey)
    }

    private mutating func walkMember(into view: inout EventView, _ header: inout Header) -> EventFault? {
        let end = view.end
        let key: TextRange
        switch takeString(end) {
        case .success(let text): key = text
        case .failure(let fault): return fault
        }
        let colon = token(nextToken, end)
        guard colon < end, bytes[colon] == UInt8(ascii: ":") else { return EventFault(.notJSON) }
        nextToken += 1
        let known = find(key, names.fields)
        guard let known else {
            keys.append(key)
            return skipValue(end)
        }
        if known == NameTable.typeMark {
            guard !header.sawType else { return EventFault(.duplicateKey) }
            header.sawType = true
            return takeType(into: &view, &header)
        }
        guard let field = Field(rawValue: known) else { preconditionFailure("the table names no such field") }
        guard !header.seen.has(field) else { return EventFault(.duplicateKey) }
        header.seen.formUnion(FieldSet(field))
        return takeField(field, into: &view, &header)
    }

    /// Looks a text up among known names, escapes resolved.
    @inline(__always)
    private func find(_ text: TextRange, _ names: NameTable) -> UInt8? {
        text.isEscaped
            ? findEscaped(text, names) : names.find(bytes, start: Int(text.start), length: text.length)
    }

    private func findEscaped(_ text: TextRange, _ names: NameTable) -> UInt8? {
        var resolved: [UInt8] = []
        JSONText.append(text, in: bytes, to: &resolved)
        let padded = PaddedBuffer(copying: resolved)
        return names.find(padded.bytes, start: 0, length: padded.count)
    }

    /// Takes the string that begins at the next token.
    private mutating func takeString(_ lineEnd: Int) -> Result<TextRange, EventFault> {
        let here = token(nextToken, lineEnd)
        guard here < lineEnd, bytes[here] == UInt8(ascii: "\"") else { return .failure(EventFault(.notJSON)) }
        nextToken += 1
        // Between a string's opening quote and the next token stand only the string and white space.
        var close = token(nextToken, lineEnd) - 1
        while close > here, Self.isSpace(bytes[close]) { close -= 1 }
        guard close > here, bytes[close] == UInt8(ascii: "\"") else { return .failure(EventFault(.notJSON)) }
        guard mayEscape,
            EventDecoder.offset(of: UInt8(ascii: "\\"), in: bytes, from: here + 1, to: close) != nil
        else { return .success(TextRange(start: here + 1, end: close, isEscaped: false)) }
        if let code = JSONText.fault(in: bytes, from: here + 1, to: close) {
            return .failure(EventFault(code))
        }
        return .success(TextRange(start: here + 1, end: close, isEscaped: true))
    }

    private mutating func takeType(into view: inout EventView, _ header: inout Header) -> EventFault? {
        let here = token(nextToken, view.end)
        guard here < view.end else { return EventFault(.notJSON) }
        guard bytes[here] == UInt8(ascii: "\"") else {
            if bytes[here] != UInt8(ascii: "n") {
                header.typeFault = EventFault(.wrongType, isType: true)
            }
            return skipValue(view.end)
        }
        switch takeString(view.end) {
        case .failure(let fault): return fault
        case .success(let text):
            header.hasType = true
            if text.isEscaped {
                var resolved = [UInt8]()
                JSONText.append(text, in: bytes, to: &resolved)
                let padded = PaddedBuffer(copying: resolved)
                setType(of: &view, &header, padded.bytes, start: 0, length: padded.count)
            } else {
                setType(of: &view, &header, bytes, start: Int(text.start), length: text.length)
            }
            return nil
        }
    }

    private func setType(
        of view: inout EventView, _ header: inout Header, _ text: PaddedBytes, start: Int, length: Int
    ) {
        if let known = names.types.find(text, start: start, length: length) {
            view.type = EventType(rawValue: known) ?? .unknown
            header.isLedgers = view.type.isLedgers
        } else if length >= 7 {
            // "ledger." as the low seven bytes of a word.
            header.isLedgers = text.word(at: start) & 0x00FF_FFFF_FFFF_FFFF == 0x002E_7265_6764_656C
        }
    }

    private mutating func takeField(
        _ field: Field, into view: inout EventView, _ header: inout Header
    ) -> EventFault? {
        let end = view.end
        let here = token(nextToken, end)
        guard here < end else { return EventFault(.notJSON) }
        var fault: EventFault?
        switch bytes[here] {
        case UInt8(ascii: "\""):
            switch takeString(end) {
            case .failure(let fault): return fault
            case .success(let text): fault = note(text, as: field, in: &view)
            }
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            switch takeNumber(end) {
            case .failure(let fault): return fault
            case .success(let number): fault = note(number, as: field, in: &view)
            }
        case UInt8(ascii: "n"):
            // A null field counts as absent.
            return takeLiteral(0x6C6C_756E, length: 4, end)
        case UInt8(ascii: "t"):
            if let fault = takeLiteral(0x6575_7274, length: 4, end) { return fault }
            fault = note(true, as: field, in: &view)
        case UInt8(ascii: "f"):
            if let fault = takeLiteral(0x736C_6166, length: 5, end) { return fault }
            fault = note(false, as: field, in: &view)
        case UInt8(ascii: "{") where field == .extra:
            var holdsOthers = false
            if let fault = skipContainer(end, scalarsOnly: &holdsOthers) { return fault }
            // The container's last token is the one just taken: its closing brace.
            let container = TextRange(start: here, end: token(nextToken - 1, end) + 1, isEscaped: false)
            view.setText(at: Int(field.rawValue), container)
            if holdsOthers {
                fault = EventFault(.wrongType, field: field)
            } else {
                view.present.formUnion(FieldSet(field))
            }
        default:
            if let fault = skipValue(end) { return fault }
            fault = EventFault(.wrongType, field: field)
        }
        if let fault {
            if field == .time { header.timeFault = header.timeFault ?? fault }
            // Held back until the type is known: an unknown one's other fields are not judged.
            if field.isLedgers {
                header.ledgerFault = header.ledgerFault ?? fault
            } else {
                header.fieldFault = header.fieldFault ?? fault
            }
        }
        return nil
    }

    private func note(_ text: TextRange, as field: Field, in view: inout EventView) -> EventFault? {
        switch names.shape(of: field) {
        case .text(let allowed):
            if allowed.upperBound != Int.max,
                !allowed.contains(text.isEscaped ? JSONText.length(of: text, in: bytes) : text.length)
            {
                return EventFault(.outOfRange, field: field)
            }
            view.setText(at: Int(field.rawValue), text)
        case .sourceName:
            guard SourceName(text, in: bytes) != nil else { return EventFault(.outOfRange, field: field) }
            view.setText(at: Int(field.rawValue), text)
        case .side:
            return note(find(text, names.sides), as: field, in: &view)
        case .refresher:
            return note(find(text, names.refreshers), as: field, in: &view)
        case .scalars, .integer, .statusCode, .boolean:
            return EventFault(.wrongType, field: field)
        }
        view.present.formUnion(FieldSet(field))
        return nil
    }

    private func note(_ choice: UInt8?, as field: Field, in view: inout EventView) -> EventFault? {
        guard let choice else { return EventFault(.outOfRange, field: field) }
        view.setNumber(at: Int(field.rawValue), Int64(choice))
        view.present.formUnion(FieldSet(field))
        return nil
    }

    private func note(_ number: JSONNumber, as field: Field, in view: inout EventView) -> EventFault? {
        let allowed: ClosedRange<Int64>?
        switch names.shape(of: field) {
        case .integer(let range): allowed = range
        case .statusCode: allowed = nil
        default: return EventFault(.wrongType, field: field)
        }
        guard number.isInteger else { return EventFault(.wrongType, field: field) }
        guard let value = number.value else {
            // Beyond 64 bits: out of every listed range.
            return EventFault(.outOfRange, field: field)
        }
        if let allowed, !allowed.contains(value) { return EventFault(.outOfRange, field: field) }
        view.setNumber(at: Int(field.rawValue), value)
        view.present.formUnion(FieldSet(field))
        return nil
    }

    private func note(_ flag: Bool, as field: Field, in view: inout EventView) -> EventFault? {
        guard case .boolean = names.shape(of: field) else {
            return EventFault(.wrongType, field: field)
        }
        view.setNumber(at: Int(field.rawValue), flag ? 1 : 0)
        view.present.formUnion(FieldSet(field))
        return nil
    }

    /// Walks over any value.
    private mutating func skipValue(_ lineEnd: Int) -> EventFault? {
        let here = token(nextToken, lineEnd)
        guard here < lineEnd else { return EventFault(.notJSON) }
        switch bytes[here] {
        case UInt8(ascii: "\""):
            if case .failure(let fault) = takeString(lineEnd) { return fault }
            return nil
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            if case .failure(let fault) = takeNumber(lineEnd) { return fault }
            return nil
        case UInt8(ascii: "n"): return takeLiteral(0x6C6C_756E, length: 4, lineEnd)
        case UInt8(ascii: "t"): return takeLiteral(0x6575_7274, length: 4, lineEnd)
        case UInt8(ascii: "f"): return takeLiteral(0x736C_6166, length: 5, lineEnd)
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            var ignored = false
            return skipContainer(lineEnd, scalarsOnly: &ignored)
        default: return EventFault(.notJSON)
        }
    }

    /// Walks over an object or array, however deep, without recursion.
    ///
    /// - Parameter scalarsOnly: set where a member of the outermost one is neither string nor number.
    private mutating func skipContainer(_ lineEnd: Int, scalarsOnly holdsOthers: inout Bool) -> EventFault? {
        // One bit a level, set for objects, 64 levels a word.
        var kinds = LevelBits()
        var here = token(nextToken, lineEnd)
        push(here, &kinds)
        var isFirst = true
        while kinds.count > 0 {
            here = token(nextToken, lineEnd)
            guard here < lineEnd else { return EventFault(.notJSON) }
            let isObject = kinds.top
            if bytes[here] == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) {
                nextToken += 1
                kinds.pop()
                if isObject, !keys.close(in: bytes) { return EventFault(.duplicateKey) }
                isFirst = false
                continue
            }
            if !isFirst {
                guard bytes[here] == UInt8(ascii: ",") else { return EventFault(.notJSON) }
                nextToken += 1
                here = token(nextToken, lineEnd)
            }
            if isObject {
                switch takeString(lineEnd) {
                case .success(let key): keys.append(key)
                case .failure(let fault): return fault
                }
                let colon = token(nextToken, lineEnd)
                guard colon < lineEnd, bytes[colon] == UInt8(ascii: ":") else { return EventFault(.notJSON) }
                nextToken += 1
                here = token(nextToken, lineEnd)
            }
            guard here < lineEnd else { return EventFault(.notJSON) }
            let byte = bytes[here]
            if kinds.count == 1, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "-"),
                !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            {
                holdsOthers = true
            }
            if byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[") {
                push(here, &kinds)
                isFirst = true
            } else {
                if let fault = skipValue(lineEnd) { return fault }
                isFirst = false
            }
        }
        return nil
    }

    private mutating func push(_ here: Int, _ kinds: inout LevelBits) {
        let isObject = bytes[here] == UInt8(ascii: "{")
        kinds.push(isObject)
        if isObject { keys.open() }
        nextToken += 1
    }

    private mutating func takeLiteral(_ word: UInt32, length: Int, _ lineEnd: Int) -> EventFault? {
        let here = token(nextToken, lineEnd)
        nextToken += 1
        guard here + length <= lineEnd, bytes.halfWord(at: here) == word,
            length == 4 || bytes[here + 4] == UInt8(ascii: "e"),
            isDelimiter(at: here + length, lineEnd)
        else { return EventFault(.notJSON) }
        return nil
    }

    /// Takes the number that begins at the next token (RFC 8259 section 6).
    private mutating func takeNumber(_ lineEnd: Int) -> Result<JSONNumber, EventFault> {
        let here = token(nextToken, lineEnd)
        nextToken += 1
        guard let number = JSONNumber(bytes, from: here, to: lineEnd), isDelimiter(at: number.end, lineEnd)
        else {
            return .failure(EventFault(.notJSON))
        }
        return .success(number)
    }

    private func isDelimiter(at offset: Int, _ lineEnd: Int) -> Bool {
        guard offset < lineEnd else { return true }
        switch bytes[offset] {
        case UInt8(ascii: ","), UInt8(ascii: "}"), UInt8(ascii: "]"): return true
        case let byte: return Self.isSpace(byte)
        }
    }

    @inline(__always)
    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09 || byte == 0x0D || byte == 0x0A
    }
}
