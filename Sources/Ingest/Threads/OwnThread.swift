internal import CZeroMQ
internal import Glibc

/// A thread of ours, outside the cooperative pool: sockets and disk may make it wait.
package struct OwnThread: ~Copyable, @unchecked Sendable {
    // Safety: a thread's handle may be joined from any thread; that happens once, in `join` or `deinit`.
    private let handle: pthread_t

    private final class Start: Sendable {
        let name: String
        let body: @Sendable () -> Void

        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    /// - Parameter name: what `top -H` shows; up to 15 bytes.
    package init(name: String, _ body: @escaping @Sendable () -> Void) throws(IngestError) {
        var handle = pthread_t()
        // Safety: the retained box is taken over by the thread, or released here where there is none.
        let start = unsafe Unmanaged.passRetained(Start(name: name, body: body))
        let status = unsafe pthread_create(
            &handle, nil,
            { argument in
                // Safety: the box that was passed as the thread's argument.
                guard let argument = unsafe argument else { return nil }
                let start = unsafe Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
                // Safety: the text is copied during the call.
                unsafe tollbook_name_thread(start.name)
                start.body()
                return nil
            }, start.toOpaque())
        guard status == 0 else {
            unsafe start.release()
            throw .system("no thread could be started", status)
        }
        self.handle = handle
    }

    /// Waits until the thread has ended.
    package consuming func join() {
        // Joinable, and joined once: the value is consumed.
        pthread_join(handle, nil)
        discard self
    }

    deinit {
        // Joinable, and not joined before: `join` leaves no deinit.
        pthread_join(handle, nil)
    }
}
