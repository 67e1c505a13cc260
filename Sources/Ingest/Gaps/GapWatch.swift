package import Events

/// Which numbers of the unacknowledged epochs are missing, and since when: a value that reads no clock.
///
/// Events that come by PULL or SUB come in any order. A number is missed from the moment that a higher one,
/// or a heartbeat that names a higher one, has come. An epoch begins at 1: what is below the first number
/// ever seen of it is missed too. Whatever is still missed after `patience` is stated as a `ledger.gap`.
package struct GapWatch: Sendable {
    package struct Hole: Hashable, Sendable {
        package var range: NumberRange
        package let since: Timestamp
    }

    private struct Epoch: Sendable {
        /// The highest number that came or was named.
        var top: Int64
        /// In order, none touching another.
        var holes: [Hole]
    }

    private var epochs: [SessionIndex: Epoch] = [:]
    /// How many holes are open, over all epochs.
    package private(set) var count = 0
    private let patienceMicroseconds: Int64

    package init(patienceMicroseconds: Int64 = Limits.gapMicrosecondsDefault) {
        self.patienceMicroseconds = patienceMicroseconds
    }

    package func knows(_ session: SessionIndex) -> Bool { epochs[session] != nil }

    /// Begins to watch an epoch.
    ///
    /// - Parameter missing: all numbers that are neither in the log nor stated as missing, in order; the last
    ///   range is what lies beyond everything known.
    package mutating func begin(_ session: SessionIndex, missing: [NumberRange], now: Timestamp) {
        guard let beyond = missing.last else { return }
        let holes = missing.dropLast().map { Hole(range: $0, since: now) }
        epochs[session] = Epoch(top: beyond.first - 1, holes: holes)
        count += holes.count
    }

    /// These numbers have come.
    package mutating func came(_ session: SessionIndex, _ range: NumberRange, now: Timestamp) {
        guard var epoch = epochs[session] else { return }
        if range.first > epoch.top {
            if range.first > epoch.top + 1 {
                epoch.holes.append(Hole(range: NumberRange(epoch.top + 1, range.first - 1), since: now))
                count += 1
            }
        } else {
            close(range, in: &epoch)
        }
        epoch.top = max(epoch.top, range.last)
        epochs[session] = epoch
    }

    /// The source has given out numbers up to `last`.
    package mutating func named(_ session: SessionIndex, last: Int64, now: Timestamp) {
        guard let top = epochs[session]?.top, last > top else { return }
        epochs[session]?.holes.append(Hole(range: NumberRange(top + 1, last), since: now))
        epochs[session]?.top = last
        count += 1
    }

    /// Takes out the holes that have been open for long enough, in the order of sessions and numbers; all of
    /// them where there are more than may be open.
    package mutating func takeDue(now: Timestamp, all: Bool = false) -> [(SessionIndex, NumberRange)] {
        guard count > 0 else { return [] }
        let takesAll = all || count > Limits.openGapsMax
        var due: [(SessionIndex, NumberRange)] = []
        for session in epochs.keys.sorted(by: { $0.rawValue < $1.rawValue }) {
            guard let holes = epochs[session]?.holes, !holes.isEmpty else { continue }
            let kept = holes.filter { !takesAll && now.microseconds(since: $0.since) < patienceMicroseconds }
            guard kept.count < holes.count else { continue }
            for hole in holes where takesAll || now.microseconds(since: hole.since) >= patienceMicroseconds {
                due.append((session, hole.range))
            }
            epochs[session]?.holes = kept
            count -= holes.count - kept.count
        }
        return due
    }

    /// What was taken out could not be stated: it is due again at once.
    package mutating func putBack(_ session: SessionIndex, _ range: NumberRange, now: Timestamp) {
        guard let holes = epochs[session]?.holes else { return }
        let place = holes.firstIndex { $0.range.first > range.first } ?? holes.count
        epochs[session]?.holes.insert(
            Hole(range: range, since: now.advanced(by: -patienceMicroseconds)), at: place)
        count += 1
    }

    private mutating func close(_ range: NumberRange, in epoch: inout Epoch) {
        // The first hole that ends at or behind the range's beginning.
        var low = 0
        var high = epoch.holes.count
        while low < high {
            let middle = (low + high) / 2
            if epoch.holes[middle].range.last < range.first { low = middle + 1 } else { high = middle }
        }
        var end = low
        var rest: [Hole] = []
        while end < epoch.holes.count, epoch.holes[end].range.first <= range.last {
            let hole = epoch.holes[end]
            if hole.range.first < range.first {
                rest.append(Hole(range: NumberRange(hole.range.first, range.first - 1), since: hole.since))
            }
            if hole.range.last > range.last {
                rest.append(Hole(range: NumberRange(range.last + 1, hole.range.last), since: hole.since))
            }
            end += 1
        }
        guard end > low else { return }
        count += rest.count - (end - low)
        epoch.holes.replaceSubrange(low..<end, with: rest)
    }
}
