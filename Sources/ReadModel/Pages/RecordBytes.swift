internal import Projections

/// Lays cells out as SQLite keeps a row: a header of types, then the values (SQLite database file format,
/// section 2.1).
@safe
struct RecordBytes: ~Copyable {
    // Safety: allocated with `capacity`, freed in deinit; `makeRoom` comes before every write.
    private var base: UnsafeMutableRawPointer
    private var capacity: Int
    private var count = 0
    private var headerBytes = 0
    private var bodyPlace = 0

    init() {
        capacity = 1 << 16
        unsafe base = .allocate(byteCount: capacity, alignment: 16)
    }

    deinit {
        // Safety: this value's own.
        unsafe base.deallocate()
    }

    /// What was laid out last; valid until the next change.
    @unsafe
    var bytes: UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(start: base, count: count) }

    /// Lays out the cells of a row.
    mutating func lay(_ cells: ArraySlice<RowBatch.Cell>, of text: [UInt8]) {
        var body = 0
        var types = 0
        for cell in cells {
            switch cell {
            case .null: types &+= 1
            case .integer(let value):
                types &+= 1
                body &+= Self.bytes(ofType: Self.type(value))
            case .text(_, let length), .blob(_, let length):
                types &+= Varint.length(UInt64(length) &* 2 &+ 13)
                body &+= Int(length)
            }
        }
        begin(types: types, body: body)
        // Safety: the ranges of cells lie within their batch's text, and the room was made.
        unsafe text.withUnsafeBytes { source in
            for cell in cells {
                switch cell {
                case .null: unsafe put(type: 0)
                case .integer(let value): unsafe put(value)
                case .text(let start, let length):
                    unsafe put(
                        type: UInt64(length) &* 2 &+ 13,
                        UnsafeRawBufferPointer(rebasing: source[range(start, length)]))
                case .blob(let start, let length):
                    unsafe put(
                        type: UInt64(length) &* 2 &+ 12,
                        UnsafeRawBufferPointer(rebasing: source[range(start, length)]))
                }
            }
        }
    }

    /// Lays out an index entry: the part of the table where the index begins with that, texts, a number where
    /// there is one, and a rowid.
    @unsafe
    mutating func lay(
        part: Int64? = nil, texts: UnsafeRawBufferPointer, lengths: [3 of Int], count textCount: Int,
        number: Int64?, row: Int64
    ) {
        var types = 1
        var body = Self.bytes(ofType: Self.type(row))
        for index in 0..<textCount {
            types &+= Varint.length(UInt64(lengths[index]) &* 2 &+ 13)
            body &+= lengths[index]
        }
        if let number {
            types &+= 1
            body &+= Self.bytes(ofType: Self.type(number))
        }
        if let part {
            types &+= 1
            body &+= Self.bytes(ofType: Self.type(part))
        }
        begin(types: types, body: body)
        if let part { unsafe put(part) }
        var start = 0
        for index in 0..<textCount {
            // Safety: the lengths are those of the texts, one behind the other; the room was made.
            unsafe put(
                type: UInt64(lengths[index]) &* 2 &+ 13,
                UnsafeRawBufferPointer(rebasing: texts[start..<start &+ lengths[index]]))
            start &+= lengths[index]
        }
        if let number { unsafe put(number) }
        unsafe put(row)
    }

    private func range(_ start: Int32, _ length: Int32) -> Range<Int> {
        Int(start)..<Int(start) &+ Int(length)
    }

    private mutating func begin(types: Int, body: Int) {
        // The header counts itself.
        let own = types &+ 1 < 0x80 ? 1 : 2
        let header = own &+ types
        precondition(header < 0x4000, "a few dozen columns")
        makeRoom(header &+ body)
        // Safety: the room was made.
        headerBytes = unsafe Varint.write(UInt64(header), to: base)
        bodyPlace = header
        count = header &+ body
    }

    @unsafe
    @inline(__always)
    private mutating func put(type: UInt64) {
        headerBytes &+= unsafe Varint.write(type, to: base + headerBytes)
    }

    @unsafe
    @inline(__always)
    private mutating func put(type: UInt64, _ value: UnsafeRawBufferPointer) {
        unsafe put(type: type)
        if let source = value.baseAddress {
            unsafe (base + bodyPlace).copyMemory(from: source, byteCount: value.count)
        }
        bodyPlace &+= value.count
    }

    @unsafe
    @inline(__always)
    private mutating func put(_ value: Int64) {
        let type = Self.type(value)
        unsafe put(type: type)
        let bytes = Self.bytes(ofType: type)
        var rest = UInt64(bitPattern: value)
        var place = bytes
        while place > 0 {
            place &-= 1
            unsafe base.storeBytes(
                of: UInt8(truncatingIfNeeded: rest), toByteOffset: bodyPlace &+ place, as: UInt8.self)
            rest >>= 8
        }
        bodyPlace &+= bytes
    }

    /// SQLite's type of a number: 8 and 9 for 0 and 1, which take no more room, else by its bytes.
    @inline(__always)
    private static func type(_ value: Int64) -> UInt64 {
        if value == 0 { return 8 }
        if value == 1 { return 9 }
        let bits = 65 &- (value < 0 ? ~value : value).leadingZeroBitCount
        switch bits {
        case ...8: return 1
        case ...16: return 2
        case ...24: return 3
        case ...32: return 4
        case ...48: return 5
        default: return 6
        }
    }

    @inline(__always)
    private static func bytes(ofType type: UInt64) -> Int {
        switch type {
        case 1...4: Int(type)
        case 5: 6
        case 6: 8
        default: 0
        }
    }

    private mutating func makeRoom(_ bytes: Int) {
        // A number's nine bytes may be written at once.
        guard bytes &+ 16 > capacity else { return }
        // Safety: nothing of what was there is needed.
        unsafe base.deallocate()
        capacity = bytes * 2 + 16
        unsafe base = .allocate(byteCount: capacity, alignment: 16)
    }
}
