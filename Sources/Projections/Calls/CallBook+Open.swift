package import Events

/// What the read model keeps of the calls that are open.
extension CallBook {
    /// Hands over each call that has changed since the last time and is open, or that was kept as open and is
    /// no more; then forgets the oldest of those that have settled.
    ///
    /// - Parameter open: takes a call, and how many bytes of its packed facts it was given before.
    package mutating func takeChanges(
        open: (CallKey, borrowing CallFold, _ known: Int, [EarlierCall.Record]) throws -> Void,
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
                let known = knownBytes(slot)
                try open(entries[slot].key, fold, known, records(slot))
                if !entries[slot].marks.contains(.kept) { keptCount += 1 }
                entries[slot].marks.formUnion(.kept)
                entries[slot].unsaidBytes = 0
                if known == 0 { noteSaid(slot) }
            } else if entries[slot].marks.contains(.kept) {
                try closed(entries[slot].key)
                entries[slot].marks.subtract(.kept)
                keptCount -= 1
            }
        }
        dirty.removeAll(keepingCapacity: true)
        forgetSettled()
    }

    /// How many bytes of a call's facts were handed over as an open call's.
    private func knownBytes(_ slot: Int) -> Int {
        let unsaid = entries[slot].unsaidBytes
        guard entries[slot].marks.contains(.kept), unsaid < .max else { return 0 }
        return Int(entries[slot].chain.count) - Int(unsaid)
    }

    /// Hands over calls that are kept as open and were not handed over whole since this pass through all of
    /// them began, beginning where it stopped the last time.
    ///
    /// - Parameter count: how many places to look at, of `countMost`.
    /// - Returns: whether it came to the last one: each call that is open was handed over whole since the
    ///   last time that this was true, and another pass begins.
    package mutating func forEachOpenAgain(
        places count: Int, _ body: (CallKey, borrowing CallFold, [EarlierCall.Record]) throws -> Void
    ) rethrows -> Bool {
        let end = min(openAgainNext + count, entries.count)
        var ahead = openAgainNext
        while openAgainNext < end {
            let slot = openAgainNext
            if slot == ahead {
                ahead = min(slot + Self.touchMax, end)
                touchToSayAgain(slot..<ahead)
            }
            openAgainNext += 1
            guard isToSayAgain(slot) else { continue }
            fold.fold(entries[slot].chain, in: arena, sources: sources)
            try body(entries[slot].key, fold, records(slot))
            noteSaid(slot)
        }
        guard openAgainNext == entries.count else { return false }
        openAgainNext = 0
        openAgainPass += 1
        return true
    }

    /// Whether a call is kept as open, and was not handed over whole since the pass began.
    func isToSayAgain(_ slot: Int) -> Bool {
        let marks = entries[slot].marks
        return marks.contains(.kept) && marks.contains(.saidInOddPass) == openAgainPass.isMultiple(of: 2)
    }

    private mutating func noteSaid(_ slot: Int) {
        if openAgainPass.isMultiple(of: 2) {
            entries[slot].marks.subtract(.saidInOddPass)
        } else {
            entries[slot].marks.formUnion(.saidInOddPass)
        }
    }

    /// The records that a call ever had.
    private func records(_ slot: Int) -> [EarlierCall.Record] {
        guard let history = entries[slot].history else { return [] }
        return history.records.map {
            EarlierCall.Record(toTag: $0.toTag, revision: $0.revision, content: $0.content)
        }
    }
}
