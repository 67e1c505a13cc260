import Synchronization

/// The billing policy that is to be in force and that the log may not state yet. Whoever reads files puts it
/// in, the watchdog takes it out; the last one counts.
final class WantedPolicy: Sendable {
    private let policy: Mutex<PolicyText?>

    init(_ policy: PolicyText?) {
        self.policy = Mutex(policy)
    }

    func put(_ policy: PolicyText) {
        self.policy.withLock { $0 = policy }
    }

    /// Gives back what could not be written down, unless another one is wanted by now.
    func put(back policy: PolicyText) {
        self.policy.withLock { $0 = $0 ?? policy }
    }

    func take() -> PolicyText? {
        policy.withLock { policy in
            defer { policy = nil }
            return policy
        }
    }
}
