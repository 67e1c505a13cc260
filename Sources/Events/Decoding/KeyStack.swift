internal import CXXHash

/// The keys of the objects that are open at a place in a text, so that a duplicate is seen at any depth.
/// Its storage is kept from event to event.
final class KeyStack {
    private var keys: [TextRange] = []
    private var starts: [Int] = []

    /// Up to so many keys, comparing each with each beats sorting.
    private static let pairwiseMax = 8

    func removeAll() {
        keys.removeAll(keepingCapacity: true)
        starts.removeAll(keepingCapacity: true)
    }

    func open() {
        starts.append(keys.count)
    }

    func append(_ key: TextRange) {
        keys.append(key)
    }

    /// Ends the innermost object; false where two of its keys are the same.
    func close(in bytes: PaddedBytes) -> Bool {
        let start = starts.removeLast()
        let count = keys.count - start
        if count == 0 { return true }
        defer { keys.removeLast(count) }
        if count < 2 { return true }
        if count <= Self.pairwiseMax {
            for left in start..<keys.count - 1 {
                for right in left + 1..<keys.count where Self.areEqual(keys[left], keys[right], in: bytes) {
                    return false
                }
            }
            return true
        }
        let hashes = keys[start...].map { (hash: Self.hash($0, in: bytes), key: $0) }
            .sorted { $0.hash < $1.hash }
        var first = 0
        for index in 1..<hashes.count {
            if hashes[index].hash != hashes[first].hash { first = index }
            for other in first..<index where Self.areEqual(hashes[other].key, hashes[index].key, in: bytes) {
                return false
            }
        }
        return true
    }

    private static func areEqual(_ left: TextRange, _ right: TextRange, in bytes: PaddedBytes) -> Bool {
        if !left.isEscaped, !right.isEscaped {
            guard left.length == right.length else { return false }
            for offset in 0..<left.length
            where bytes[Int(left.start) + offset] != bytes[Int(right.start) + offset] {
                return false
            }
            return true
        }
        return resolved(left, in: bytes) == resolved(right, in: bytes)
    }

    private static func hash(_ key: TextRange, in bytes: PaddedBytes) -> UInt64 {
        let text = resolved(key, in: bytes)
        // Safety: the array's own bytes, read during the call.
        return unsafe text.withUnsafeBytes { unsafe tollbook_xxh3_64($0.baseAddress, $0.count, 0) }
    }

    private static func resolved(_ key: TextRange, in bytes: PaddedBytes) -> [UInt8] {
        var text: [UInt8] = []
        JSONText.append(key, in: bytes, to: &text)
        return text
    }
}
