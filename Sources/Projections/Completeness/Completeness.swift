package import Events

/// What came of each source, and what is known to be missing.
package struct Completeness: Sendable {
    /// One epoch of a source, as `status` shows it.
    package struct Account: Sendable {
        package var events: Int64 = 0
        package var rejected: Int64 = 0
        package var firstAt: Timestamp?
        package var lastAt: Timestamp?
        package var lastHeartbeatAt: Timestamp?
        /// Dialogs that it holds, as its last heartbeat said.
        package var active: Int64?
        package var stoppedAt: Timestamp?
        package var came = SequenceSet()
        fileprivate var isChanged = false

        package init() {}
    }

    /// By the source's number in the registry.
    package private(set) var accounts: [Account] = []
    package private(set) var open = OpenGaps()
    /// Whether there are any; asked for each event.
    package var hasOpenGaps: Bool { !open.isEmpty }
    /// Numbers of accounts that have changed since they were last taken.
    private var changed: [UInt32] = []
    /// Gaps that were stated or lost numbers since they were last taken.
    private var changedGaps: [Gap] = []

    package init() {}

    /// What was kept of an earlier run.
    package mutating func restore(_ account: Account, of source: UInt32) {
        makeRoom(for: source)
        accounts[Int(source)] = account
    }

    package mutating func restore(_ gap: Gap) {
        open.insert(gap)
    }

    /// An event of a source's own.
    package mutating func note(_ view: borrowing EventView, of source: UInt32) {
        touch(source)
        accounts[Int(source)].note(view.type, view.time, view.number(.active))
    }

    package mutating func noteRejected(_ source: UInt32) {
        touch(source)
        accounts[Int(source)].rejected += 1
    }

    /// Numbers of a source have come, be it in events that were rejected.
    ///
    /// - Returns: the gaps that they close.
    package mutating func came(_ numbers: ClosedRange<Int64>, of source: UInt32, _ identity: SourceEpoch)
        -> [Gap]
    {
        touch(source)
        accounts[Int(source)].came.insert(numbers)
        guard !open.isEmpty else { return [] }
        var closed: [Gap] = []
        for gap in open.gaps(of: identity.source)
        where gap.sourceEpoch == identity && gap.numbers.overlaps(numbers) {
            changedGaps.append(gap)
            if missing(of: gap, source) == 0 {
                open.remove(gap)
                closed.append(gap)
            }
        }
        return closed
    }

    /// The ledger has stated a gap.
    ///
    /// - Returns: whether any of its numbers is missing, so that it is open.
    package mutating func state(_ gap: Gap, of source: UInt32) -> Bool {
        touch(source)
        changedGaps.append(gap)
        guard missing(of: gap, source) > 0 else { return false }
        open.insert(gap)
        return true
    }

    /// How many of a gap's numbers have not come.
    package func missing(of gap: Gap, _ source: UInt32) -> UInt64 {
        let all = UInt64(gap.numbers.upperBound - gap.numbers.lowerBound) + 1
        guard Int(source) < accounts.count else { return all }
        return all - accounts[Int(source)].came.count(in: gap.numbers)
    }

    package mutating func takeChanges() -> (accounts: [UInt32], gaps: [Gap]) {
        defer {
            for source in changed { accounts[Int(source)].isChanged = false }
            changed.removeAll(keepingCapacity: true)
            changedGaps.removeAll()
        }
        return (changed, changedGaps)
    }

    private mutating func touch(_ source: UInt32) {
        makeRoom(for: source)
        if accounts[Int(source)].isChanged { return }
        accounts[Int(source)].isChanged = true
        changed.append(source)
    }

    private mutating func makeRoom(for source: UInt32) {
        while accounts.count <= Int(source) { accounts.append(Account()) }
    }
}

extension Completeness.Account {
    fileprivate mutating func note(_ type: EventType, _ time: Timestamp, _ active: Int64?) {
        events += 1
        firstAt = min(firstAt ?? time, time)
        lastAt = max(lastAt ?? time, time)
        switch type {
        case .sourceHeartbeat:
            lastHeartbeatAt = max(lastHeartbeatAt ?? time, time)
            if lastHeartbeatAt == time { self.active = active }
        case .sourceStopped: stoppedAt = max(stoppedAt ?? time, time)
        default: break
        }
    }
}
