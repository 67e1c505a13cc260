/// A set of sequence numbers as runs without holes: small where it is dense, and fast in whatever order they
/// come.
///
/// Runs lie in blocks of limited size, so that adding a number in the middle moves little, however many there
/// are.
package struct SequenceSet: Hashable, Sendable {
    /// Numbers without a hole, both ends included.
    package struct Run: Hashable, Sendable {
        package var first: Int64
        package var last: Int64

        package init(_ first: Int64, _ last: Int64) {
            self.first = first
            self.last = last
        }

        var count: UInt64 { UInt64(last - first) + 1 }
    }

    /// Runs of a block, beyond which it is cut.
    private static let blockRunsMax = 256

    /// None is empty; runs rise and never touch.
    private var blocks: [[Run]] = []
    /// How many numbers are in the set.
    package private(set) var count: UInt64 = 0

    package init() {}

    package var isEmpty: Bool { count == 0 }

    /// How many runs the set consists of; what its size in memory depends on.
    package var runCount: Int { blocks.reduce(0) { $0 + $1.count } }

    /// The runs, rising.
    package var runs: [Run] { blocks.flatMap(\.self) }

    /// The least number in the set.
    package var first: Int64? { blocks.first?.first?.first }

    /// The greatest number in the set.
    package var last: Int64? { blocks.last?.last?.last }

    /// Two sets are the same if their numbers are, however they were cut into blocks.
    package static func == (left: SequenceSet, right: SequenceSet) -> Bool {
        left.count == right.count && left.runs == right.runs
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(runs)
    }

    /// Adds one number.
    ///
    /// - Returns: whether it is new.
    @discardableResult
    package mutating func insert(_ number: Int64) -> Bool {
        insert(number...number) == 1
    }

    /// Adds numbers without a hole, from 1 on.
    ///
    /// - Returns: how many of them are new.
    @discardableResult
    package mutating func insert(_ numbers: ClosedRange<Int64>) -> UInt64 {
        precondition(numbers.lowerBound >= 1, "numbers begin with 1")
        let added = Run(numbers.lowerBound, numbers.upperBound)
        let place = place(of: added.first - 1)
        guard place.block < blocks.count else {
            if blocks.isEmpty { blocks.append([]) }
            insert(added, at: Place(block: blocks.count - 1, run: blocks[blocks.count - 1].count))
            count += added.count
            return added.count
        }
        if blocks[place.block][place.run].first - 1 > added.last {
            insert(added, at: place)
            count += added.count
            return added.count
        }
        let before = count
        merge(added, at: place)
        return count - before
    }

    package func contains(_ number: Int64) -> Bool {
        let place = place(of: number)
        return place.block < blocks.count && blocks[place.block][place.run].first <= number
    }

    /// The first number from `number` on that is not in the set; null where the set holds all up to the
    /// greatest.
    package func firstMissing(from number: Int64) -> Int64? {
        let place = place(of: number)
        guard place.block < blocks.count else { return number }
        let run = blocks[place.block][place.run]
        guard run.first <= number else { return number }
        return run.last == .max ? nil : run.last + 1
    }

    /// The first number from `number` on that is in the set.
    package func firstPresent(from number: Int64) -> Int64? {
        let place = place(of: number)
        guard place.block < blocks.count else { return nil }
        return max(number, blocks[place.block][place.run].first)
    }

    /// The last number up to `number` that is in the set.
    package func lastPresent(through number: Int64) -> Int64? {
        let place = place(of: number)
        guard place.block < blocks.count else { return last }
        if blocks[place.block][place.run].first <= number { return number }
        if place.run > 0 { return blocks[place.block][place.run - 1].last }
        return place.block > 0 ? blocks[place.block - 1].last?.last : nil
    }

    /// How many of the numbers are in the set.
    package func count(in numbers: ClosedRange<Int64>) -> UInt64 {
        var place = place(of: numbers.lowerBound)
        var total: UInt64 = 0
        while place.block < blocks.count {
            let run = blocks[place.block][place.run]
            if run.first > numbers.upperBound { break }
            total += Run(max(run.first, numbers.lowerBound), min(run.last, numbers.upperBound)).count
            place.run += 1
            if place.run == blocks[place.block].count { place = Place(block: place.block + 1, run: 0) }
        }
        return total
    }

    private struct Place {
        var block: Int
        var run: Int
    }

    /// The first run that ends at `number` or beyond; behind the last block where there is none.
    private func place(of number: Int64) -> Place {
        guard let last, number <= last else { return Place(block: blocks.count, run: 0) }
        var low = 0
        var high = blocks.count - 1
        while low < high {
            let middle = (low + high) / 2
            if blocks[middle][blocks[middle].count - 1].last < number {
                low = middle + 1
            } else {
                high = middle
            }
        }
        let block = low
        low = 0
        high = blocks[block].count - 1
        while low < high {
            let middle = (low + high) / 2
            if blocks[block][middle].last < number { low = middle + 1 } else { high = middle }
        }
        return Place(block: block, run: low)
    }

    private mutating func insert(_ run: Run, at place: Place) {
        blocks[place.block].insert(run, at: place.run)
        let size = blocks[place.block].count
        guard size > Self.blockRunsMax else { return }
        // Numbers that mostly rise fill their blocks; others cut theirs in halves.
        let cut = place.run == size - 1 ? size - 1 : size / 2
        let right = Array(blocks[place.block][cut...])
        blocks[place.block].removeSubrange(cut...)
        blocks.insert(right, at: place.block + 1)
    }

    /// Joins `added` with the run at `place`, which it touches, and with all that it reaches behind.
    private mutating func merge(_ added: Run, at place: Place) {
        var merged = blocks[place.block][place.run]
        count -= merged.count
        merged = Run(min(merged.first, added.first), max(merged.last, added.last))
        var end = place.run + 1
        while end < blocks[place.block].count, blocks[place.block][end].first - 1 <= merged.last {
            count -= blocks[place.block][end].count
            merged.last = max(merged.last, blocks[place.block][end].last)
            end += 1
        }
        let isBlockUsedUp = end == blocks[place.block].count
        if end > place.run + 1 { blocks[place.block].removeSubrange(place.run + 1..<end) }
        if isBlockUsedUp {
            var block = place.block + 1
            search: while block < blocks.count {
                var used = 0
                for run in blocks[block] {
                    if run.first - 1 > merged.last { break }
                    count -= run.count
                    merged.last = max(merged.last, run.last)
                    used += 1
                }
                if used < blocks[block].count {
                    if used > 0 { blocks[block].removeFirst(used) }
                    break search
                }
                block += 1
            }
            if block > place.block + 1 { blocks.removeSubrange(place.block + 1..<block) }
        }
        blocks[place.block][place.run] = merged
        count += merged.count
    }
}
