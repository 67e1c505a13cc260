/// The names of the listed fields with what each may hold, found by one look in the common case.
///
/// One table of plain numbers for the whole process: what `NameTable` and `Field.shape` say, laid out so that
/// name and rule come with the same lines of memory.
@safe
struct PlainNames: @unchecked Sendable {
    // Safety: filled before anybody sees them, never changed, never freed.
    private let entries: UnsafePointer<Entry>
    private let places: UnsafePointer<Place>

    /// What a plain value of the field looks like.
    enum Kind: UInt8 {
        /// A text of `lower` to `upper` bytes.
        case text
        /// A whole number from `lower` to `upper`.
        case integer
        case boolean, side, refresher
        /// An object of strings and numbers.
        case scalars
        /// The event's type.
        case type
        /// Nothing is plain here.
        case other

        /// What a plain value begins with, where that is always the same.
        var opening: String {
            switch self {
            case .text, .side, .refresher, .type: "\""
            case .scalars: "{"
            case .integer, .boolean, .other: ""
            }
        }
    }

    /// 24 bytes, and the bits of them that count.
    struct Literal {
        private var words: (UInt64, UInt64, UInt64) = (0, 0, 0)
        private var masks: (UInt64, UInt64, UInt64) = (0xFF, 0, 0)

        /// A zero byte, which stands in no line that is plain.
        init() {}

        init(_ text: [UInt8]) {
            precondition(text.count <= 24, "three words hold a name")
            let padded = PaddedBuffer(copying: text)
            let bits = PaddedBuffer(copying: [UInt8](repeating: 0xFF, count: text.count))
            words = (padded.bytes.word(at: 0), padded.bytes.word(at: 8), padded.bytes.word(at: 16))
            masks = (bits.bytes.word(at: 0), bits.bytes.word(at: 8), bits.bytes.word(at: 16))
        }

        /// Whether it stands at `text`, from where 24 bytes can be read.
        @unsafe
        @inline(__always)
        func stands(at text: UnsafeRawPointer) -> Bool {
            let first = unsafe text.loadUnaligned(as: UInt64.self).littleEndian ^ words.0
            let second = unsafe text.loadUnaligned(fromByteOffset: 8, as: UInt64.self).littleEndian ^ words.1
            let third = unsafe text.loadUnaligned(fromByteOffset: 16, as: UInt64.self).littleEndian ^ words.2
            return first & masks.0 | second & masks.1 | third & masks.2 == 0
        }
    }

    /// What is known of a name. Its place is its mark: its place in `FieldSet`, and one behind all of them
    /// for the type, which is no field.
    struct Entry {
        /// The name in quotes, the colon, and what a plain value of the field begins with.
        var literal = Literal()
        /// How many bytes that is.
        var literalBytes = 0
        var lower: Int64 = 0
        var upper: Int64 = 0
        var kind = Kind.other
        var field = Field.callID
        // Makes it 128 bytes, so that finding one takes no multiplication.
        private var spare: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0)
    }

    /// Where names are looked up.
    private struct Place {
        var first: UInt64 = 0
        var middle: UInt64 = 0
        var last: UInt64 = 0
        /// 0 marks a free place.
        var length = 0
        var mark = 0
    }

    static let typeMark = 63
    private static let markCount = 64
    private static let placeCount = 256
    static let all = PlainNames()

    private init() {
        // Safety: both are initialised throughout before they are read.
        let entries = UnsafeMutablePointer<Entry>.allocate(capacity: Self.markCount)
        unsafe entries.initialize(repeating: Entry(), count: Self.markCount)
        let places = UnsafeMutablePointer<Place>.allocate(capacity: Self.placeCount)
        unsafe places.initialize(repeating: Place(), count: Self.placeCount)
        for (name, entry) in Self.rules {
            var entry = entry
            let literal = Array("\"\(name)\":\(entry.kind.opening)".utf8)
            entry.literal = Literal(literal)
            entry.literalBytes = literal.count
            let padded = PaddedBuffer(copying: Array(name.utf8))
            let words = NameTable.Key(padded.bytes, start: 0, length: padded.count)
            let place = Place(
                first: words.first, middle: words.middle, last: words.last, length: padded.count,
                mark: entry.kind == .type ? Self.typeMark : Int(entry.field.rawValue))
            unsafe entries[place.mark] = entry
            var slot = Self.slot(place.first, place.last)
            while unsafe places[slot].length != 0 { slot = (slot + 1) & (Self.placeCount - 1) }
            unsafe places[slot] = place
        }
        unsafe self.entries = UnsafePointer(entries)
        unsafe self.places = UnsafePointer(places)
    }

    private static var rules: [(String, Entry)] {
        var rules = Field.allCases.map { field -> (String, Entry) in
            var entry = Entry()
            entry.field = field
            guard !field.isLedgers else { return (field.name, entry) }
            switch field.shape {
            case .text(let range):
                entry.kind = .text
                (entry.lower, entry.upper) = (Int64(range.lowerBound), Int64(range.upperBound))
            case .integer(let range):
                entry.kind = .integer
                (entry.lower, entry.upper) = (range.lowerBound, range.upperBound)
            case .statusCode:
                entry.kind = .integer
                (entry.lower, entry.upper) = (.min, .max)
            case .boolean: entry.kind = .boolean
            case .side: entry.kind = .side
            case .refresher: entry.kind = .refresher
            case .scalars: entry.kind = .scalars
            case .sourceName: entry.kind = .other
            }
            return (field.name, entry)
        }
        var type = Entry()
        type.kind = .type
        rules.append(("type", type))
        return rules
    }

    @inline(__always)
    private static func slot(_ first: UInt64, _ last: UInt64) -> Int {
        let mixed = (first ^ last &* 0xC2B2_AE3D_27D4_EB4F) &* 0x9E37_79B9_7F4A_7C15
        return Int(truncatingIfNeeded: mixed &>> 56)
    }

    /// The entry of a mark below 64.
    @unsafe
    @inline(__always)
    func entry(_ mark: Int) -> UnsafePointer<Entry> { unsafe entries + mark }

    /// The mark of the name of `length` bytes at `name`; null where it is none of a listed field's.
    ///
    /// - Parameter name: 24 bytes can be read from there.
    @unsafe
    func find(_ name: UnsafeRawPointer, length: Int) -> Int? {
        var first = unsafe name.loadUnaligned(as: UInt64.self).littleEndian
        var middle: UInt64 = 0
        var last: UInt64 = 0
        if length < 8 {
            first &= (1 &<< UInt64(truncatingIfNeeded: length &* 8)) &- 1
        } else {
            guard length <= 24 else { return nil }
            last = unsafe (name + length - 8).loadUnaligned(as: UInt64.self).littleEndian
            if length > 16 { middle = unsafe (name + 8).loadUnaligned(as: UInt64.self).littleEndian }
        }
        var slot = Self.slot(first, last)
        while true {
            // Safety: a slot is below the count of places.
            let place = unsafe places + slot
            if unsafe place.pointee.length == 0 { return nil }
            if unsafe place.pointee.first == first, unsafe place.pointee.last == last,
                unsafe place.pointee.length == length, unsafe place.pointee.middle == middle
            {
                return unsafe place.pointee.mark
            }
            slot = (slot &+ 1) & (Self.placeCount &- 1)
        }
    }
}
