package import Events

/// Looks at memory before it is needed: where calls lie is random, and one wait for memory takes as long as
/// sixteen side by side.
extension CallBook {
    /// How many keys are looked at in one go.
    package static let touchMax = 16

    /// Looks at what the next events will ask for.
    ///
    /// - Parameter keys: `touchMax` at most.
    package mutating func touch(_ keys: ArraySlice<CallKey>) {
        precondition(keys.count <= Self.touchMax)
        var slots = InlineArray<16, Int>(repeating: -1)
        var seen: UInt64 = 0
        for key in keys { seen &+= table.touch(key) }
        for (index, key) in keys.enumerated() {
            if let slot = table.first(key) {
                slots[index] = slot
                seen &+= entries[slot].key.low
            } else {
                seen &+= forgotten.touch(key)
            }
        }
        for index in 0..<keys.count where slots[index] >= 0 {
            seen &+= arena.touch(entries[slots[index]].chain)
        }
        // Kept, so that nobody finds the looking needless.
        touched = seen
    }

    /// Looks at the calls that are next to leave memory, all of them at once, for it is long since they were
    /// in the cache; returns which one it has not looked at.
    mutating func touchSettled() -> Int {
        let end = min(settledHead + 8, settled.count)
        var seen: UInt64 = 0
        for index in settledHead..<end { seen &+= entries[Int(settled[index].slot)].key.low }
        for index in settledHead..<end { seen &+= arena.touchAll(entries[Int(settled[index].slot)].chain) }
        touched = seen
        return end
    }
}
