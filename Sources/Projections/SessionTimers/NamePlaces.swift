internal import CXXHash

/// Where what is kept of a name stands in a list: found by a hash of the name, without an allocation and
/// without hashing the hash again, as a dictionary would.
struct NamePlaces: Sendable {
    private struct Place: Sendable {
        var hash: UInt64 = 0
        /// -1 where the place is free.
        var index: Int32 = -1
    }

    /// A power of two, at most half of them taken.
    private var places = [Place](repeating: Place(), count: 32)
    private var count = 0

    /// The index of a name in the list, which is the list's count where it is new and to be appended.
    ///
    /// - Parameter isName: whether the name at an index is this one.
    mutating func index(of name: ArraySlice<UInt8>, isName: (Int) -> Bool) -> Int {
        // Safety: read during the call only.
        let hash = unsafe name.withUnsafeBytes { unsafe tollbook_xxh3_64($0.baseAddress, $0.count, 0) }
        var place = Int(truncatingIfNeeded: hash) & (places.count - 1)
        while places[place].index >= 0 {
            if places[place].hash == hash, isName(Int(places[place].index)) {
                return Int(places[place].index)
            }
            place = (place + 1) & (places.count - 1)
        }
        places[place] = Place(hash: hash, index: Int32(count))
        count += 1
        if count * 2 > places.count { grow() }
        return count - 1
    }

    private mutating func grow() {
        let old = places
        places = [Place](repeating: Place(), count: old.count * 2)
        for taken in old where taken.index >= 0 {
            var place = Int(truncatingIfNeeded: taken.hash) & (places.count - 1)
            while places[place].index >= 0 { place = (place + 1) & (places.count - 1) }
            places[place] = taken
        }
    }
}

extension ArraySlice<UInt8> {
    /// Whether these bytes are the same, eight at a time.
    func isSame(as other: [UInt8]) -> Bool {
        guard count == other.count else { return false }
        // Safety: both are as long as each other, and lent for the call.
        return unsafe withUnsafeBufferPointer { left in
            unsafe other.withUnsafeBufferPointer { right in
                guard let first = left.baseAddress, let second = right.baseAddress else { return true }
                return unsafe TextBytes.areEqual(first, second, count: left.count)
            }
        }
    }
}
