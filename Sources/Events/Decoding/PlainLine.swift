/// The walk over a line as nearly all are: one object without white space, listed fields that hold what they
/// may, nothing twice.
///
/// It takes such a line in one go and passes no judgement on others: whatever is not plain is left to
/// `LineWalk`, which says what it is. So a fault costs a second walk, and the rules are stated in one place.
@safe
struct PlainLine {
    // Safety: `text` has `count` bytes and the padding behind them, and `tokens` its count and two sentinels
    // behind the last; no offset is used before it was compared with those.
    private let text: UnsafeRawPointer
    private let tokens: UnsafePointer<UInt32>
    private let bytes: PaddedBytes
    private let tokenCount: Int
    private let names: DecoderNames
    /// The token to be read next.
    private(set) var nextToken: Int
    /// A backslash: the first one behind all that was asked about, or one before that.
    private(set) var nextEscape: Int

    /// - Parameters:
    ///   - tokens: of all of `bytes`, at least one.
    ///   - nextEscape: the first backslash of the payload, or of this line; the payload's count where there
    ///     is none.
    @inline(__always)
    init(_ bytes: PaddedBytes, _ tokens: TokenList, from nextToken: Int, nextEscape: Int, names: DecoderNames)
    {
        self.bytes = bytes
        // Safety: see above.
        unsafe text = UnsafeRawPointer(bytes.pointer(at: 0, to: bytes.count).baseAddress.unsafelyUnwrapped)
        unsafe self.tokens = tokens.first
        tokenCount = tokens.count
        self.names = names
        self.nextToken = nextToken
        self.nextEscape = nextEscape
    }

    @inline(__always)
    private func byte(_ offset: Int) -> UInt8 {
        unsafe text.load(fromByteOffset: offset, as: UInt8.self)
    }

    @inline(__always)
    private func token(_ index: Int) -> Int {
        unsafe Int(tokens[index])
    }

    /// Takes the line that begins at `view.start`.
    ///
    /// - Returns: whether it is plain. Then `view` holds its fields and its end; else something of them.
    @inline(__always)
    mutating func take(into view: inout EventView) -> Bool {
        guard nextToken < tokenCount, token(nextToken) == view.start, byte(view.start) == UInt8(ascii: "{")
        else { return false }
        var before = view.start
        var seen: UInt64 = 0
        nextToken &+= 1
        while nextToken &+ 4 <= tokenCount {
            // Quote, colon, value, comma or brace, one right behind the other.
            let key = token(nextToken)
            let colon = token(nextToken &+ 1)
            guard key == before &+ 1, byte(key) == UInt8(ascii: "\""), byte(colon) == UInt8(ascii: ":"),
                byte(colon &- 1) == UInt8(ascii: "\""), colon &- 1 > key,
                token(nextToken &+ 2) == colon &+ 1,
                let entry = unsafe names.plain.find(text + (key &+ 1), length: colon &- key &- 2)
            else { return false }
            nextToken &+= 2
            let kind = unsafe entry.pointee.kind
            // 63 stands for the type, which is no field.
            let mark: UInt64 = kind == .type ? 1 &<< 63 : 1 &<< UInt64(unsafe entry.pointee.field.rawValue)
            guard seen & mark == 0, unsafe takeValue(entry, at: colon &+ 1, into: &view) else { return false }
            seen |= mark
            before = token(nextToken)
            nextToken &+= 1
            if byte(before) == UInt8(ascii: ",") { continue }
            guard byte(before) == UInt8(ascii: "}"), before &+ 1 < bytes.count,
                byte(before &+ 1) == UInt8(ascii: "\n")
            else { return false }
            view.end = before &+ 1
            view.present = FieldSet(rawValue: seen & ~(1 &<< 63))
            return seen >> 63 != 0
        }
        return false
    }

    /// Takes the value at `start`; the next token is then what stands behind it.
    @inline(__always)
    private mutating func takeValue(
        _ entry: UnsafePointer<PlainNames.Entry>, at start: Int, into view: inout EventView
    ) -> Bool {
        let end = token(nextToken &+ 1)
        let place = unsafe Int(entry.pointee.field.rawValue)
        switch unsafe entry.pointee.kind {
        case .text:
            guard isString(start, end) else { return false }
            let isEscaped = isEscaped(start, end)
            let length = Int64(end &- start &- 2)
            guard unsafe length >= entry.pointee.lower, unsafe length <= entry.pointee.upper else {
                return false
            }
            if isEscaped {
                // How long it really is matters where that is bounded.
                guard unsafe entry.pointee.upper == .max, hasValidEscapes(end) else { return false }
            }
            view.texts[place] = TextRange(start: start &+ 1, end: end &- 1, isEscaped: isEscaped)
        case .integer:
            guard let value = number(start, end), unsafe value >= entry.pointee.lower,
                unsafe value <= entry.pointee.upper
            else { return false }
            view.numbers[place &- Field.textCount] = value
        case .boolean:
            guard let flag = flag(start, end) else { return false }
            view.numbers[place &- Field.textCount] = flag
        case .side, .refresher:
            guard isString(start, end) else { return false }
            let known = unsafe entry.pointee.kind == .side ? names.sides : names.refreshers
            guard let choice = known.find(bytes, start: start &+ 1, length: end &- start &- 2) else {
                return false
            }
            view.numbers[place &- Field.textCount] = Int64(choice)
        case .type:
            guard isString(start, end),
                let known = names.types.find(bytes, start: start &+ 1, length: end &- start &- 2),
                let type = EventType(rawValue: known), !type.isLedgers
            else { return false }
            view.type = type
        case .scalars:
            guard takeScalars(at: start) else { return false }
            let close = token(nextToken)
            guard token(nextToken &+ 1) == close &+ 1 else { return false }
            view.texts[place] = TextRange(start: start, end: close &+ 1, isEscaped: false)
        case .other:
            return false
        }
        nextToken &+= 1
        return true
    }

    /// Whether all from `start` to `end`, where the next token stands, is one string.
    @inline(__always)
    private func isString(_ start: Int, _ end: Int) -> Bool {
        byte(start) == UInt8(ascii: "\"") && byte(end &- 1) == UInt8(ascii: "\"") && end &- 1 > start
    }

    /// Whether the string from `start` to `end` holds a backslash. To be asked in the order of the text.
    @inline(__always)
    private mutating func isEscaped(_ start: Int, _ end: Int) -> Bool {
        if nextEscape >= end { return false }
        if nextEscape < start { findEscape(from: start) }
        return nextEscape < end
    }

    private mutating func findEscape(from start: Int) {
        nextEscape =
            EventDecoder.offset(of: UInt8(ascii: "\\"), in: bytes, from: start, to: bytes.count)
            ?? bytes.count
    }

    /// Whether what is escaped in a string that holds the next backslash and ends at `end` is so by the
    /// rules.
    private func hasValidEscapes(_ end: Int) -> Bool {
        JSONText.fault(in: bytes, from: nextEscape, to: end &- 1) == nil
    }

    /// The number whose digits are all that stands from `start` to `end`; null where it has a sign, a
    /// fraction, leading zeros, or more than sixteen digits.
    @inline(__always)
    private func number(_ start: Int, _ end: Int) -> Int64? {
        let count = end &- start
        // Eight or sixteen bytes are read that end with the last digit.
        guard count >= 1, count <= 16, end >= (count > 8 ? 16 : 8) else { return nil }
        guard count == 1 || byte(start) != UInt8(ascii: "0") else { return nil }
        guard let low = Self.digits(unsafe word(end &- 8), count: min(count, 8)) else { return nil }
        guard count > 8 else { return Int64(low) }
        guard let high = Self.digits(unsafe word(end &- 16), count: count &- 8) else { return nil }
        return Int64(high &* 100_000_000 &+ low)
    }

    @unsafe
    @inline(__always)
    private func word(_ offset: Int) -> UInt64 {
        unsafe text.loadUnaligned(fromByteOffset: offset, as: UInt64.self).littleEndian
    }

    /// The value of the last `count` (1 to 8) of eight digits, the first of which is the lowest byte; all at
    /// once, joining lanes of 1, 2 and 4 digits.
    @inline(__always)
    private static func digits(_ text: UInt64, count: Int) -> UInt64? {
        let mask = UInt64.max &<< UInt64(truncatingIfNeeded: 64 &- count &* 8)
        let word = (text & mask) | (0x3030_3030_3030_3030 & ~mask)
        guard word & 0xF0F0_F0F0_F0F0_F0F0 == 0x3030_3030_3030_3030,
            (word &+ 0x0606_0606_0606_0606) & 0xF0F0_F0F0_F0F0_F0F0 == 0x3030_3030_3030_3030
        else { return nil }
        let ones = word & 0x0F0F_0F0F_0F0F_0F0F
        let tens = (ones &* 10 &+ ones &>> 8) & 0x00FF_00FF_00FF_00FF
        let hundreds = (tens &* 100 &+ tens &>> 16) & 0x0000_FFFF_0000_FFFF
        return (hundreds &* 10_000 &+ hundreds &>> 32) & 0xFFFF_FFFF
    }

    @inline(__always)
    private func flag(_ start: Int, _ end: Int) -> Int64? {
        let word = unsafe text.loadUnaligned(fromByteOffset: start, as: UInt32.self).littleEndian
        if word == 0x6575_7274, end &- start == 4 { return 1 }
        return word == 0x736C_6166 && end &- start == 5 && byte(start &+ 4) == UInt8(ascii: "e") ? 0 : nil
    }

    /// Walks over an object of strings and numbers; the next token is then its closing brace.
    private mutating func takeScalars(at start: Int) -> Bool {
        guard byte(start) == UInt8(ascii: "{") else { return false }
        var keys = InlineArray<8, TextRange>(repeating: .empty)
        var keyCount = 0
        var before = start
        nextToken &+= 1
        while nextToken &+ 4 <= tokenCount, keyCount < 8 {
            let (key, colon) = (token(nextToken), token(nextToken &+ 1))
            let (value, end) = (token(nextToken &+ 2), token(nextToken &+ 3))
            guard key == before &+ 1, byte(key) == UInt8(ascii: "\""), byte(colon) == UInt8(ascii: ":"),
                byte(colon &- 1) == UInt8(ascii: "\""), colon &- 1 > key, !isEscaped(key, colon),
                value == colon &+ 1
            else { return false }
            if isString(value, end) {
                if isEscaped(value, end), !hasValidEscapes(end) { return false }
            } else if !isNumber(value, end) {
                return false
            }
            let name = TextRange(start: key &+ 1, end: colon &- 1, isEscaped: false)
            for other in 0..<keyCount where isSame(name, keys[other]) { return false }
            keys[keyCount] = name
            keyCount &+= 1
            before = end
            nextToken &+= 3
            if byte(end) == UInt8(ascii: "}") { return true }
            guard byte(end) == UInt8(ascii: ",") else { return false }
            nextToken &+= 1
        }
        return false
    }

    private func isNumber(_ start: Int, _ end: Int) -> Bool {
        let first = byte(start)
        guard first == UInt8(ascii: "-") || first &- 0x30 < 10 else { return false }
        return JSONNumber(bytes, from: start, to: end)?.end == end
    }

    @inline(__always)
    private func isSame(_ left: TextRange, _ right: TextRange) -> Bool {
        guard left.length == right.length else { return false }
        for offset in 0..<left.length
        where byte(Int(left.start) &+ offset) != byte(Int(right.start) &+ offset) { return false }
        return true
    }
}
