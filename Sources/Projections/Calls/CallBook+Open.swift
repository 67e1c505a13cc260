package import Events

/// What the read model keeps of the calls that are open.
extension CallBook {
    /// Hands over each call that has changed since the last time and is open, or that was kept as open and is
    /// no more; then forgets the oldest of those that have settled.
    package mutating func takeChanges(
        open: (CallKey, borrowing CallFold, [EarlierCall.Record]) throws -> Void,
        closed: (CallKey) throws -> Void
    ) rethrows {
        for index in dirty.indices {
            if index % Self.touchMax == 0 { touchDirty(index..<min(index + Self.touchMax, dirty.count)) }
            let slot = Int(dirty[index])
            entries[slot].marks.subtract(.dirty)
            // Forgotten since, and its place not taken.
            if entries[slot].chain.count == 0 { continue }
            let isSettled = entries[slot].marks.contains(.settled)
            if !isSettled {
                fold.fold(entries[slot].chain, in: arena, sources: sources)
                try open(entries[slot].key, fold, records(slot))
                if !entries[slot].marks.contains(.kept) { keptCount += 1 }
                entries[slot].marks.formUnion(.kept)
            } else if entries[slot].marks.contains(.kept) {
                try closed(entries[slot].key)
                entries[slot].marks.subtract(.kept)
                keptCount -= 1
            }
        }
        dirty.removeAll(keepingCapacity: true)
        forgetSettled()
    }

    /// Hands over calls that are kept as open, whether they have changed or not, beginning where it stopped
    /// the last time.
    ///
    /// - Parameter body: says whether it wants another.
    /// - Returns: whether it came to the last one, and will begin anew.
    package mutating func forEachOpenAgain(
        _ body: (CallKey, borrowing CallFold, [EarlierCall.Record]) throws -> Bool
    ) rethrows -> Bool {
        while openAgainNext < entries.count {
            let slot = openAgainNext
            if slot % Self.touchMax == 0 { touchKept(slot..<min(slot + Self.touchMax, entries.count)) }
            openAgainNext += 1
            guard entries[slot].chain.count > 0, entries[slot].marks.contains(.kept) else { continue }
            fold.fold(entries[slot].chain, in: arena, sources: sources)
            if try !body(entries[slot].key, fold, records(slot)) { break }
        }
        guard openAgainNext == entries.count else { return false }
        openAgainNext = 0
        return true
    }

    /// The records that a call ever had.
    private func records(_ slot: Int) -> [EarlierCall.Record] {
        guard let history = entries[slot].history else { return [] }
        return history.records.map {
            EarlierCall.Record(toTag: $0.toTag, revision: $0.revision, content: $0.content)
        }
    }
}
