internal import Events

/// Which calls have been in memory and are no more: 64 bits of each key, so that a new call need not be
/// looked for where it can't be. A stranger taken for a forgotten call (one in billions) costs a look-up and
/// nothing else.
@safe
struct ForgottenCalls: ~Copyable {
    // Safety: allocated with `mask + 1` places, freed in deinit; every index is masked. 0 is a free place.
    private var places: UnsafeMutablePointer<UInt64>
    private var mask: Int
    private var count = 0

    init() {
        mask = 4095
        unsafe places = .allocate(capacity: mask + 1)
        unsafe places.initialize(repeating: 0, count: mask + 1)
    }

    deinit {
        // Safety: this value's own.
        unsafe places.deallocate()
    }

    func contains(_ key: CallKey) -> Bool {
        let mark = Self.mark(key)
        var index = Int(truncatingIfNeeded: mark) & mask
        while true {
            let place = unsafe places[index]
            if place == 0 { return false }
            if place == mark { return true }
            index = (index &+ 1) & mask
        }
    }

    mutating func insert(_ key: CallKey) {
        if contains(key) { return }
        if (count + 1) * 10 > (mask + 1) * 7 { grow() }
        place(Self.mark(key))
        count += 1
    }

    private mutating func grow() {
        let (old, oldCount) = unsafe (places, mask + 1)
        mask = oldCount * 2 - 1
        // Safety: the old places are read to the end and freed.
        unsafe places = .allocate(capacity: mask + 1)
        unsafe places.initialize(repeating: 0, count: mask + 1)
        for index in 0..<oldCount where unsafe old[index] != 0 { place(unsafe old[index]) }
        unsafe old.deallocate()
    }

    private func place(_ mark: UInt64) {
        var index = Int(truncatingIfNeeded: mark) & mask
        while unsafe places[index] != 0 { index = (index &+ 1) & mask }
        unsafe places[index] = mark
    }

    private static func mark(_ key: CallKey) -> UInt64 { (key.low ^ key.high) | 1 }
}
