internal import Events

/// Which calls have had a record and are not in memory, so that a new call need not be looked for where it
/// can't be. Up to `exactMax` of them it keeps 64 bits of each key; beyond that it is a filter that never
/// misses a call it was told of, and takes a stranger for one now and then.
///
/// Each stranger that is taken costs more than it seems: whoever folds waits for a search of the read model,
/// behind what is being written to it. So a filter has 32 bits or more for each call, which one stranger in
/// some sixty thousand passes: one a second of 75,000 new calls. Once it is full it goes to a shelf, and
/// another, twice as large up to `filterWordsMax`, is filled beside it, and lets as many pass.
@safe
struct ForgottenCalls: ~Copyable {
    // Safety: allocated with `mask + 1` words, freed in deinit or by the filter that takes them over; every
    // index is masked.
    /// Keys, 0 being a free place; or the bits of the filter that is being filled, eight words a block.
    private var words: UnsafeMutablePointer<UInt64>
    private var mask: Int
    private var count = 0
    private var isFilter = false
    private let exactMax: Int
    private let filterWordsFirst: Int
    private let filterWordsMax: Int
    private let shelf: (any Shelf)?
    /// Filters that are full.
    private var full: [FullFilter] = []

    private static let bitsPerCall = 32
    /// 32 MiB, for 8 million calls.
    static let filterWordsFirstStandard = 1 << 22
    /// 64 MiB. Larger ones would be fewer to look into, and more to have in memory.
    static let filterWordsMaxStandard = 1 << 23

    /// - Parameters:
    ///   - exactMax: how many keys are kept before the filter takes over.
    ///   - filterWordsFirst: the size of the first filter; a power of two, 8 or more.
    ///   - filterWordsMax: that of the others at most; a power of two, no less than the first's.
    ///   - shelf: for full filters; null to keep them in memory.
    init(
        exactMax: Int = 1 << 18, filterWordsFirst: Int = filterWordsFirstStandard,
        filterWordsMax: Int = filterWordsMaxStandard, shelf: (any Shelf)? = nil
    ) {
        precondition(filterWordsFirst >= 8 && filterWordsFirst & (filterWordsFirst - 1) == 0)
        precondition(filterWordsMax >= filterWordsFirst && filterWordsMax & (filterWordsMax - 1) == 0)
        self.exactMax = exactMax
        self.filterWordsFirst = filterWordsFirst
        self.filterWordsMax = filterWordsMax
        self.shelf = shelf
        mask = 4095
        unsafe words = .allocate(capacity: mask + 1)
        unsafe words.initialize(repeating: 0, count: mask + 1)
    }

    deinit {
        // Safety: this value's own.
        unsafe words.deallocate()
    }

    func contains(_ key: CallKey) -> Bool { contains(mark: Self.mark(key)) }

    private func contains(mark: UInt64) -> Bool {
        if isFilter {
            let bits = FilterBits(mark)
            return unsafe bits.areSet(in: UnsafePointer(words), mask) || full.contains { $0.contains(bits) }
        }
        var index = Int(truncatingIfNeeded: mark) & mask
        while true {
            let place = unsafe words[index]
            if place == 0 { return false }
            if place == mark { return true }
            index = (index &+ 1) & mask
        }
    }

    /// Looks at where a key would be.
    @inline(__always)
    func touch(_ key: CallKey) -> UInt64 {
        let mark = Self.mark(key)
        // Safety: masked.
        guard isFilter else { return unsafe words[Int(truncatingIfNeeded: mark) & mask] }
        var seen = unsafe words[FilterBits.block(mark) & mask]
        for filter in full { seen &+= filter.touch(mark) }
        return seen
    }

    mutating func insert(_ key: CallKey) { insert(mark: Self.mark(key)) }

    mutating func insert(mark: UInt64) {
        if contains(mark: mark) { return }
        if isFilter {
            if count >= (mask + 1) * 64 / Self.bitsPerCall { beginAnother() }
        } else if count == exactMax {
            becomeFilter()
        } else if (count + 1) * 10 > (mask + 1) * 7 {
            replaceWords((mask + 1) * 2) { $0.place($1) }
        }
        count += 1
        if isFilter { setBits(mark) } else { place(mark) }
    }

    private mutating func becomeFilter() {
        isFilter = true
        replaceWords(filterWordsFirst) { $0.setBits($1) }
    }

    private mutating func beginAnother() {
        full.append(unsafe FullFilter(words, mask, shelf))
        mask = min((mask + 1) * 2, filterWordsMax) - 1
        count = 0
        unsafe words = Self.zeros(mask + 1)
    }

    /// Takes other words and puts every key into them.
    private mutating func replaceWords(_ newCount: Int, _ keep: (inout ForgottenCalls, UInt64) -> Void) {
        let (old, oldCount) = unsafe (words, mask + 1)
        mask = newCount - 1
        // Safety: the old words are read to the end and freed.
        unsafe words = Self.zeros(newCount)
        for index in 0..<oldCount where unsafe old[index] != 0 { keep(&self, unsafe old[index]) }
        unsafe old.deallocate()
    }

    @unsafe
    private static func zeros(_ count: Int) -> UnsafeMutablePointer<UInt64> {
        // Safety: new memory of that size.
        let words = unsafe LargeMemory.allocate(byteCount: count * MemoryLayout<UInt64>.stride)
            .bindMemory(to: UInt64.self, capacity: count)
        unsafe words.initialize(repeating: 0, count: count)
        return unsafe words
    }

    private mutating func place(_ mark: UInt64) {
        var index = Int(truncatingIfNeeded: mark) & mask
        while unsafe words[index] != 0 { index = (index &+ 1) & mask }
        unsafe words[index] = mark
    }

    private mutating func setBits(_ mark: UInt64) { unsafe FilterBits(mark).set(in: words, mask) }

    /// What is kept of a key: never 0.
    static func mark(_ key: CallKey) -> UInt64 { (key.low ^ key.high) | 1 }
}

/// A filter that nothing is added to any more.
@safe
private final class FullFilter: Sendable {
    // Safety: on the shelf for as long as `shelved` is there, or this object's own and freed in deinit; never
    // written. Every index is masked.
    private nonisolated(unsafe) let words: UnsafePointer<UInt64>
    private let shelved: ShelvedBytes?
    private let mask: Int

    /// Takes the words over.
    @unsafe
    init(_ words: UnsafeMutablePointer<UInt64>, _ mask: Int, _ shelf: (any Shelf)?) {
        self.mask = mask
        let bytes = unsafe UnsafeRawBufferPointer(UnsafeBufferPointer(start: words, count: mask + 1))
        shelved = unsafe shelf?.put(bytes)
        if let shelved {
            unsafe self.words = shelved.words
            unsafe words.deallocate()
        } else {
            unsafe self.words = UnsafePointer(words)
        }
    }

    deinit {
        // Safety: this object's own.
        if shelved == nil { unsafe words.deallocate() }
    }

    func contains(_ bits: FilterBits) -> Bool {
        // Safety: as above.
        unsafe shelved == nil ? bits.areSet(in: words, mask) : bits.mayBeSet(in: words, mask)
    }

    /// Looks at where a key would be.
    @inline(__always)
    func touch(_ mark: UInt64) -> UInt64 { unsafe words[FilterBits.block(mark) & mask] }
}
