internal import Glibc

/// The file of a `KeyRuns`, in memory for as long as this object lives.
@safe
final class MappedRuns {
    // Safety: mapped in init, unmapped in deinit.
    private let base: UnsafeRawPointer
    private let count: Int

    /// - Parameter count: entries in the file.
    init(_ descriptor: Int32, count: Int, path: String) throws {
        self.count = count
        // Safety: a mapping of its own, of a file that this process alone knows.
        let mapping = unsafe mmap(
            nil, count * MemoryLayout<KeyRuns.Entry>.stride, PROT_READ, MAP_SHARED, descriptor, 0)
        guard let start = unsafe mapping, unsafe start != MAP_FAILED else {
            throw PageFile.failure(path + "-runs", errno)
        }
        unsafe base = UnsafeRawPointer(start)
    }

    deinit {
        // Safety: mapped in init.
        unsafe munmap(UnsafeMutableRawPointer(mutating: base), count * MemoryLayout<KeyRuns.Entry>.stride)
    }

    func entry(_ index: Int) -> KeyRuns.Entry {
        precondition(index >= 0 && index < count)
        // Safety: checked above; two numbers, written as they stand in memory.
        return unsafe base.load(
            fromByteOffset: index * MemoryLayout<KeyRuns.Entry>.stride, as: KeyRuns.Entry.self)
    }
}

/// Merges runs of index entries into their index.
struct KeyMerge: ~Copyable {
    private struct Cursor {
        var entry: KeyRuns.Entry
        /// Where the entry stands, and where the run ends.
        var place: Int
        let end: Int
    }

    private let mapped: MappedRuns
    /// A heap: the least entry first.
    private var heap: [Cursor] = []
    private var record = RecordBytes()

    init(_ runs: [Range<Int>], _ mapped: MappedRuns) {
        self.mapped = mapped
        for run in runs {
            heap.append(cursor(at: run.lowerBound, end: run.upperBound))
            rise(heap.count - 1)
        }
    }

    /// Appends all entries to an index.
    mutating func write(to tree: inout IndexTree) throws {
        while let least = heap.first {
            try tree.append(least.entry, &record)
            advance()
        }
    }

    private func cursor(at place: Int, end: Int) -> Cursor {
        Cursor(entry: mapped.entry(place), place: place, end: end)
    }

    private mutating func advance() {
        let top = heap[0]
        if top.place + 1 < top.end {
            heap[0] = cursor(at: top.place + 1, end: top.end)
        } else {
            heap[0] = heap[heap.count - 1]
            heap.removeLast()
        }
        sink()
    }

    private mutating func rise(_ start: Int) {
        var index = start
        while index > 0, heap[index].entry < heap[(index - 1) / 2].entry {
            heap.swapAt(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
    }

    private mutating func sink() {
        var index = 0
        while true {
            var least = index
            let (left, right) = (2 * index + 1, 2 * index + 2)
            if left < heap.count, heap[left].entry < heap[least].entry { least = left }
            if right < heap.count, heap[right].entry < heap[least].entry { least = right }
            if least == index { return }
            heap.swapAt(index, least)
            index = least
        }
    }
}
