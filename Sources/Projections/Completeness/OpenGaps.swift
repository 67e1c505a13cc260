package import Events

/// Sequence numbers of a source that did not come, as a `ledger.gap` states them.
package struct Gap: Hashable, Sendable {
    package let sourceEpoch: SourceEpoch
    package let numbers: ClosedRange<Int64>
    /// Times of the events on either side; null where there is none.
    package let after: Timestamp?
    package let before: Timestamp?
    /// When the ledger concluded it.
    package let time: Timestamp
    /// Where the log states it.
    package let position: Position

    package init(
        sourceEpoch: SourceEpoch, numbers: ClosedRange<Int64>, after: Timestamp?, before: Timestamp?,
        time: Timestamp, position: Position
    ) {
        self.sourceEpoch = sourceEpoch
        self.numbers = numbers
        self.after = after
        self.before = before
        self.time = time
        self.position = position
    }

    /// Whether a span of time meets the time in which the numbers were lost.
    package func meets(from start: Timestamp, to end: Timestamp) -> Bool {
        if let before, start > before { return false }
        if let after, end < after { return false }
        return true
    }
}

/// The gaps of which numbers are still missing, by source.
package struct OpenGaps: Sendable {
    private var bySource: [SourceName: [Gap]] = [:]
    package private(set) var isEmpty = true

    package init() {}

    package mutating func insert(_ gap: Gap) {
        bySource[gap.sourceEpoch.source, default: []].append(gap)
        isEmpty = false
    }

    package mutating func remove(_ gap: Gap) {
        let source = gap.sourceEpoch.source
        bySource[source]?.removeAll { $0.position == gap.position }
        if bySource[source]?.isEmpty == true { bySource[source] = nil }
        isEmpty = bySource.isEmpty
    }

    package func touches(_ source: SourceName, from start: Timestamp, to end: Timestamp) -> Bool {
        guard let gaps = bySource[source] else { return false }
        return gaps.contains { $0.meets(from: start, to: end) }
    }

    /// The open gaps of a source, in the order of the log.
    package func gaps(of source: SourceName) -> [Gap] { bySource[source] ?? [] }
}
