package import Events

/// A short number for each epoch of each source, given in the order of first appearance in the log.
///
/// Facts in memory name their source by it; the read model keeps the table, so that the numbers stay the
/// same. One projector owns it and shares it with its folds.
package final class SourceRegistry {
    package private(set) var entries: [SourceEpoch] = []
    private var indexes: [SourceEpoch: UInt32] = [:]
    /// The names as JSON strings.
    private var quoted: [[UInt8]] = []

    package init(_ entries: [SourceEpoch] = []) {
        for entry in entries {
            _ = index(of: entry)
        }
    }

    /// The number of an epoch of a source, which is given one where it has none.
    package func index(of entry: SourceEpoch) -> UInt32 {
        if let index = indexes[entry] { return index }
        let index = UInt32(entries.count)
        entries.append(entry)
        var name: [UInt8] = []
        JSONText.appendQuoted(entry.source.description.utf8, to: &name)
        quoted.append(name)
        indexes[entry] = index
        return index
    }

    package func source(_ index: UInt32) -> SourceName { entries[Int(index)].source }

    /// A source's name as a JSON string.
    func quotedName(_ index: UInt32) -> [UInt8] { quoted[Int(index)] }

    /// Canonical order of two events of the same time.
    func precedes(_ left: Fact, _ right: Fact) -> Bool {
        if left.sourceEpoch != right.sourceEpoch {
            let (first, second) = (entries[Int(left.sourceEpoch)], entries[Int(right.sourceEpoch)])
            if first != second { return first < second }
        }
        return left.seq < right.seq
    }
}
