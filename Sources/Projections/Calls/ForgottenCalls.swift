internal import Events

/// Which calls have had a record and are not in memory, so that a new call need not be looked for where it
/// can't be. Up to `exactMax` of them it keeps 64 bits of each key; beyond that it is a filter that never
/// misses a call it was told of, and takes a stranger for one now and then (three in a thousand with twenty
/// million calls in 32 MiB), which costs a look-up and nothing else. A filter doesn't grow: its size is that
/// of what is known when the book is opened.
@safe
struct ForgottenCalls: ~Copyable {
    // Safety: allocated with `mask + 1` words, freed in deinit; every index is masked.
    /// Keys, 0 being a free place; or the filter's bits, eight words a block.
    private var words: UnsafeMutablePointer<UInt64>
    private var mask: Int
    private var count = 0
    private var isFilter = false
    private let exactMax: Int
    private let filterWords: Int

    /// 32 MiB.
    static let filterWordsStandard = 1 << 22

    /// How large a filter is good for so many calls: at least ten bits for each.
    static func filterWords(for calls: Int) -> Int {
        var words = filterWordsStandard
        while words < calls * 10 / 64 { words *= 2 }
        return words
    }

    /// - Parameters:
    ///   - exactMax: how many keys are kept before the filter takes over.
    ///   - filterWords: the filter's size; a power of two, 8 or more.
    init(exactMax: Int = 1 << 18, filterWords: Int = filterWordsStandard) {
        precondition(filterWords >= 8 && filterWords & (filterWords - 1) == 0)
        self.exactMax = exactMax
        self.filterWords = filterWords
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
            return Self.bits(mark).allSatisfy { unsafe words[word($0, mark)] & 1 << ($0 & 63) != 0 }
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
        return unsafe words[isFilter ? word(0, mark) : Int(truncatingIfNeeded: mark) & mask]
    }

    mutating func insert(_ key: CallKey) { insert(mark: Self.mark(key)) }

    mutating func insert(mark: UInt64) {
        if isFilter { return setBits(mark) }
        if contains(mark: mark) { return }
        if count == exactMax {
            becomeFilter()
            return setBits(mark)
        }
        if (count + 1) * 10 > (mask + 1) * 7 { replaceWords((mask + 1) * 2) { $0.place($1) } }
        place(mark)
        count += 1
    }

    private mutating func becomeFilter() {
        isFilter = true
        replaceWords(filterWords) { $0.setBits($1) }
    }

    /// Takes other words and puts every key into them.
    private mutating func replaceWords(_ newCount: Int, _ keep: (inout ForgottenCalls, UInt64) -> Void) {
        let (old, oldCount) = unsafe (words, mask + 1)
        mask = newCount - 1
        // Safety: the old words are read to the end and freed.
        unsafe words = LargeMemory.allocate(byteCount: newCount * MemoryLayout<UInt64>.stride)
            .bindMemory(to: UInt64.self, capacity: newCount)
        unsafe words.initialize(repeating: 0, count: newCount)
        for index in 0..<oldCount where unsafe old[index] != 0 { keep(&self, unsafe old[index]) }
        unsafe old.deallocate()
    }

    private mutating func place(_ mark: UInt64) {
        var index = Int(truncatingIfNeeded: mark) & mask
        while unsafe words[index] != 0 { index = (index &+ 1) & mask }
        unsafe words[index] = mark
    }

    private mutating func setBits(_ mark: UInt64) {
        let bits = Self.bits(mark)
        for index in bits.indices { unsafe words[word(bits[index], mark)] |= 1 << (bits[index] & 63) }
    }

    /// The word that holds a bit of a key's block, all of which lies in one line of the cache.
    private func word(_ bit: UInt64, _ mark: UInt64) -> Int {
        (Int(truncatingIfNeeded: mark >> 1) &* 8 &+ Int(bit >> 6)) & mask
    }

    /// Five bits of the 512 of a block.
    private static func bits(_ mark: UInt64) -> [5 of UInt64] {
        let mixed = (mark ^ mark >> 29) &* 0x9E37_79B9_7F4A_7C15
        return [mixed >> 55, mixed >> 46 & 511, mixed >> 37 & 511, mixed >> 28 & 511, mixed >> 19 & 511]
    }

    /// What is kept of a key: never 0.
    static func mark(_ key: CallKey) -> UInt64 { (key.low ^ key.high) | 1 }
}

extension InlineArray where Element == UInt64 {
    fileprivate func allSatisfy(_ condition: (UInt64) -> Bool) -> Bool {
        for index in indices where !condition(self[index]) { return false }
        return true
    }
}
