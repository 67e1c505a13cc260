import Glibc

/// How many pieces of memory the process has asked for, where somebody counts.
///
/// `tools/bench/allocations.c`, loaded before the program with LD_PRELOAD, stands between the program and
/// the C library and counts; without it there is nothing to ask.
@safe
enum AllocationCounter {
    // Safety: the function has this type in tools/bench/allocations.c, and a library that was loaded before
    // the program stays.
    private typealias Counter = @convention(c) () -> UInt64
    private static let counter: Counter? = {
        guard let symbol = unsafe dlsym(nil, "tollbook_allocations") else { return nil }
        return unsafe unsafeBitCast(symbol, to: Counter.self)
    }()

    /// Since the process began, on all threads; null where nobody counts.
    static var count: Int64? { counter.map { Int64($0()) } }

    /// How many there were while `body` ran; null where nobody counts.
    static func during(_ body: () throws -> Void) rethrows -> Int64? {
        let before = count
        try body()
        guard let before, let after = count else { return nil }
        return after - before
    }
}
