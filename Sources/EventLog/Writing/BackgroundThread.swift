internal import Glibc
internal import Synchronization

/// A thread of the log's own, outside the cooperative pool: disk and compression make it wait or work long.
final class BackgroundThread: Sendable {
    private let handle: Mutex<pthread_t?>

    /// What the new thread runs.
    private final class Start: Sendable {
        let isUrgent: Bool
        let body: @Sendable () -> Void

        init(isUrgent: Bool, body: @escaping @Sendable () -> Void) {
            self.isUrgent = isUrgent
            self.body = body
        }

        func run() {
            // On Linux the priority is one of the thread, not of the process. Refused, it works at the
            // common one.
            if !isUrgent {
                _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, LogLimits.backgroundNiceness)
            }
            body()
        }
    }

    /// - Parameter isUrgent: somebody waits for it; else everybody else goes first.
    init(isUrgent: Bool, _ body: @escaping @Sendable () -> Void) {
        let made = Self.make(Start(isUrgent: isUrgent, body: body))
        precondition(made != nil, "a thread can be made")
        handle = Mutex(made)
    }

    /// Runs a body that nobody waits for the end of.
    ///
    /// - Returns: false where the system has no thread for it.
    static func run(isUrgent: Bool, _ body: @escaping @Sendable () -> Void) -> Bool {
        guard let thread = make(Start(isUrgent: isUrgent, body: body)) else { return false }
        pthread_detach(thread)
        return true
    }

    /// Waits until the thread has ended.
    func join() {
        let running = handle.withLock { $0.take() }
        if let running { pthread_join(running, nil) }
    }

    private static func make(_ start: Start) -> pthread_t? {
        var identifier = pthread_t()
        // Safety: the new thread takes over the one reference that is passed to it, or, where there is none,
        // it is given back here.
        let context = unsafe Unmanaged.passRetained(start)
        let code = unsafe pthread_create(
            &identifier, nil,
            { context in
                unsafe Unmanaged<Start>.fromOpaque(context!).takeRetainedValue().run()
                return nil
            }, context.toOpaque())
        if code == 0 { return identifier }
        unsafe context.release()
        return nil
    }
}
