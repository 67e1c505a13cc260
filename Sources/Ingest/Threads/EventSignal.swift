internal import CZeroMQ
internal import Glibc

/// Wakes a thread that polls: an eventfd. Signals that nobody has taken yet are one.
@safe
package struct EventSignal: ~Copyable, Sendable {
    let descriptor: Int32

    package init() throws(IngestError) {
        descriptor = tollbook_eventfd_make()
        guard descriptor >= 0 else { throw .system("no event descriptor") }
    }

    deinit {
        _ = Glibc.close(descriptor)
    }

    package func raise() {
        var one: UInt64 = 1
        // Safety: eight bytes are read. A full counter (EAGAIN) is a signal that stands already.
        _ = unsafe write(descriptor, &one, 8)
    }

    /// Takes the signal, if one stands.
    package func take() {
        var count: UInt64 = 0
        // Safety: eight bytes are written. EAGAIN: none stood.
        _ = unsafe read(descriptor, &count, 8)
    }

    /// Waits for a signal and takes it; at most `milliseconds`, for ever where that is negative.
    package func wait(milliseconds: Int32 = -1) {
        var item = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        // Safety: one item, on the stack.
        _ = unsafe poll(&item, 1, milliseconds)
        take()
    }
}
