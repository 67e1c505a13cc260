package import Events

/// Which billing policy is in force when: the built-in one until a `ledger.policy` says otherwise.
///
/// A call is billed by the policy in force at its end, so that a change of policy leaves the calls that ended
/// before it alone, whenever their events come and however often they are rebuilt.
package struct PolicyHistory: Sendable {
    private var changes: [(from: Timestamp, policy: BillingPolicy)] = []
    private let initial: BillingPolicy
    /// Whether one policy is used for all calls, whatever the log says.
    package let isFixed: Bool

    package init(initial: BillingPolicy = .builtIn, isFixed: Bool = false) {
        self.initial = initial
        self.isFixed = isFixed
    }

    package mutating func insert(_ policy: BillingPolicy, from time: Timestamp) {
        guard !isFixed else { return }
        let index = changes.firstIndex { $0.from > time } ?? changes.count
        changes.insert((time, policy), at: index)
    }

    package func policy(at time: Timestamp) -> BillingPolicy {
        changes.last { $0.from <= time }?.policy ?? initial
    }
}
