/// A page of a b-tree that is being filled, cell after cell in the order of the keys
/// (SQLite database file format, section 1.6).
@safe
final class PageBuilder {
    enum Kind: UInt8 {
        case indexInterior = 0x02
        case tableInterior = 0x05
        case indexLeaf = 0x0A
        case tableLeaf = 0x0D

        var isLeaf: Bool { rawValue >= 0x0A }
    }

    /// Bytes of a page: twice SQLite's default, which spares half of the writes where rows are long, with
    /// nothing reserved at its end.
    static let bytes = 8_192

    // Safety: allocated in init with `bytes`, freed in deinit; every write stays between the cell pointers
    // and the content, which `room` checks.
    private let base: UnsafeMutableRawPointer
    private let kind: Kind
    private let headerBytes: Int
    private(set) var cellCount = 0
    /// Where the cells begin: they grow down from the end.
    private var content = bytes
    private var lastCellBytes = 0

    init(_ kind: Kind) {
        self.kind = kind
        headerBytes = kind.isLeaf ? 8 : 12
        unsafe base = .allocate(byteCount: Self.bytes, alignment: 4096)
        unsafe base.initializeMemory(as: UInt8.self, repeating: 0, count: Self.bytes)
    }

    deinit {
        // Safety: this object's own.
        unsafe base.deallocate()
    }

    /// Makes room for a cell.
    ///
    /// - Returns: where to write it, valid until the next call; null where the page is full.
    @unsafe
    @inline(__always)
    func room(_ count: Int) -> UnsafeMutableRawPointer? {
        // A freed cell must be able to hold a free block's header, which takes four bytes.
        let count = max(count, 4)
        guard content &- count >= headerBytes &+ 2 &* (cellCount &+ 1) else { return nil }
        content &-= count
        // Safety: below the content, and above all pointers, checked above.
        unsafe base.storeBytes(
            of: UInt16(truncatingIfNeeded: content).bigEndian, toByteOffset: headerBytes &+ 2 &* cellCount,
            as: UInt16.self)
        cellCount &+= 1
        lastCellBytes = count
        return unsafe base + content
    }

    /// Takes the cell out that was put in last; once only.
    func removeLast() -> [UInt8] {
        precondition(cellCount > 1 && lastCellBytes > 0, "a page keeps one cell at least")
        // Safety: the last cell's own bytes.
        let cell = unsafe [UInt8](UnsafeRawBufferPointer(start: base + content, count: lastCellBytes))
        content += lastCellBytes
        cellCount -= 1
        lastCellBytes = 0
        return cell
    }

    /// The page as the file is to have it; valid until the next call.
    ///
    /// - Parameter rightChild: of an inner page.
    @unsafe
    func finish(rightChild: PageNumber? = nil) -> UnsafeRawPointer {
        precondition((rightChild == nil) == kind.isLeaf, "an inner page has a right child, a leaf has none")
        // What a page before left between the pointers and the content means nothing, but a file should not
        // depend on it.
        let gap = headerBytes + 2 * cellCount
        // Safety: within the page.
        unsafe (base + gap).initializeMemory(as: UInt8.self, repeating: 0, count: content - gap)
        unsafe base.storeBytes(of: kind.rawValue, as: UInt8.self)
        unsafe base.storeBytes(of: 0, toByteOffset: 1, as: UInt16.self)
        unsafe base.storeBytes(
            of: UInt16(cellCount).bigEndian, toByteOffset: 3, as: UInt16.self)
        unsafe base.storeBytes(of: UInt16(content).bigEndian, toByteOffset: 5, as: UInt16.self)
        unsafe base.storeBytes(of: 0, toByteOffset: 7, as: UInt8.self)
        if let rightChild {
            unsafe base.storeBytes(of: rightChild.rawValue.bigEndian, toByteOffset: 8, as: UInt32.self)
        }
        return unsafe UnsafeRawPointer(base)
    }

    /// Empties the page.
    func removeAll() {
        cellCount = 0
        content = Self.bytes
        lastCellBytes = 0
    }
}

/// The number of a page in a SQLite file, from 1.
struct PageNumber: RawRepresentable, Hashable, Sendable {
    let rawValue: UInt32
}

/// SQLite's numbers of one to nine bytes, the highest seven bits first.
enum Varint {
    @inline(__always)
    static func length(_ value: UInt64) -> Int {
        if value < 0x80 { return 1 }
        if value < 0x4000 { return 2 }
        if value >> 56 != 0 { return 9 }
        return (64 &- value.leadingZeroBitCount &+ 6) / 7
    }

    /// Writes a number; returns how many bytes it took, nine at most.
    @unsafe
    @inline(__always)
    static func write(_ value: UInt64, to target: UnsafeMutableRawPointer) -> Int {
        // Safety: whoever calls has made room for `length` bytes.
        if value < 0x80 {
            unsafe target.storeBytes(of: UInt8(truncatingIfNeeded: value), as: UInt8.self)
            return 1
        }
        let count = length(value)
        var rest = value
        var place = count
        if count == 9 {
            unsafe target.storeBytes(of: UInt8(truncatingIfNeeded: rest), toByteOffset: 8, as: UInt8.self)
            rest >>= 8
            place = 8
        }
        let isNine = count == 9
        var more: UInt8 = isNine ? 0x80 : 0
        while place > 0 {
            place &-= 1
            unsafe target.storeBytes(
                of: UInt8(truncatingIfNeeded: rest & 0x7F) | more, toByteOffset: place, as: UInt8.self)
            more = 0x80
            rest >>= 7
        }
        return count
    }
}
