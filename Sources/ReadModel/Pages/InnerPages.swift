/// The inner pages of a b-tree that is filled in the order of its keys: each level is written as it fills,
/// and the topmost page in the end where the schema says that the tree begins.
///
/// A page that is full gives its last cell up: its child becomes the page's right child, and what divides
/// goes one level up. So no page is ever left with less than one cell, which SQLite would take for damage.
struct InnerPages {
    private let kind: PageBuilder.Kind
    private var levels: [PageBuilder] = []

    init(_ kind: PageBuilder.Kind) {
        self.kind = kind
    }

    /// Whether the tree has only one leaf so far.
    var isEmpty: Bool { levels.isEmpty }

    /// Adds a page and what divides it from the next: of a table its greatest rowid, of an index a whole
    /// entry.
    mutating func add(_ child: PageNumber, divider: [UInt8], to target: any PageTarget, level: Int = 0)
        throws
    {
        if level == levels.count { levels.append(PageBuilder(kind)) }
        if put(child, divider, level) { return }
        let last = levels[level].removeLast()
        let rightChild = PageNumber(rawValue: last[..<4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) })
        // Safety: the page is written before it changes.
        let full = try unsafe target.append(levels[level].finish(rightChild: rightChild))
        levels[level].removeAll()
        try add(full, divider: Array(last[4...]), to: target, level: level + 1)
        let hasRoom = put(child, divider, level)
        precondition(hasRoom, "an empty page has room")
    }

    /// Writes what is left, the topmost page at `root`.
    mutating func finish(lastLeaf: PageNumber, root: PageNumber, to target: any PageTarget) throws {
        var child = lastLeaf
        var level = 0
        while level < levels.count {
            // Safety: the page is written before it changes.
            let page = unsafe levels[level].finish(rightChild: child)
            if level == levels.count - 1 {
                try unsafe target.overwrite(page, at: root)
            } else {
                child = try unsafe target.append(page)
            }
            level += 1
        }
    }

    private func put(_ child: PageNumber, _ divider: [UInt8], _ level: Int) -> Bool {
        guard let place = unsafe levels[level].room(4 + divider.count) else { return false }
        // Safety: the page has made the room.
        unsafe place.storeBytes(of: child.rawValue.bigEndian, as: UInt32.self)
        unsafe divider.withUnsafeBytes { bytes in
            unsafe (place + 4).copyMemory(from: bytes.baseAddress.unsafelyUnwrapped, byteCount: bytes.count)
        }
        return true
    }
}
