internal import CSimdJSON

/// The walk over a line as nearly all are: one object without white space, listed fields that hold what they
/// may, nothing twice.
///
/// It reads the bytes themselves, each once, and needs no tokens: the names of a line's fields are held
/// against those that followed each other last time, word by word, and only values are looked at closely.
///
/// It takes such a line in one go and passes no judgement on others: whatever is not plain is left to
/// `LineWalk`, which says what it is. So a fault costs a second walk, and the rules are stated in one place.
@safe
struct PlainLine {
    // Safety: a newline stands at or behind every line that is walked, with the padding behind it. No step
    // goes over a newline: it ends texts and numbers, and stands in no literal. So whatever is loaded begins
    // at that newline at the latest, and is no longer than the padding.
    private let text: UnsafeRawPointer
    // Safety: the decoder's own, see `NameSequence`.
    private let sequence: UnsafeMutablePointer<UInt8>
    private let bytes: PaddedBytes
    private let names: DecoderNames
    /// Where the walk is.
    private var here = 0

    /// - Parameter bytes: hold a newline at or behind every line that is taken.
    @inline(__always)
    init(_ bytes: PaddedBytes, names: DecoderNames, sequence: borrowing NameSequence) {
        self.bytes = bytes
        self.names = names
        // Safety: see above.
        unsafe text = UnsafeRawPointer(bytes.pointer(at: 0, to: bytes.count).baseAddress.unsafelyUnwrapped)
        unsafe self.sequence = sequence.base
    }

    @inline(__always)
    private func byte(_ offset: Int) -> UInt8 {
        unsafe text.load(fromByteOffset: offset, as: UInt8.self)
    }

    /// Takes the line that begins at `view.start`.
    ///
    /// - Returns: whether it is plain. Then `view` holds its fields and its end; else something of them.
    @inline(__always)
    mutating func take(into view: inout EventView) -> Bool {
        here = view.start
        guard byte(here) == UInt8(ascii: "{") else { return false }
        var seen: UInt64 = 0
        var type = EventType.unknown
        var before = NameSequence.beginning
        while true {
            here &+= 1
            guard let mark = takeName(after: Int(type.rawValue) &<< 6 | before),
                seen & 1 &<< UInt64(mark) == 0
            else { return false }
            seen |= 1 &<< UInt64(mark)
            before = mark
            if mark == PlainNames.typeMark {
                guard let known = takeChoice(of: names.types), let known = EventType(rawValue: known),
                    !known.isLedgers
                else { return false }
                type = known
            } else if unsafe !takeValue(names.plain.entry(mark), into: &view) {
                return false
            }
            if byte(here) == UInt8(ascii: ",") { continue }
            guard byte(here) == UInt8(ascii: "}"), byte(here &+ 1) == UInt8(ascii: "\n") else { return false }
            view.end = here &+ 1
            view.type = type
            view.present = FieldSet(rawValue: seen & ~(1 &<< UInt64(PlainNames.typeMark)))
            return type != .unknown
        }
    }

    /// Takes a field's name, the colon and what a plain value begins with.
    ///
    /// - Returns: its mark, see `PlainNames`.
    @inline(__always)
    private mutating func takeName(after before: Int) -> Int? {
        let usual = unsafe Int(sequence[before])
        let entry = unsafe names.plain.entry(usual)
        if unsafe entry.pointee.literal.stands(at: text + here) {
            here &+= unsafe entry.pointee.literalBytes
            return usual
        }
        return takeOtherName(after: before)
    }

    @inline(never)
    private mutating func takeOtherName(after before: Int) -> Int? {
        guard byte(here) == UInt8(ascii: "\"") else { return nil }
        let length = plainEnd(from: here &+ 1) &- here &- 1
        guard let mark = unsafe names.plain.find(text + (here &+ 1), length: length) else { return nil }
        let entry = unsafe names.plain.entry(mark)
        guard unsafe entry.pointee.literal.stands(at: text + here) else { return nil }
        unsafe sequence[before] = UInt8(truncatingIfNeeded: mark)
        here &+= unsafe entry.pointee.literalBytes
        return mark
    }

    /// Takes a value, from behind what the name's entry has it begin with.
    @inline(__always)
    private mutating func takeValue(
        _ entry: UnsafePointer<PlainNames.Entry>, into view: inout EventView
    ) -> Bool {
        let start = here
        let place = unsafe Int(entry.pointee.field.rawValue)
        switch unsafe entry.pointee.kind {
        case .text:
            guard let isEscaped = takeString() else { return false }
            let length = Int64(here &- start &- 1)
            guard unsafe length >= entry.pointee.lower, unsafe length <= entry.pointee.upper else {
                return false
            }
            // How long it really is matters where that is bounded.
            guard unsafe !isEscaped || entry.pointee.upper == .max else { return false }
            view.setText(at: place, TextRange(start: start, end: here &- 1, isEscaped: isEscaped))
        case .integer:
            guard let value = takeNumber(), unsafe value >= entry.pointee.lower,
                unsafe value <= entry.pointee.upper
            else { return false }
            view.setNumber(at: place, value)
        case .boolean:
            guard let flag = takeFlag() else { return false }
            view.setNumber(at: place, flag)
        case .side:
            guard let choice = takeChoice(of: names.sides) else { return false }
            view.setNumber(at: place, Int64(choice))
        case .refresher:
            guard let choice = takeChoice(of: names.refreshers) else { return false }
            view.setNumber(at: place, Int64(choice))
        case .scalars:
            guard takeScalars() else { return false }
            view.setText(at: place, TextRange(start: start &- 1, end: here, isEscaped: false))
        case .type, .other:
            return false
        }
        return true
    }

    // MARK: Strings

    /// The first byte from `start` on that does not simply stand in a string.
    @inline(__always)
    private func plainEnd(from start: Int) -> Int {
        var offset = start
        while true {
            let stops = unsafe tollbook_json_stops(text + offset)
            if stops != 0 { return offset &+ stops.trailingZeroBitCount }
            offset &+= 32
        }
    }

    /// Takes a string from behind its opening quote.
    ///
    /// - Returns: whether it holds a backslash; null where it is none.
    @inline(__always)
    private mutating func takeString() -> Bool? {
        here = plainEnd(from: here)
        if byte(here) == UInt8(ascii: "\"") {
            here &+= 1
            return false
        }
        return takeRest()
    }

    /// Takes the rest of a string from a byte on that needs a look.
    @inline(never)
    private mutating func takeRest() -> Bool? {
        let start = here
        var isEscaped = false
        while true {
            switch byte(here) {
            case UInt8(ascii: "\""):
                if isEscaped, JSONText.fault(in: bytes, from: start, to: here) != nil { return nil }
                here &+= 1
                return isEscaped
            case UInt8(ascii: "\\"):
                // What is escaped is no quote, and is looked at with the whole.
                guard byte(here &+ 1) >= 0x20, byte(here &+ 1) < 0x80 else { return nil }
                isEscaped = true
                here &+= 2
            case 0x80...:
                guard let length = sequenceBytes(at: here) else { return nil }
                here &+= length
            default:
                return nil
            }
            here = plainEnd(from: here)
        }
    }

    /// How many bytes the character beyond ASCII at `offset` has (RFC 3629 section 4); null where there is
    /// none.
    private func sequenceBytes(at offset: Int) -> Int? {
        func continues(_ place: Int) -> Bool { byte(offset &+ place) & 0xC0 == 0x80 }
        let second = byte(offset &+ 1)
        switch byte(offset) {
        case 0xC2...0xDF: return continues(1) ? 2 : nil
        case 0xE0: return (0xA0...0xBF).contains(second) && continues(2) ? 3 : nil
        case 0xED: return (0x80...0x9F).contains(second) && continues(2) ? 3 : nil
        case 0xE1...0xEF: return continues(1) && continues(2) ? 3 : nil
        case 0xF0: return (0x90...0xBF).contains(second) && continues(2) && continues(3) ? 4 : nil
        case 0xF1...0xF3: return continues(1) && continues(2) && continues(3) ? 4 : nil
        case 0xF4: return (0x80...0x8F).contains(second) && continues(2) && continues(3) ? 4 : nil
        default: return nil
        }
    }

    /// Takes a string that is one of a few.
    @inline(__always)
    private mutating func takeChoice(of known: NameTable) -> UInt8? {
        let start = here
        let end = plainEnd(from: start)
        guard byte(end) == UInt8(ascii: "\"") else { return nil }
        here = end &+ 1
        return known.find(bytes, start: start, length: end &- start)
    }

    // MARK: Numbers

    @unsafe
    @inline(__always)
    private func word(_ offset: Int) -> UInt64 {
        unsafe text.loadUnaligned(fromByteOffset: offset, as: UInt64.self).littleEndian
    }

    /// How many digits stand at the beginning of a word, whose bytes were held against "0".
    @inline(__always)
    private static func digitCount(_ word: UInt64) -> Int {
        // The highest bit of each byte that is no digit. What is carried to a higher byte comes from one that
        // is none either, and does not count.
        let others = ((word &+ 0x7676_7676_7676_7676) | word) & 0x8080_8080_8080_8080
        return others.trailingZeroBitCount &>> 3
    }

    /// Takes a number of one to sixteen digits; null where it has a sign or leading zeros. What stands behind
    /// it is not looked at.
    @inline(__always)
    private mutating func takeNumber() -> Int64? {
        let zeros: UInt64 = 0x3030_3030_3030_3030
        let first = unsafe word(here) ^ zeros
        var count = Self.digitCount(first)
        guard count > 0, count == 1 || first & 0xFF != 0 else { return nil }
        var value: UInt64
        if count < 8 {
            value = Self.value(first &<< UInt64(truncatingIfNeeded: 64 &- count &* 8))
        } else {
            count &+= Self.digitCount(unsafe word(here &+ 8) ^ zeros)
            value = Self.value(first)
            if count > 8 {
                // The last eight digits, and those before them.
                let last = Self.value(unsafe word(here &+ count &- 8) ^ zeros)
                value =
                    Self.value(first &<< UInt64(truncatingIfNeeded: 128 &- count &* 8)) &* 100_000_000 &+ last
            }
        }
        here &+= count
        return Int64(truncatingIfNeeded: value)
    }

    /// The value of eight digits, the first of which is the lowest byte; all at once, joining lanes of 1, 2
    /// and 4 digits.
    @inline(__always)
    private static func value(_ ones: UInt64) -> UInt64 {
        let tens = (ones &* 10 &+ ones &>> 8) & 0x00FF_00FF_00FF_00FF
        let hundreds = (tens &* 100 &+ tens &>> 16) & 0x0000_FFFF_0000_FFFF
        return (hundreds &* 10_000 &+ hundreds &>> 32) & 0xFFFF_FFFF
    }

    @inline(__always)
    private mutating func takeFlag() -> Int64? {
        let word = unsafe text.loadUnaligned(fromByteOffset: here, as: UInt32.self).littleEndian
        if word == 0x6575_7274 {
            here &+= 4
            return 1
        }
        guard word == 0x736C_6166, byte(here &+ 4) == UInt8(ascii: "e") else { return nil }
        here &+= 5
        return 0
    }

    // MARK: Objects

    /// Takes an object of strings and numbers from behind its opening brace.
    private mutating func takeScalars() -> Bool {
        var keys = InlineArray<8, TextRange>(repeating: .empty)
        var keyCount = 0
        while keyCount < 8 {
            guard byte(here) == UInt8(ascii: "\"") else { return false }
            let start = here &+ 1
            let end = plainEnd(from: start)
            guard byte(end) == UInt8(ascii: "\""), byte(end &+ 1) == UInt8(ascii: ":") else { return false }
            let name = TextRange(start: start, end: end, isEscaped: false)
            for other in 0..<keyCount where isSame(name, keys[other]) { return false }
            keys[keyCount] = name
            keyCount &+= 1
            here = end &+ 2
            if byte(here) == UInt8(ascii: "\"") {
                here &+= 1
                guard takeString() != nil else { return false }
            } else {
                guard skipNumber() else { return false }
            }
            here &+= 1
            if byte(here &- 1) == UInt8(ascii: "}") { return true }
            guard byte(here &- 1) == UInt8(ascii: ",") else { return false }
        }
        return false
    }

    /// Walks over any number (RFC 8259 section 6). What stands behind it is not looked at.
    @inline(__always)
    private mutating func skipNumber() -> Bool {
        if byte(here) == UInt8(ascii: "-") { here &+= 1 }
        let start = here
        guard skipDigits(), here == start &+ 1 || byte(start) != UInt8(ascii: "0") else { return false }
        if byte(here) == UInt8(ascii: ".") {
            here &+= 1
            guard skipDigits() else { return false }
        }
        guard byte(here) | 0x20 == UInt8(ascii: "e") else { return true }
        here &+= 1
        if byte(here) == UInt8(ascii: "+") || byte(here) == UInt8(ascii: "-") { here &+= 1 }
        return skipDigits()
    }

    /// False where not one digit stands there.
    @inline(__always)
    private mutating func skipDigits() -> Bool {
        let start = here
        while true {
            let count = Self.digitCount(unsafe word(here) ^ 0x3030_3030_3030_3030)
            here &+= count
            if count < 8 { return here > start }
        }
    }

    @inline(__always)
    private func isSame(_ left: TextRange, _ right: TextRange) -> Bool {
        guard left.length == right.length else { return false }
        for offset in 0..<left.length
        where byte(Int(left.start) &+ offset) != byte(Int(right.start) &+ offset) { return false }
        return true
    }
}

/// Which name followed which when it was looked up last, in events of each type: what a source writes, it
/// writes in the same order nearly always. A guess and no more, so it outlives every payload.
@safe
struct NameSequence: ~Copyable {
    // Safety: `count` bytes, taken in init, given back in deinit; whoever is handed them keeps the owner.
    fileprivate let base: UnsafeMutablePointer<UInt8>

    /// What stands before the first name; no field has this mark.
    static let beginning = 62
    /// 64 marks for each of 64 types.
    private static let count = 64 * 64

    init() {
        precondition(
            Field.allCases.count <= Self.beginning && EventType.allCases.count <= 64, "six bits each")
        // Safety: initialised throughout.
        unsafe base = .allocate(capacity: Self.count)
        unsafe base.initialize(repeating: 0, count: Self.count)
    }

    deinit {
        // Safety: allocated in init.
        unsafe base.deallocate()
    }
}
