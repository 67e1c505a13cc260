/// What intake has done since it was started.
package struct IngestStatistics: Hashable, Sendable {
    /// Valid events that were laid, and the batches that they came in.
    package var events: UInt64 = 0
    package var batches: UInt64 = 0
    /// Events that became `ledger.rejected`, conflicts left out.
    package var rejected: UInt64 = 0
    /// Events that were there already with the same bytes.
    package var duplicates: UInt64 = 0
    /// Events that were there already with other bytes.
    package var conflicts: UInt64 = 0
    package var nacks: UInt64 = 0
    package var acks: UInt64 = 0
    /// Messages that were answered with `error`, or, without answers, not taken.
    package var refused: UInt64 = 0
    /// Gaps that were stated.
    package var gaps: UInt64 = 0
    /// Groups of frames that became durable.
    package var groups: UInt64 = 0
    /// Messages that were dropped because the disk was full; their sources send them again.
    package var dropped: UInt64 = 0
    /// How long it has left messages waiting because the read model was behind.
    package var pausedNanoseconds: UInt64 = 0
    /// From the moment that the first message of a group was taken to its acknowledgements: what it
    /// waited for in a pause before is not in it.
    package var ackLatency = LatencyHistogram()

    package init() {}
}

/// How often a time came out between 2^n and 2^(n+1) microseconds.
package struct LatencyHistogram: Hashable, Sendable {
    package private(set) var counts = [UInt64](repeating: 0, count: 40)
    package private(set) var maximumMicroseconds: UInt64 = 0

    package init() {}

    mutating func note(nanoseconds: UInt64) {
        let microseconds = nanoseconds / 1_000
        counts[min(39, 64 - (microseconds | 1).leadingZeroBitCount - 1)] += 1
        maximumMicroseconds = max(maximumMicroseconds, microseconds)
    }

    /// The time, in microseconds, below which `share` of all lie: the upper end of its class.
    package func quantile(_ share: Double) -> UInt64 {
        let total = counts.reduce(0, +)
        var rest = UInt64((Double(total) * share).rounded(.up))
        for (place, count) in counts.enumerated() {
            if count >= rest { return min(maximumMicroseconds, (2 << UInt64(place)) - 1) }
            rest -= count
        }
        return maximumMicroseconds
    }
}
