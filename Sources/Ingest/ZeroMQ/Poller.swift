internal import CZeroMQ
internal import Glibc

/// Waits for sockets and event descriptors at once.
@safe
package struct Poller: ~Copyable {
    // Safety: the handles in it belong to sockets that live as long as their poller (both are one thread's).
    private var items: [zmq_pollitem_t] = unsafe []

    package init() {}

    /// Adds a socket; the result is its place.
    package mutating func add(_ socket: borrowing ZeroMQSocket) -> Int {
        unsafe items.append(
            zmq_pollitem_t(socket: socket.handle, fd: 0, events: Int16(ZMQ_POLLIN), revents: 0))
        return unsafe items.count - 1
    }

    package mutating func add(_ signal: borrowing EventSignal) -> Int {
        unsafe items.append(
            zmq_pollitem_t(socket: nil, fd: signal.descriptor, events: Int16(ZMQ_POLLIN), revents: 0))
        return unsafe items.count - 1
    }

    /// Waits until something is there or `milliseconds` have passed; for ever where that is negative.
    package mutating func wait(milliseconds: Int) throws(IngestError) {
        let count = unsafe Int32(items.count)
        // Safety: the array is libzmq's for the length of the call.
        while unsafe zmq_poll(&items, count, milliseconds) < 0 {
            guard zmq_errno() == EINTR else { throw .zeroMQ("waiting failed") }
        }
    }
}
