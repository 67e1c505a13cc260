package import Events
internal import Synchronization

/// How far the log is on disk: everything before `next` is durable. Raised by the writer after each sync,
/// watched by followers in the same process.
package final class DurablePosition: Sendable {
    private let nextValue: Atomic<UInt64>
    private let isClosed = Atomic<Bool>(false)
    private let bell = Doorbell()

    package init(next: Position) {
        nextValue = Atomic(next.rawValue)
    }

    /// The position that the next durable event will have; all before it are on disk.
    package var next: Position {
        Position(rawValue: nextValue.load(ordering: .sequentiallyConsistent))
    }

    /// Blocks the calling thread until an event at `position` or beyond is durable, the log is closed, or the
    /// time is over. Not for the cooperative pool.
    ///
    /// - Returns: the position that the next durable event will have.
    @discardableResult
    package func wait(for position: Position, atMost limit: Duration) -> Position {
        bell.wait(atMost: limit) { next > position || isClosed.load(ordering: .sequentiallyConsistent) }
        return next
    }

    /// Says that everything before `position` is on disk.
    func publish(next position: Position) {
        precondition(position >= next, "what is durable stays so")
        nextValue.store(position.rawValue, ordering: .sequentiallyConsistent)
        bell.ring()
    }

    /// Nothing more will come: wakes everybody.
    func close() {
        isClosed.store(true, ordering: .sequentiallyConsistent)
        bell.ring()
    }
}
