package import Events
internal import Glibc
internal import Synchronization

/// How far the log is on disk: everything before `next` is durable. Raised by the writer after each sync, watched by
/// followers in the same process.
@safe
package final class DurablePosition: @unchecked Sendable {
    // Safety: the number is atomic; the mutex and the condition live from init to deinit and are used as POSIX has it.
    private let nextValue: Atomic<UInt64>
    private let isClosed = Atomic<Bool>(false)
    private let waiting = Atomic<Int>(0)
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>

    package init(next: Position) {
        nextValue = Atomic(next.rawValue)
        // Safety: both are initialised here, never moved, destroyed in deinit.
        unsafe mutex = .allocate(capacity: 1)
        unsafe condition = .allocate(capacity: 1)
        unsafe mutex.initialize(to: pthread_mutex_t())
        unsafe condition.initialize(to: pthread_cond_t())
        unsafe pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        unsafe pthread_condattr_init(&attributes)
        unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        unsafe pthread_cond_init(condition, &attributes)
        unsafe pthread_condattr_destroy(&attributes)
    }

    deinit {
        // Safety: nobody waits on an object that nobody holds.
        unsafe pthread_cond_destroy(condition)
        unsafe pthread_mutex_destroy(mutex)
        unsafe condition.deallocate()
        unsafe mutex.deallocate()
    }

    /// The position that the next durable event will have; all before it are on disk.
    package var next: Position {
        Position(rawValue: nextValue.load(ordering: .acquiring))
    }

    /// Blocks the calling thread until an event at `position` or beyond is durable, the log is closed, or the time
    /// is over. Not for the cooperative pool.
    ///
    /// - Returns: the position that the next durable event will have.
    @discardableResult
    package func wait(for position: Position, atMost limit: Duration) -> Position {
        if next > position || isClosed.load(ordering: .acquiring) { return next }
        var deadline = Self.now()
        let parts = limit.components
        deadline.tv_sec += Int(clamping: parts.seconds)
        deadline.tv_nsec += Int(parts.attoseconds / 1_000_000_000)
        if deadline.tv_nsec >= 1_000_000_000 {
            deadline.tv_sec += 1
            deadline.tv_nsec -= 1_000_000_000
        }
        waiting.add(1, ordering: .sequentiallyConsistent)
        defer { waiting.subtract(1, ordering: .sequentiallyConsistent) }
        // Safety: locked and unlocked here, in pairs.
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        while Position(rawValue: nextValue.load(ordering: .sequentiallyConsistent)) <= position,
            !isClosed.load(ordering: .acquiring)
        {
            if unsafe pthread_cond_timedwait(condition, mutex, &deadline) == ETIMEDOUT { break }
        }
        return next
    }

    /// Says that everything before `next` is on disk.
    func publish(next position: Position) {
        precondition(position >= next, "what is durable stays so")
        nextValue.store(position.rawValue, ordering: .sequentiallyConsistent)
        if waiting.load(ordering: .sequentiallyConsistent) > 0 { wakeAll() }
    }

    /// Nothing more will come: wakes everybody.
    func close() {
        isClosed.store(true, ordering: .sequentiallyConsistent)
        wakeAll()
    }

    private func wakeAll() {
        // Safety: locked and unlocked here, in pairs.
        unsafe pthread_mutex_lock(mutex)
        unsafe pthread_cond_broadcast(condition)
        unsafe pthread_mutex_unlock(mutex)
    }

    private static func now() -> timespec {
        var time = timespec()
        // Safety: writes the one struct that it is given.
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return time
    }
}
