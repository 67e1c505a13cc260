/// A table's b-tree, filled with records in the order of their rowids, which it gives out one after another.
struct TableTree {
    private let root: PageNumber
    private let target: any PageTarget
    private let leaf = PageBuilder(.tableLeaf)
    private var inner = InnerPages(.tableInterior)
    /// The rowid of the last record; before there is one, the number before the first.
    private(set) var lastRow: Int64

    /// What of a record stays in its page at most, and what at least where the rest overflows (SQLite
    /// database file format, section 1.6).
    private static let localMax = PageBuilder.bytes - 35
    private static let localMin = (PageBuilder.bytes - 12) * 32 / 255 - 23

    /// - Parameter first: the first rowid.
    init(root: PageNumber, in target: any PageTarget, first: Int64 = 1) {
        lastRow = first - 1
        self.root = root
        self.target = target
    }

    /// Appends a record.
    @unsafe
    mutating func append(_ record: UnsafeRawBufferPointer) throws {
        let local = Self.local(record.count)
        let overflow = local < record.count
        let row = UInt64(bitPattern: lastRow + 1)
        let headBytes = Varint.length(UInt64(record.count)) + Varint.length(row)
        let count = headBytes + local + (overflow ? 4 : 0)
        var rest: PageNumber?
        if overflow {
            rest = try unsafe target.appendOverflow(UnsafeRawBufferPointer(rebasing: record[local...]))
        }
        var room = unsafe leaf.room(count)
        if unsafe room == nil {
            try flushLeaf()
            unsafe room = leaf.room(count)
        }
        guard let cell = unsafe room else { preconditionFailure("an empty page has room") }
        lastRow += 1
        // Safety: the page has made room for head, local bytes and overflow page.
        var place = unsafe Varint.write(UInt64(record.count), to: cell)
        place += unsafe Varint.write(row, to: cell + place)
        unsafe (cell + place).copyMemory(from: record.baseAddress.unsafelyUnwrapped, byteCount: local)
        if let rest {
            unsafe (cell + place + local).storeBytes(of: rest.rawValue.bigEndian, as: UInt32.self)
        }
    }

    /// Begins anew, empty.
    ///
    /// - Parameter row: the rowid behind which those that come are counted.
    mutating func restart(after row: Int64) {
        leaf.removeAll()
        inner = InnerPages(.tableInterior)
        lastRow = row
    }

    /// Writes what is left, and the root.
    mutating func finish() throws {
        // Safety: here and below, the page is written before it changes.
        if inner.isEmpty { return try unsafe target.overwrite(leaf.finish(), at: root) }
        let last = try unsafe target.append(leaf.finish())
        try inner.finish(lastLeaf: last, root: root, to: target)
    }

    private mutating func flushLeaf() throws {
        let number = try unsafe target.append(leaf.finish())
        leaf.removeAll()
        let row = UInt64(bitPattern: lastRow)
        var divider = [UInt8](repeating: 0, count: Varint.length(row))
        // Safety: the array has the number's length.
        unsafe divider.withUnsafeMutableBytes {
            _ = unsafe Varint.write(row, to: $0.baseAddress.unsafelyUnwrapped)
        }
        try inner.add(number, divider: divider, to: target)
    }

    /// How many bytes of a record stay in its page.
    private static func local(_ count: Int) -> Int {
        if count <= localMax { return count }
        let kept = localMin + (count - localMin) % (PageBuilder.bytes - 4)
        return kept <= localMax ? kept : localMin
    }
}
