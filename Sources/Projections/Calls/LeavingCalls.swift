internal import Events

/// Calls that have left memory and whose records are still to be made, packed one behind the other: work that
/// needs nothing but the calls themselves, and so may be done by another thread.
package struct LeavingCalls: Sendable {
    private(set) var bytes: [UInt8] = []
    private(set) var ends: [Int] = []

    package init() {}

    package var isEmpty: Bool { ends.isEmpty }
    package var byteCount: Int { bytes.count }

    package mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
    }

    mutating func append(_ chain: FactArena.Chain, in arena: borrowing FactArena) {
        arena.copy(chain, to: &bytes)
        ends.append(bytes.count)
    }
}

extension CallBook {
    /// Makes the final rows of calls that have left another book, and counts them.
    ///
    /// - Parameter handOver: takes rows, whenever there are many.
    package mutating func take(
        _ calls: borrowing LeavingCalls, _ handOver: (inout RowBatch) throws -> Void
    ) rethrows {
        var start = 0
        for end in calls.ends {
            fold.fold(packed: calls.bytes[start..<end], sources: sources)
            appendRecords(nil)
            _ = countSettled()
            start = end
            if rows.textBytes > Limits.rowTextBytes { try handOver(&rows) }
        }
    }

    /// Takes over what another book has counted.
    package mutating func add(_ other: StatisticsChanges, _ sums: FindingSums) {
        statistics.merge(other)
        findingSums.merge(sums)
    }
}
