internal import CZeroMQ

/// One frame of a message. Its place is taken once and used for frame after frame, so that receiving
/// allocates nothing of ours.
@safe
package struct ZeroMQMessage: ~Copyable {
    // Safety: allocated and initialised in init, closed and freed in deinit, never handed out.
    let handle: UnsafeMutablePointer<zmq_msg_t>

    package init() {
        // Safety: libzmq wants a frame's head at a fixed, aligned address.
        unsafe handle = .allocate(capacity: 1)
        unsafe handle.initialize(to: zmq_msg_t())
        _ = unsafe zmq_msg_init(handle)
    }

    deinit {
        // Safety: allocated in init.
        _ = unsafe zmq_msg_close(handle)
        unsafe handle.deallocate()
    }

    /// Whether another frame of the same message follows.
    package var hasMore: Bool {
        // Safety: initialised.
        unsafe zmq_msg_more(handle) != 0
    }

    package var count: Int {
        // Safety: initialised.
        unsafe zmq_msg_size(handle)
    }

    /// Hands the frame's bytes to `body`, which may not keep them.
    @inline(__always)
    package func withBytes<Result: ~Copyable, Failure: Error>(
        _ body: (borrowing Span<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        // Safety: libzmq keeps the bytes until the frame is received into again or closed; `body` borrows
        // them.
        let bytes = unsafe UnsafeBufferPointer(
            start: zmq_msg_data(handle)?.assumingMemoryBound(to: UInt8.self), count: count)
        return try unsafe body(bytes.span)
    }
}
