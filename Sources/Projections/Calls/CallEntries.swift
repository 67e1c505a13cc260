internal import Events

/// What a book keeps of each call besides its packed facts, by slot.
@safe
struct CallEntries: ~Copyable {
    // Safety: the first `count` of `capacity` places are initialised; every index is checked.
    private var base: UnsafeMutablePointer<CallBook.Entry>
    private var capacity: Int
    private(set) var count = 0

    init() {
        capacity = 1_024
        unsafe base = Self.allocate(capacity)
    }

    deinit {
        // Safety: this value's own.
        unsafe base.deinitialize(count: count)
        unsafe base.deallocate()
    }

    var indices: Range<Int> { 0..<count }

    @inline(__always)
    subscript(slot: Int) -> CallBook.Entry {
        @unsafe unsafeAddress {
            precondition(UInt(bitPattern: slot) < UInt(bitPattern: count), "no such slot")
            // Safety: checked above.
            return unsafe UnsafePointer(base + slot)
        }
        @unsafe unsafeMutableAddress {
            precondition(UInt(bitPattern: slot) < UInt(bitPattern: count), "no such slot")
            return unsafe base + slot
        }
    }

    mutating func append(_ entry: consuming CallBook.Entry) {
        if count == capacity { grow() }
        // Safety: there is a place behind the last.
        unsafe (base + count).initialize(to: entry)
        count += 1
    }

    private mutating func grow() {
        let next = unsafe Self.allocate(capacity * 2)
        // Safety: what is there moves, and its old place is freed.
        unsafe next.moveInitialize(from: base, count: count)
        unsafe base.deallocate()
        unsafe base = next
        capacity *= 2
    }

    @unsafe
    private static func allocate(_ count: Int) -> UnsafeMutablePointer<CallBook.Entry> {
        // Safety: bound to the type that is kept in it.
        unsafe LargeMemory.allocate(byteCount: count * MemoryLayout<CallBook.Entry>.stride)
            .bindMemory(to: CallBook.Entry.self, capacity: count)
    }
}
