/// An index's b-tree, filled with entries in their order.
struct IndexTree {
    private let root: PageNumber
    private let target: any PageTarget
    private let leaf = PageBuilder(.indexLeaf)
    private var inner = InnerPages(.indexInterior)

    /// What of an entry has to stay in its page; ours, whose texts are bounded, are never longer (SQLite
    /// database file format, section 1.6).
    static let entryBytesMax = (PageBuilder.bytes - 12) * 64 / 255 - 23

    init(root: PageNumber, in target: any PageTarget) {
        self.root = root
        self.target = target
    }

    /// Appends an entry: a record that ends with a rowid.
    @unsafe
    mutating func append(_ entry: UnsafeRawBufferPointer) throws {
        precondition(entry.count <= Self.entryBytesMax, "Call-ID and tags are bounded")
        let count = Varint.length(UInt64(entry.count)) + entry.count
        var room = unsafe leaf.room(count)
        if unsafe room == nil {
            // In an index each entry stands once: what divides two pages stands in neither.
            let divider = leaf.removeLast()
            // Safety: here and below, the page is written before it changes.
            let number = try unsafe target.append(leaf.finish())
            leaf.removeAll()
            try inner.add(number, divider: divider, to: target)
            unsafe room = leaf.room(count)
        }
        guard let cell = unsafe room else { preconditionFailure("an empty page has room") }
        // Safety: the page has made room for length and entry.
        let place = unsafe Varint.write(UInt64(entry.count), to: cell)
        unsafe (cell + place).copyMemory(from: entry.baseAddress.unsafelyUnwrapped, byteCount: entry.count)
    }

    /// Begins anew, empty.
    mutating func restart() {
        leaf.removeAll()
        inner = InnerPages(.indexInterior)
    }

    /// Writes what is left, and the root.
    mutating func finish() throws {
        // Safety: the page is written before it changes.
        if inner.isEmpty { return try unsafe target.overwrite(leaf.finish(), at: root) }
        let last = try unsafe target.append(leaf.finish())
        try inner.finish(lastLeaf: last, root: root, to: target)
    }
}
