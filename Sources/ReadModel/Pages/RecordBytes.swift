internal import Projections

/// Lays cells out as SQLite keeps a row: a header of types, then the values (SQLite database file format,
/// section 2.1).
@safe
struct RecordBytes: ~Copyable {
    // Safety: allocated with `capacity`, freed in deinit; `makeRoom` or `put` makes room before every write.
    private var base: UnsafeMutableRawPointer
    private var capacity: Int
    /// Where the record begins, and how long it is.
    private var start = 0
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
    var bytes: UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(start: base + start, count: count) }

    /// Lays out the cells of a row.
    mutating func lay(_ cells: ArraySlice<RowBatch.Cell>, of text: [UInt8]) {
        precondition(cells.count <= Self.cellsMax, "more columns than any table has")
        // The header comes first and is as long as its types: it is put before the values in the end.
        let headerMax = Self.lengthMax + cells.count * Self.typeMax
        makeRoom(2 * headerMax + cells.count * 8)
        var typesEnd = Self.lengthMax
        var end = 2 * headerMax
        // Safety: the ranges of cells lie within their batch's text; room is made for each text.
        unsafe text.withUnsafeBytes { source in
            for cell in cells {
                switch cell {
                case .null:
                    unsafe base.storeBytes(of: 0, toByteOffset: typesEnd, as: UInt8.self)
                    typesEnd &+= 1
                case .integer(let value):
                    let type = Self.type(value)
                    unsafe base.storeBytes(
                        of: UInt8(truncatingIfNeeded: type), toByteOffset: typesEnd, as: UInt8.self)
                    typesEnd &+= 1
                    unsafe end &+= Self.write(value, bytes: Self.bytes(ofType: type), to: base + end)
                case .text(let start, let length):
                    typesEnd &+= unsafe Varint.write(UInt64(length) &* 2 &+ 13, to: base + typesEnd)
                    unsafe put(source[range(start, length)], at: &end)
                case .blob(let start, let length):
                    typesEnd &+= unsafe Varint.write(UInt64(length) &* 2 &+ 12, to: base + typesEnd)
                    unsafe put(source[range(start, length)], at: &end)
                }
            }
        }
        let types = typesEnd - Self.lengthMax
        let header = types + Self.lengthBytes(header: types)
        // Safety: from where room was left for it.
        start = 2 * headerMax - header
        let place = unsafe Varint.write(UInt64(header), to: base + start)
        unsafe (base + start + place).copyMemory(from: base + Self.lengthMax, byteCount: types)
        count = end - start
    }

    /// Appends a value behind the ones before, whose end it moves; leaves room for all numbers that follow.
    @unsafe
    @inline(__always)
    private mutating func put(_ value: Slice<UnsafeRawBufferPointer>, at end: inout Int) {
        let value = unsafe UnsafeRawBufferPointer(rebasing: value)
        if end &+ value.count &+ Self.spareBytes > capacity { grow(to: end + value.count, keeping: end) }
        if let source = value.baseAddress {
            // Safety: the room was made.
            unsafe (base + end).copyMemory(from: source, byteCount: value.count)
        }
        end &+= value.count
    }

    /// Most bytes of a header's own length, and of a type: that of a text of 2 GiB.
    private static let lengthMax = 2
    private static let typeMax = 5
    private static let cellsMax = 64
    /// Room that is left behind every text: for as many numbers as a row has columns.
    private static let spareBytes = cellsMax * 8

    /// How many bytes a header counts itself in.
    private static func lengthBytes(header types: Int) -> Int {
        precondition(types + 2 < 0x4000, "a few dozen columns")
        return types + 1 < 0x80 ? 1 : 2
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
        let header = Self.lengthBytes(header: types) + types
        makeRoom(header &+ body)
        start = 0
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
        bodyPlace &+= unsafe Self.write(value, bytes: Self.bytes(ofType: type), to: base + bodyPlace)
    }

    /// Writes a number's lowest bytes, the highest of them first; returns how many.
    ///
    /// - Parameter target: has room for eight.
    @unsafe
    @inline(__always)
    private static func write(_ value: Int64, bytes: Int, to target: UnsafeMutableRawPointer) -> Int {
        if bytes == 0 { return 0 }
        let word = UInt64(bitPattern: value) << UInt64(64 &- 8 &* bytes)
        // Safety: the caller has made the room.
        unsafe target.storeBytes(of: word.bigEndian, as: UInt64.self)
        return bytes
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
        // A number's eight bytes may be written at once.
        guard bytes &+ Self.spareBytes > capacity else { return }
        grow(to: bytes, keeping: 0)
    }

    private mutating func grow(to bytes: Int, keeping kept: Int) {
        capacity = bytes * 2 + Self.spareBytes
        let next = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
        // Safety: both are this value's own, and what is kept fits.
        unsafe next.copyMemory(from: base, byteCount: kept)
        unsafe base.deallocate()
        unsafe base = next
    }
}
