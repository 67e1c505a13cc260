internal import Events

/// Finds a call's slot by its key: open addressing, eight bytes a place, keys compared in the slots
/// themselves.
@safe
struct CallTable: ~Copyable {
    private struct Place {
        /// The slot plus one; 0 for a free place.
        var slot: UInt32
        /// The key's lowest bits: they say where its place would be, and tell most strangers apart, without a
        /// look at the slot.
        var mark: UInt32
    }

    // Safety: allocated with `mask + 1` places, freed in deinit; every index is masked.
    private var places: UnsafeMutablePointer<Place>
    private var mask: Int
    private(set) var count = 0

    init() {
        mask = 1023
        unsafe places = .allocate(capacity: mask + 1)
        unsafe places.initialize(repeating: Place(slot: 0, mark: 0), count: mask + 1)
    }

    deinit {
        // Safety: this value's own.
        unsafe places.deallocate()
    }

    /// The slot of a key, where it has one.
    @inline(__always)
    func find(_ key: CallKey, in entries: borrowing CallEntries) -> Int? {
        var index = Int(truncatingIfNeeded: key.low) & mask
        let mark = UInt32(truncatingIfNeeded: key.low)
        while true {
            let place = unsafe places[index]
            if place.slot == 0 { return nil }
            if place.mark == mark, entries[Int(place.slot) - 1].key == key { return Int(place.slot) - 1 }
            index = (index &+ 1) & mask
        }
    }

    /// Looks at where a key would be.
    @inline(__always)
    func touch(_ key: CallKey) -> UInt64 {
        // Safety: masked.
        unsafe UInt64(places[Int(truncatingIfNeeded: key.low) & mask].mark)
    }

    /// The slot that stands where a key would be; mostly that of the key, if it has one.
    @inline(__always)
    func first(_ key: CallKey) -> Int? {
        let place = unsafe places[Int(truncatingIfNeeded: key.low) & mask]
        return place.slot == 0 || place.mark != UInt32(truncatingIfNeeded: key.low)
            ? nil : Int(place.slot) - 1
    }

    /// Adds a key that is not in the table.
    mutating func insert(_ key: CallKey, slot: Int) {
        if (count + 1) * 10 > (mask + 1) * 7 { grow() }
        place(Place(slot: UInt32(slot + 1), mark: UInt32(truncatingIfNeeded: key.low)))
        count += 1
    }

    /// Takes a key out that is in the table.
    mutating func remove(_ key: CallKey, slot: Int) {
        var index = Int(truncatingIfNeeded: key.low) & mask
        while unsafe places[index].slot != UInt32(slot + 1) {
            precondition(unsafe places[index].slot != 0, "no such call in the table")
            index = (index &+ 1) & mask
        }
        // Close the hole: whoever stands behind it and belongs before it moves up.
        var hole = index
        var next = (index &+ 1) & mask
        while unsafe places[next].slot != 0 {
            let home = Int(unsafe places[next].mark) & mask
            if (next &- home) & mask >= (next &- hole) & mask {
                unsafe places[hole] = places[next]
                hole = next
            }
            next = (next &+ 1) & mask
        }
        unsafe places[hole] = Place(slot: 0, mark: 0)
        count -= 1
    }

    private mutating func grow() {
        let (old, oldCount) = unsafe (places, mask + 1)
        precondition(oldCount < 1 << 31, "a place is found by 32 bits of the key")
        mask = oldCount * 2 - 1
        // Safety: the old places are read to the end and freed.
        unsafe places = LargeMemory.allocate(byteCount: (mask + 1) * MemoryLayout<Place>.stride)
            .bindMemory(to: Place.self, capacity: mask + 1)
        unsafe places.initialize(repeating: Place(slot: 0, mark: 0), count: mask + 1)
        for index in 0..<oldCount where unsafe old[index].slot != 0 { place(unsafe old[index]) }
        unsafe old.deallocate()
    }

    private func place(_ place: Place) {
        var index = Int(place.mark) & mask
        while unsafe places[index].slot != 0 { index = (index &+ 1) & mask }
        unsafe places[index] = place
    }
}
