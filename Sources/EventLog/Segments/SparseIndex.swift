internal import Events

/// Some positions of a segment and where their frames begin: enough to get near any other.
struct SparseIndex: Equatable, Sendable {
    struct Entry: Equatable, Sendable {
        let position: Position
        let offset: Int
    }

    private(set) var entries: [Entry] = []

    /// Takes note of a frame, in order, if the last one that was noted lies far enough back.
    mutating func add(_ position: Position, at offset: Int) {
        if let last = entries.last, offset - last.offset < LogLimits.sparseIndexStride { return }
        entries.append(Entry(position: position, offset: offset))
    }

    mutating func restore(_ entry: Entry) {
        entries.append(entry)
    }

    /// The last entry at or before a position.
    func nearest(_ position: Position) -> Entry? {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].position <= position { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? nil : entries[low - 1]
    }
}
