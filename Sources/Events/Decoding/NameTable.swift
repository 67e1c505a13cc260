/// Finds a short name among a few dozen known ones, by two or three word comparisons. There is one of each
/// kind, made once for the process.
@safe
struct NameTable: @unchecked Sendable {
    struct Key: Hashable, Sendable {
        var first: UInt64 = 0
        var middle: UInt64 = 0
        var last: UInt64 = 0
        var length: Int = 0

        /// The words of a name of up to 24 bytes that stands at `start`; longer ones never match a known
        /// name.
        @inline(__always)
        init(_ bytes: PaddedBytes, start: Int, length: Int) {
            self.length = length
            first = bytes.word(at: start)
            if length < 8 {
                first &= (1 &<< UInt64(truncatingIfNeeded: length &* 8)) &- 1
            } else {
                last = bytes.word(at: start &+ length &- 8)
                if length > 16 {
                    middle = bytes.word(at: start &+ 8)
                }
            }
        }

        @inline(__always)
        var slot: Int {
            let mixed = (first &* 0x9E37_79B9_7F4A_7C15) ^ (last &* 0xC2B2_AE3D_27D4_EB4F) ^ UInt64(length)
            return Int(truncatingIfNeeded: (mixed &* 0xFF51_AFD7_ED55_8CCD) >> 56)
        }
    }

    private struct Entry: Sendable {
        var key: Key
        var value: UInt8
    }

    /// Length 0 marks a free place; 256 places for a few dozen names, so that a probe ends soon.
    // Safety: filled in init, never changed, never freed.
    private let entries: UnsafePointer<Entry>
    private static let lengthMax = 24

    private init(_ names: [(String, UInt8)]) {
        let free = Key(PaddedBuffer(capacity: 8).bytes, start: 0, length: 0)
        // Safety: initialised throughout before it is read.
        let entries = UnsafeMutablePointer<Entry>.allocate(capacity: 256)
        unsafe entries.initialize(repeating: Entry(key: free, value: 0), count: 256)
        for (name, value) in names {
            precondition(
                name.utf8.count <= Self.lengthMax, "a known name is longer than \(Self.lengthMax) bytes")
            let buffer = PaddedBuffer(copying: Array(name.utf8))
            let key = Key(buffer.bytes, start: 0, length: buffer.count)
            var slot = key.slot
            while unsafe entries[slot].key.length != 0 {
                slot = (slot + 1) & 255
            }
            unsafe entries[slot] = Entry(key: key, value: value)
        }
        unsafe self.entries = UnsafePointer(entries)
    }

    @inline(__always)
    func find(_ bytes: PaddedBytes, start: Int, length: Int) -> UInt8? {
        guard length > 0, length <= Self.lengthMax else { return nil }
        let key = Key(bytes, start: start, length: length)
        var slot = key.slot
        // Safety: a slot is one byte.
        while unsafe entries[slot].key.length != 0 {
            if unsafe entries[slot].key == key { return unsafe entries[slot].value }
            slot = (slot &+ 1) & 255
        }
        return nil
    }

    static let fields = NameTable(Field.allCases.map { ($0.name, $0.rawValue) } + [("type", typeMark)])
    static let types = NameTable(
        EventType.allCases.filter { $0 != .unknown }.map { ($0.name, $0.rawValue) })

    static let sides = NameTable(Side.allCases.map { ($0.name, $0.rawValue) })
    static let refreshers = NameTable(Refresher.allCases.map { ($0.name, $0.rawValue) })

    /// Stands for the field `type`, which is no `Field`.
    static let typeMark: UInt8 = 255
}
