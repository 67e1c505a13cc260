package import Events

/// Which billing policy is in force when: the built-in one until a `ledger.policy` says otherwise.
///
/// A call is billed by the policy in force at its end, so that a change of policy leaves the calls that ended
/// before it alone, whenever their events come and however often they are rebuilt. What is in force when is a
/// matter of the entries alone, not of the order in which they came.
package struct PolicyHistory: Sendable {
    /// What orders the entries: the canonical order of events, the source being the ledger for all of them.
    package struct Entry: Comparable, Sendable {
        package let time: Timestamp
        package let epoch: Epoch
        package let seq: SequenceNumber

        package init(time: Timestamp, epoch: Epoch, seq: SequenceNumber) {
            self.time = time
            self.epoch = epoch
            self.seq = seq
        }

        package static func < (left: Entry, right: Entry) -> Bool {
            (left.time.rawValue, left.epoch.rawValue, left.seq.rawValue)
                < (right.time.rawValue, right.epoch.rawValue, right.seq.rawValue)
        }
    }

    /// A time within which calls that end are billed by another policy than before.
    package struct Span: Equatable, Sendable {
        package let from: Timestamp
        /// Not included; null where there is no end.
        package let until: Timestamp?
    }

    private var changes: [(entry: Entry, policy: BillingPolicy)] = []
    private let initial: BillingPolicy
    /// Whether one policy is used for all calls, whatever the log says.
    package let isFixed: Bool

    package init(initial: BillingPolicy = .builtIn, isFixed: Bool = false) {
        self.initial = initial
        self.isFixed = isFixed
    }

    /// Takes an entry in, whatever entries have come before.
    ///
    /// - Returns: the ends of calls that are billed by another policy now; null where there are none, because
    ///   the policy was in force already, or another entry of the same time goes over this one.
    @discardableResult
    package mutating func insert(_ policy: BillingPolicy, _ entry: Entry) -> Span? {
        guard !isFixed else { return nil }
        let before = self.policy(at: entry.time)
        let index = changes.firstIndex { $0.entry > entry } ?? changes.count
        changes.insert((entry, policy), at: index)
        let until = index + 1 < changes.count ? changes[index + 1].entry.time : nil
        return policy == before || until == entry.time ? nil : Span(from: entry.time, until: until)
    }

    package func policy(at time: Timestamp) -> BillingPolicy {
        if changes.isEmpty { return initial }
        return changes.last { $0.entry.time <= time }?.policy ?? initial
    }
}
