internal import Glibc

/// The file of a `KeyRuns`, in memory for as long as this object lives.
@safe
final class MappedRuns {
    // Safety: mapped in init, unmapped in deinit.
    let base: UnsafeRawPointer
    private let count: Int

    init(_ descriptor: Int32, count: Int, path: String) throws {
        self.count = count
        // Safety: a mapping of its own, of a file that this process alone knows.
        let mapping = unsafe mmap(nil, count, PROT_READ, MAP_SHARED, descriptor, 0)
        guard let start = unsafe mapping, unsafe start != MAP_FAILED else {
            throw PageFile.failure(path + "-runs", errno)
        }
        unsafe base = UnsafeRawPointer(start)
    }

    deinit {
        // Safety: mapped in init.
        unsafe munmap(UnsafeMutableRawPointer(mutating: base), count)
    }
}

/// Merges runs of index entries into their index.
@safe
struct KeyMerge: ~Copyable {
    private struct Cursor {
        var prefix: UInt64
        var row: Int64
        /// The entry at hand, and where the run ends.
        var place: Int
        let end: Int
    }

    private let shape: KeyShape
    private let mapped: MappedRuns
    // Safety: `mapped` keeps it.
    private let base: UnsafeRawPointer
    /// A heap: the least entry first.
    private var heap: [Cursor] = []
    private var record = RecordBytes()

    static var twice: ReadModelError {
        ReadModelError(.inconsistent, "two records of a rebuild have the same key: please report this")
    }

    init(_ runs: [Range<Int>], _ mapped: MappedRuns, _ shape: KeyShape) {
        self.shape = shape
        self.mapped = mapped
        unsafe base = mapped.base
        for run in runs {
            heap.append(cursor(at: run.lowerBound, end: run.upperBound))
            rise(heap.count - 1)
        }
    }

    /// Appends all entries to an index.
    ///
    /// - Parameter isUnique: whether no two may agree in all but the rowid.
    mutating func write(to tree: inout IndexTree, isUnique: Bool) throws {
        var before: Int?
        while let least = heap.first {
            if isUnique, shape.texts > 0 {
                if let before, unsafe KeyOrder.compare(entry(before), entry(least.place), shape) == 0 {
                    throw Self.twice
                }
                before = least.place
            }
            layOut(least)
            // Safety: the record stays as it is during the call.
            try unsafe tree.append(record.bytes)
            advance()
        }
    }

    @inline(__always)
    private func entry(_ place: Int) -> UnsafeRawPointer { unsafe base + place + KeyRuns.headBytes }

    private mutating func layOut(_ cursor: Cursor) {
        guard shape.texts > 0 else {
            // Safety: no texts.
            unsafe record.lay(
                texts: UnsafeRawBufferPointer(start: nil, count: 0), lengths: [0, 0, 0], count: 0,
                number: KeyOrder.number(cursor.prefix), row: cursor.row)
            return
        }
        // Safety: an entry of this shape.
        unsafe record.lay(entry: entry(cursor.place), shape, part: nil, row: cursor.row)
    }

    private func cursor(at place: Int, end: Int) -> Cursor {
        // Safety: a run holds whole entries, each of which begins with its head.
        unsafe Cursor(
            prefix: (base + place).loadUnaligned(as: UInt64.self),
            row: (base + place + 8).loadUnaligned(as: Int64.self), place: place, end: end)
    }

    private mutating func advance() {
        let top = heap[0]
        let size = unsafe Int((base + top.place + 16).loadUnaligned(as: UInt32.self))
        let next = top.place + KeyRuns.headBytes + size
        if next < top.end {
            heap[0] = cursor(at: next, end: top.end)
        } else {
            heap[0] = heap[heap.count - 1]
            heap.removeLast()
        }
        sink()
    }

    private func precedes(_ left: Cursor, _ right: Cursor) -> Bool {
        if left.prefix != right.prefix { return left.prefix < right.prefix }
        if shape.texts > 0 {
            let order = unsafe KeyOrder.compare(entry(left.place), entry(right.place), shape)
            if order != 0 { return order < 0 }
        }
        return left.row < right.row
    }

    private mutating func rise(_ start: Int) {
        var index = start
        while index > 0, precedes(heap[index], heap[(index - 1) / 2]) {
            heap.swapAt(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
    }

    private mutating func sink() {
        var index = 0
        while true {
            var least = index
            let (left, right) = (2 * index + 1, 2 * index + 2)
            if left < heap.count, precedes(heap[left], heap[least]) { least = left }
            if right < heap.count, precedes(heap[right], heap[least]) { least = right }
            if least == index { return }
            heap.swapAt(index, least)
            index = least
        }
    }
}
