package import Events

/// Where a `CallBook` puts what it concludes, and asks for what it has put away.
package protocol CallRows: AnyObject {
    /// The call that was put away under this key: all its events, and the last revision of each of its records.
    func earlier(callID: [UInt8], fromTag: [UInt8]) throws -> EarlierCall?

    /// A record's next revision. The old one, if there is any, is handed over as its columns were written.
    func put(_ revision: RecordRevision, of fold: borrowing CallFold, common: borrowing CallCommon) throws

    /// A record that no longer holds.
    func withdraw(toTag: [UInt8], old: [UInt8], revision: Int64, by position: Position, of fold: borrowing CallFold)
        throws

    /// What the audit says of a settled call, in place of what it said before.
    func replaceFindings(_ findings: [Finding], of fold: borrowing CallFold, hadSome: Bool) throws
}

/// A record as it is to stand from now on.
package struct RecordRevision {
    package let record: CallRecord
    package let timer: LegTimer?
    package let policy: String
    package let revision: Int64
    /// The event that made it.
    package let position: Position
    /// The columns of the revision before, null for the first; equal to the new ones where only `positions` grew.
    package let old: [UInt8]?
    package let isSameRevision: Bool
}

/// A call that has left memory.
package struct EarlierCall {
    package let state: CallState
    /// The last revision of each record that the call ever had.
    package let revisions: [(toTag: [UInt8], revision: Int64)]

    package init(state: CallState, revisions: [(toTag: [UInt8], revision: Int64)]) {
        self.state = state
        self.revisions = revisions
    }
}

/// The calls that are open, and those that ended lately: takes events in the order of the log, and keeps the
/// records of every call what its facts make them.
package struct CallBook<Rows: CallRows>: ~Copyable {
    private let rows: Rows
    private var entries: [CallKey: Entry] = [:]
    private var dirty: [CallKey] = []
    /// Settled calls that are still in memory, oldest first.
    private var settled: [CallKey] = []
    private var settledHead = 0
    private var fold: CallFold
    private var common = CallCommon()
    private let seed: UInt64
    private let settledMax: Int
    private let sources: SourceRegistry
    package var policies: PolicyHistory
    package var gaps = OpenGaps()
    /// Shares of settled calls that came and went since they were last taken.
    package private(set) var statistics = StatisticsChanges()

    private struct Entry {
        var state: CallState
        var history: History?
        var isDirty = false
        var isSettled = false
        /// Whether the read model holds it among the open calls.
        var isKept = false
    }

    /// What has been concluded of a call so far.
    private final class History {
        var records: [(toTag: [UInt8], revision: Int64, columns: [UInt8]?)] = []
        var share: StatisticsShare?
        var hasFindings = false
    }

    package init(
        rows: Rows, seed: UInt64, settings: Settings, sources: SourceRegistry,
        policies: PolicyHistory = PolicyHistory(), settledMax: Int = Limits.settledCallsInMemoryMax
    ) {
        self.rows = rows
        self.seed = seed
        self.sources = sources
        self.policies = policies
        self.settledMax = settledMax
        fold = CallFold(settings: settings)
    }

    /// How many calls are in memory, open or lately ended.
    package var count: Int { entries.count }

    /// Takes an event of a call.
    package mutating func apply(
        _ view: borrowing EventView, in text: PaddedBytes, at position: Position, sourceEpoch: UInt32,
        seq: SequenceNumber
    ) throws {
        let key = CallKey(view, in: text, seed: seed)
        if entries[key] == nil {
            if let entry = try findEarlier(view, in: text) {
                entries[key] = entry
            } else {
                entries[key] = Entry(state: CallState(view, in: text, at: position))
            }
        }
        entries[key]?.state.append(view, in: text, at: position, sourceEpoch: sourceEpoch, seq: seq)
        markDirty(key)
        if entries[key]?.state.mayHaveEnded == true { try conclude(key, because: position) }
    }

    /// Judges a call again because something besides its own events has changed.
    package mutating func revisit(callID: [UInt8], fromTag: [UInt8], because position: Position) throws {
        let key = CallKey(callID: callID, fromTag: fromTag, seed: seed)
        if entries[key] == nil {
            guard let earlier = try rows.earlier(callID: callID, fromTag: fromTag) else { return }
            entries[key] = recall(earlier)
        }
        markDirty(key)
        try conclude(key, because: position)
    }

    /// Puts a call back that the read model has kept among the open ones.
    package mutating func restore(_ earlier: EarlierCall, callID: [UInt8], fromTag: [UInt8]) {
        let key = CallKey(callID: callID, fromTag: fromTag, seed: seed)
        var entry = recall(earlier)
        entry.isKept = true
        entries[key] = entry
    }

    /// Hands over each call that has changed since the last time and is open, or that was kept as open and is no
    /// more; then forgets the oldest of those that have settled.
    package mutating func takeChanges(
        open: (borrowing CallFold, borrowing CallState) throws -> Void,
        closed: (borrowing CallFold) throws -> Void
    ) throws {
        for key in dirty {
            guard var entry = entries[key] else { continue }
            entry.isDirty = false
            if !entry.isSettled {
                fold.fold(entry.state, sources: sources)
                try open(fold, entry.state)
                entry.isKept = true
            } else {
                if entry.isKept {
                    fold.fold(entry.state, sources: sources)
                    try closed(fold)
                    entry.isKept = false
                }
                settled.append(key)
            }
            entries[key] = entry
        }
        dirty.removeAll(keepingCapacity: true)
        forgetSettled()
    }

    package mutating func takeStatistics() -> StatisticsChanges {
        defer { statistics = StatisticsChanges() }
        return statistics
    }

    private mutating func markDirty(_ key: CallKey) {
        guard entries[key]?.isDirty == false else { return }
        entries[key]?.isDirty = true
        dirty.append(key)
    }

    private mutating func findEarlier(_ view: borrowing EventView, in text: PaddedBytes) throws -> Entry? {
        var callID: [UInt8] = []
        var fromTag: [UInt8] = []
        JSONText.append(view.text(.callID) ?? .empty, in: text, to: &callID)
        JSONText.append(view.text(.fromTag) ?? .empty, in: text, to: &fromTag)
        return try rows.earlier(callID: callID, fromTag: fromTag).map { recall($0) }
    }

    /// A call as it was left: its records are those that its facts made then.
    private mutating func recall(_ earlier: EarlierCall) -> Entry {
        var entry = Entry(state: earlier.state)
        guard earlier.state.mayHaveEnded else { return entry }
        let history = History()
        entry.history = history
        fold.fold(earlier.state, sources: sources)
        common.gather(fold, sources: sources)
        history.records = earlier.revisions.map { ($0.toTag, $0.revision, nil) }
        fold.forEachRecord(gaps: gaps, policies: policies, sources: sources) { record, _, policy in
            let toTag = fold.toTag(record)
            let columns = ColumnBytes.of(record, fold, common, policy)
            if let known = history.records.firstIndex(where: { $0.toTag == toTag }) {
                history.records[known].columns = columns
            }
        }
        entry.isSettled = fold.isSettled
        if entry.isSettled {
            history.share = fold.statisticsShare(asOf: .last, sources: sources)
            history.hasFindings = true
        }
        return entry
    }

    /// Makes the call's records what its facts make them now.
    private mutating func conclude(_ key: CallKey, because position: Position) throws {
        guard let state = entries[key]?.state else { return }
        fold.fold(state, sources: sources)
        common.gather(fold, sources: sources)
        let history = entries[key]?.history ?? History()
        entries[key]?.history = history
        var standing: [[UInt8]] = []
        try fold.forEachRecord(gaps: gaps, policies: policies, sources: sources) { record, leg, policy in
            standing.append(fold.toTag(record))
            try put(record, leg, policy, history, because: position)
        }
        for index in history.records.indices {
            let known = history.records[index]
            guard let columns = known.columns, !standing.contains(known.toTag) else { continue }
            history.records[index].revision += 1
            history.records[index].columns = nil
            try rows.withdraw(
                toTag: known.toTag, old: columns, revision: known.revision, by: position, of: fold)
        }
        try settle(key, history)
    }

    private func put(
        _ record: CallRecord, _ leg: Leg?, _ policy: String, _ history: History, because position: Position
    ) throws {
        let toTag = fold.toTag(record)
        let columns = ColumnBytes.of(record, fold, common, policy)
        var timer: LegTimer?
        if let leg {
            var filled = LegTimer()
            fold.fill(&filled, of: leg, asOf: .last)
            timer = filled
        }
        let known = history.records.firstIndex { $0.toTag == toTag }
        let old = known.flatMap { history.records[$0].columns }
        let isSame = old == columns
        let revision = (known.map { history.records[$0].revision } ?? 0) + (isSame ? 0 : 1)
        try rows.put(
            RecordRevision(
                record: record, timer: timer, policy: policy, revision: revision, position: position, old: old,
                isSameRevision: isSame),
            of: fold, common: common)
        if let known {
            history.records[known].revision = revision
            history.records[known].columns = columns
        } else {
            history.records.append((toTag, revision, columns))
        }
    }

    /// Keeps statistics and findings of settled calls in step; those of open ones are asked for when needed.
    private mutating func settle(_ key: CallKey, _ history: History) throws {
        let isSettled = fold.isSettled
        entries[key]?.isSettled = isSettled
        if let share = history.share { statistics.remove(share) }
        history.share = nil
        if isSettled {
            let share = fold.statisticsShare(asOf: .last, sources: sources)
            statistics.add(share)
            history.share = share
            let context = CallFold.AuditContext(policies: policies, gaps: gaps, asOf: .last)
            let findings = fold.audit(context, sources: sources)
            if !findings.isEmpty || history.hasFindings {
                try rows.replaceFindings(findings, of: fold, hadSome: history.hasFindings)
            }
            history.hasFindings = !findings.isEmpty
        } else if history.hasFindings {
            try rows.replaceFindings([], of: fold, hadSome: true)
            history.hasFindings = false
        }
    }

    private mutating func forgetSettled() {
        while settled.count - settledHead > settledMax {
            let key = settled[settledHead]
            settledHead += 1
            // One that has come to life again since is in the list anew or will be.
            if let entry = entries[key], entry.isSettled, !entry.isDirty { entries[key] = nil }
        }
        if settledHead > settledMax {
            settled.removeSubrange(..<settledHead)
            settledHead = 0
        }
    }
}

extension CallFold {
    /// The To tag of a record's key; empty for leg 0.
    package func toTag(_ record: CallRecord) -> [UInt8] {
        record.toTag.map { Array(bytes[$0.range]) } ?? []
    }

    /// Each record that the call has: one for each leg that has ended, or leg 0's.
    package func forEachRecord<Failure: Error>(
        gaps: OpenGaps, policies: PolicyHistory, sources: SourceRegistry,
        _ body: (CallRecord, Leg?, String) throws(Failure) -> Void
    ) throws(Failure) {
        if end != nil {
            let record = recordWithoutLegs(gaps: gaps, sources: sources)
            try body(record, nil, policies.policy(at: record.endedAt).citation)
        }
        for leg in legs {
            guard let endedAt = leg.endedAt else { continue }
            let policy = policies.policy(at: endedAt)
            try body(record(of: leg, policy: policy, gaps: gaps, sources: sources), leg, policy.citation)
        }
    }
}
