internal import Glibc
internal import Synchronization

/// Lets threads wait until something holds. Ringing costs one load where nobody waits.
@safe
final class Doorbell: @unchecked Sendable {
    // Safety: the mutex and the condition live from init to deinit, are never moved, and are used as POSIX
    // has it.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>
    private let waiting = Atomic<Int>(0)

    init() {
        unsafe mutex = .allocate(capacity: 1)
        unsafe condition = .allocate(capacity: 1)
        unsafe mutex.initialize(to: pthread_mutex_t())
        unsafe condition.initialize(to: pthread_cond_t())
        unsafe pthread_mutex_init(mutex, nil)
        // Not the wall clock, which may be set.
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

    /// Blocks the calling thread until `holds` does or the time is over. `holds` reads atomics that are set,
    /// in sequentially consistent order, before `ring()`.
    func wait(atMost limit: Duration, until holds: () -> Bool) {
        if holds() { return }
        var deadline = timespec()
        // Safety: writes the one struct that it is given.
        unsafe _ = clock_gettime(CLOCK_MONOTONIC, &deadline)
        let parts = limit.components
        deadline.tv_sec += Int(min(parts.seconds, 1 << 40))
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
        while !holds() {
            if unsafe pthread_cond_timedwait(condition, mutex, &deadline) == ETIMEDOUT { break }
        }
    }

    /// Has everybody look again.
    func ring() {
        guard waiting.load(ordering: .sequentiallyConsistent) > 0 else { return }
        // Safety: locked and unlocked here, in pairs.
        unsafe pthread_mutex_lock(mutex)
        unsafe pthread_cond_broadcast(condition)
        unsafe pthread_mutex_unlock(mutex)
    }
}
