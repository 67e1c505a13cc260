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
            if !isUrgent { BackgroundThread.yieldToAll() }
            body()
        }
    }

    /// `SCHED_IDLE`, which Glibc's module leaves out.
    private static let idlePolicy: Int32 = 5

    /// Has the calling thread work only while nobody else wants the processor. A low priority would not do:
    /// such a thread still ends its slice of time, milliseconds for which those that take events wait with
    /// each message. Refused, it works at the common priority.
    fileprivate static func yieldToAll() {
        var none = sched_param()
        // Safety: reads the one struct that it is given.
        unsafe _ = pthread_setschedparam(pthread_self(), idlePolicy, &none)
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
