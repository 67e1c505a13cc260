/// The names of the listed fields with what each may hold, found by one look in the common case.
///
/// One table of plain numbers for the whole process: what `NameTable` and `Field.shape` say, laid out so that
/// name and rule come with the same lines of memory.
@safe
struct PlainNames: @unchecked Sendable {
    // Safety: filled before anybody sees it, never changed, never freed.
    private let entries: UnsafePointer<Entry>

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
    }

    struct Entry {
        var first: UInt64 = 0
        var middle: UInt64 = 0
        var last: UInt64 = 0
        var lower: Int64 = 0
        var upper: Int64 = 0
        /// 0 marks a free place.
        var length: Int = 0
        var kind = Kind.other
        var field = Field.callID
    }

    private static let count = 256
    static let all = PlainNames()

    private init() {
        // Safety: initialised throughout before it is read.
        let table = UnsafeMutablePointer<Entry>.allocate(capacity: Self.count)
        unsafe table.initialize(repeating: Entry(), count: Self.count)
        for (name, entry) in Self.rules {
            let padded = PaddedBuffer(copying: Array(name.utf8))
            var entry = entry
            let words = NameTable.Key(padded.bytes, start: 0, length: padded.count)
            (entry.first, entry.middle, entry.last) = (words.first, words.middle, words.last)
            entry.length = padded.count
            var slot = Self.slot(entry.first, entry.last)
            while unsafe table[slot].length != 0 { slot = (slot + 1) & (Self.count - 1) }
            unsafe table[slot] = entry
        }
        unsafe entries = UnsafePointer(table)
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

    /// The entry of the name of `length` bytes at `name`; null where it is none of a listed field's.
    ///
    /// - Parameter name: 24 bytes can be read from there.
    @unsafe
    @inline(__always)
    func find(_ name: UnsafeRawPointer, length: Int) -> UnsafePointer<Entry>? {
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
            // Safety: a slot is below the count of entries.
            let entry = unsafe entries + slot
            if unsafe entry.pointee.first == first, unsafe entry.pointee.last == last,
                unsafe entry.pointee.length == length, unsafe entry.pointee.middle == middle
            {
                return unsafe entry
            }
            if unsafe entry.pointee.length == 0 { return nil }
            slot = (slot &+ 1) & (Self.count &- 1)
        }
    }
}
