internal import Events

/// Where in one segment the frames lie that hold an event or are about it, by the event's identity.
struct IdentityIndex: Sendable {
    /// The frames about one epoch of a source.
    struct Lists: Sendable {
        /// Frames that hold events, by their first number; they don't overlap.
        var runs = SortedEntries()
        /// Frames of kind `rejected`, by the number they are about.
        var rejected = SortedEntries()
        /// Frames of kind `gap`, in order of the log.
        var gaps: [IdentityEntry] = []
    }

    private var places: [SourceEpoch: Int] = [:]
    private(set) var keys: [SourceEpoch] = []
    private(set) var lists: [Lists] = []
    private var recent = 0

    mutating func add(_ header: FrameHeader, at offset: Int) {
        let first = header.firstSequence.rawValue
        let place = makePlace(of: header.source)
        lists[place].runs.add(
            IdentityEntry(first: first, last: first + Int64(header.count) - 1, offset: offset))
        guard let subject = header.subject else { return }
        let entry = IdentityEntry(first: subject.first.rawValue, last: subject.last.rawValue, offset: offset)
        let other = makePlace(of: subject.source)
        if header.kind == .gap { lists[other].gaps.append(entry) } else { lists[other].rejected.add(entry) }
    }

    /// Offsets of the frames that hold an event or are about it, rising.
    mutating func offsets(for source: SourceEpoch, _ number: Int64) -> [Int] {
        guard let place = places[source] else { return [] }
        var offsets = lists[place].runs.offsets(of: number)
        offsets += lists[place].rejected.offsets(of: number)
        for gap in lists[place].gaps where gap.first <= number && number <= gap.last {
            offsets.append(gap.offset)
        }
        return offsets.sorted()
    }

    private mutating func makePlace(of source: SourceEpoch) -> Int {
        if recent < keys.count, keys[recent] == source { return recent }
        if let place = places[source] {
            recent = place
            return place
        }
        places[source] = keys.count
        keys.append(source)
        lists.append(Lists())
        recent = keys.count - 1
        return recent
    }
}

/// The numbers that a frame holds or is about, and where it lies.
struct IdentityEntry: Equatable, Sendable {
    let first: Int64
    let last: Int64
    let offset: Int

    /// Ordered by number, then by place.
    static func isBefore(_ left: IdentityEntry, _ right: IdentityEntry) -> Bool {
        left.first == right.first ? left.offset < right.offset : left.first < right.first
    }
}

/// Entries in order of their numbers, also where they come in another. The last few lie unsorted, so that
/// adding and looking up in turns never sorts all of them each time.
struct SortedEntries: Sendable {
    private static let unsortedMax = 512
    private var sorted: [IdentityEntry] = []
    private var unsorted: [IdentityEntry] = []

    mutating func add(_ entry: IdentityEntry) {
        if unsorted.isEmpty, sorted.last.map({ IdentityEntry.isBefore($0, entry) }) ?? true {
            sorted.append(entry)
            return
        }
        unsorted.append(entry)
    }

    /// All of them, in order.
    var all: [IdentityEntry] {
        var copy = self
        copy.sort()
        return copy.sorted
    }

    /// Offsets of the entries with a number.
    mutating func offsets(of number: Int64) -> [Int] {
        if unsorted.count > Self.unsortedMax { sort() }
        var offsets: [Int] = []
        var index = Self.end(of: number, in: sorted.count) { sorted[$0].first }
        // Entries with more than one number don't overlap, so that the first one that ends before is the last
        // to try.
        while index > 0, sorted[index - 1].last >= number {
            offsets.append(sorted[index - 1].offset)
            index -= 1
        }
        for entry in unsorted where entry.first <= number && number <= entry.last {
            offsets.append(entry.offset)
        }
        return offsets
    }

    /// Behind the last of `count` entries that begin at `number` or before.
    static func end(of number: Int64, in count: Int, first: (Int) -> Int64) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if first(middle) <= number { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Merges: linear but for the few that lie unsorted.
    private mutating func sort() {
        guard !unsorted.isEmpty else { return }
        unsorted.sort(by: IdentityEntry.isBefore)
        var merged: [IdentityEntry] = []
        merged.reserveCapacity(sorted.count + unsorted.count)
        var index = 0
        for entry in unsorted {
            while index < sorted.count, IdentityEntry.isBefore(sorted[index], entry) {
                merged.append(sorted[index])
                index += 1
            }
            merged.append(entry)
        }
        merged += sorted[index...]
        sorted = merged
        unsorted.removeAll(keepingCapacity: true)
    }
}
