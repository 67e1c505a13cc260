package import Events

/// Looks at memory before it is needed: where calls lie is random, and one wait for memory takes as long as
/// sixteen side by side.
extension CallBook {
    /// How many keys are looked at in one go.
    package static let touchMax = 16

    /// Looks at what the next events will ask for.
    ///
    /// - Parameters:
    ///   - keys: `touchMax` at most.
    ///   - views: the events, under the indexes of their keys.
    package mutating func touch(_ keys: ArraySlice<CallKey>, of views: borrowing EventList) {
        precondition(keys.count <= Self.touchMax)
        var slots = InlineArray<16, Int>(repeating: -1)
        var seen: UInt64 = 0
        var newCalls = 0
        for key in keys { seen &+= table.touch(key) }
        for (index, key) in keys.enumerated() {
            if let slot = table.first(key) {
                slots[index] = slot
                seen &+= entries[slot].key.low
            } else {
                seen &+= forgotten.touch(key)
                // A new call, mostly, which gets the next free slot.
                if newCalls < freeSlots.count {
                    seen &+= entries[freeSlots[freeSlots.count - 1 - newCalls]].key.low
                }
                newCalls += 1
            }
        }
        for index in 0..<keys.count where slots[index] >= 0 {
            // What may end a call has it folded.
            if !putsOff, CallState.mayEnd(views[keys.startIndex + index].type) {
                seen &+= arena.touchAll(entries[slots[index]].chain)
            } else {
                let offset = entries[slots[index]].tagOffset
                seen &+= arena.touch(entries[slots[index]].chain, at: Int(offset))
            }
        }
        // Kept, so that nobody finds the looking needless.
        touched = seen
    }

    /// Looks at the calls that are next to leave memory, all of them at once, for it is long since they were
    /// in the cache; returns which one it has not looked at.
    mutating func touchSettled() -> Int {
        let end = min(settledHead + Self.touchMax, settled.count)
        var seen: UInt64 = 0
        for index in settledHead..<end { seen &+= entries[Int(settled[index].slot)].key.low }
        for index in settledHead..<end {
            let slot = Int(settled[index].slot)
            seen &+= table.touch(entries[slot].key) &+ forgotten.touch(entries[slot].key)
            // Where records are put off it is packed up, else its memory goes back.
            seen &+=
                putsOff
                ? arena.touchAll(entries[slot].chain) : arena.touch(entries[slot].chain, at: 0)
        }
        touched = seen
        return end
    }

    /// Looks at calls that are about to be folded.
    ///
    /// - Parameter some: a range of `dirty`.
    mutating func touchDirty(_ some: Range<Int>) {
        var seen: UInt64 = 0
        for index in some { seen &+= entries[Int(dirty[index])].key.low }
        for index in some where !entries[Int(dirty[index])].marks.contains(.settled) {
            seen &+= arena.touchAll(entries[Int(dirty[index])].chain)
        }
        touched = seen
    }

    /// Looks at the calls in some slots that are about to be handed over once more.
    mutating func touchToSayAgain(_ slots: Range<Int>) {
        var seen: UInt64 = 0
        for slot in slots where isToSayAgain(slot) {
            seen &+= arena.touchAll(entries[slot].chain)
        }
        touched = seen
    }
}
