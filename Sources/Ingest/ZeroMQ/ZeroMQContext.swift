internal import CZeroMQ
internal import Glibc

/// A libzmq context: the threads that move bytes between sockets and the network.
///
/// Its sockets keep it alive, so that it ends after the last of them: ending it sooner would wait for them
/// for ever.
package struct ZeroMQContext: ~Copyable {
    let threads: ContextHandle

    package init() throws(IngestError) {
        threads = try ContextHandle()
    }
}

/// What a context and its sockets share.
@safe
final class ContextHandle: @unchecked Sendable {
    // Safety: libzmq's contexts may be used from any thread; freed once, in deinit.
    let handle: UnsafeMutableRawPointer

    init() throws(IngestError) {
        // Safety: a new context, owned until deinit.
        guard let handle = unsafe zmq_ctx_new() else { throw .zeroMQ("no context could be made") }
        unsafe self.handle = handle
    }

    deinit {
        // Safety: made in init; no socket is left that would hold on to it.
        while unsafe zmq_ctx_term(handle) != 0, zmq_errno() == EINTR {}
    }
}

extension IngestError {
    /// What libzmq's last call on this thread says of its failure.
    static func zeroMQ(_ what: String, _ code: Code = .socket) -> IngestError {
        let number = zmq_errno()
        // Safety: libzmq's texts are constants ended by a zero.
        let text = unsafe String(cString: zmq_strerror(number))
        return IngestError(code, number: number, "ZeroMQ: \(what): \(text)")
    }

    /// What the operating system's last call on this thread says of its failure.
    static func system(_ what: String, _ number: Int32 = errno) -> IngestError {
        // Safety: strerror's text is read at once.
        let text = unsafe String(cString: strerror(number))
        return IngestError(.system, number: number, "\(what): \(text)")
    }
}
