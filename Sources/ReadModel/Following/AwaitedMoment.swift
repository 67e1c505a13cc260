package import Events

/// A moment that can be judged once the read model has everything that was durable then: whoever judges
/// sooner would take for missing what has only not been read yet.
package struct AwaitedMoment: Sendable {
    private var awaited: (now: Timestamp, end: Position)?

    package init() {}

    /// Which moment can be judged: this one where nothing is behind, else an earlier one, or none yet.
    ///
    /// - Parameters:
    ///   - projected: the position of the next event that readers of the read model don't see.
    ///   - clock: what time it is.
    ///   - durable: the position of the next event that is not durable; asked after the clock.
    package mutating func due(
        projected: Position, clock: () -> Timestamp, durable: () -> Position
    ) -> Timestamp? {
        let moment = awaited ?? (clock(), durable())
        awaited = projected < moment.end ? moment : nil
        return awaited == nil ? moment.now : nil
    }
}
