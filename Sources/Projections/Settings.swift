/// The numbers by which records are made that an operator may set. They are kept in the read model, so that
/// every command judges alike.
public struct Settings: Hashable, Sendable {
    /// How long after its answer a leg without a session timer may last where its `dialog.confirmed` states
    /// no `lifetime`, in seconds.
    public var lifetimeSeconds: Int64
    /// How long a call may stay unanswered, in seconds after its start.
    public var unansweredSeconds: Int64
    /// How long after a deadline the ledger waits before it presumes the end, in seconds.
    public var graceSeconds: Int64
    /// How much later than half the interval a refresh is still on time, in seconds.
    public var toleranceSeconds: Int64

    public init(
        lifetimeSeconds: Int64 = 43_200, unansweredSeconds: Int64 = 900, graceSeconds: Int64 = 60,
        toleranceSeconds: Int64 = 10
    ) {
        self.lifetimeSeconds = lifetimeSeconds
        self.unansweredSeconds = unansweredSeconds
        self.graceSeconds = graceSeconds
        self.toleranceSeconds = toleranceSeconds
    }

    package static let microsecondsPerSecond: Int64 = 1_000_000
}
