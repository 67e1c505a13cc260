internal import CZeroMQ
internal import Glibc

/// A libzmq socket, used by one thread at a time.
@safe
package struct ZeroMQSocket: ~Copyable {
    // Safety: made in init, closed in deinit; moved between threads only as a whole.
    let handle: UnsafeMutableRawPointer
    private let threads: ContextHandle

    package enum Kind: Sendable {
        case router, dealer, pull, push, subscriber, publisher

        var number: Int32 {
            switch self {
            case .router: ZMQ_ROUTER
            case .dealer: ZMQ_DEALER
            case .pull: ZMQ_PULL
            case .push: ZMQ_PUSH
            case .subscriber: ZMQ_SUB
            case .publisher: ZMQ_PUB
            }
        }
    }

    /// What became of an attempt to send without waiting.
    package enum Sending: Sendable {
        case sent
        /// The queue to the peer is full.
        case full
        /// There is no such peer any more.
        case noPeer
    }

    /// A socket with every option of `SocketOptions` set.
    package init(
        _ kind: Kind, in context: borrowing ZeroMQContext, _ options: SocketOptions = SocketOptions()
    ) throws(IngestError) {
        unsafe handle = try Self.open(kind, context, options)
        threads = context.threads
    }

    private static func open(
        _ kind: Kind, _ context: borrowing ZeroMQContext, _ options: SocketOptions
    ) throws(IngestError) -> UnsafeMutableRawPointer {
        // Safety: a new socket, owned by the value that is being made, or closed here.
        guard let handle = unsafe zmq_socket(context.threads.handle, kind.number) else {
            throw .zeroMQ("no socket could be made")
        }
        do throws(IngestError) {
            try unsafe options.apply(to: RawSocket(handle: handle), kind)
        } catch {
            _ = unsafe zmq_close(handle)
            throw error
        }
        return unsafe handle
    }

    deinit {
        // Safety: made in init. Closing a valid socket can't fail; what lingers is bounded by ZMQ_LINGER.
        _ = unsafe zmq_close(handle)
    }

    /// Listens at `endpoint` and returns it as it came to be: with its port, where that was left open.
    package borrowing func bind(_ endpoint: String) throws(IngestError) -> String {
        // Safety: alive; the text is only read during the call.
        try unsafe RawSocket(handle: handle).set(ZMQ_IPV6, SocketOptions.usesIPv6(endpoint))
        guard unsafe zmq_bind(handle, endpoint) == 0 else {
            switch zmq_errno() {
            case EADDRINUSE:
                throw IngestError(
                    .endpointInUse, number: EADDRINUSE,
                    "\(endpoint) is in use: stop the process that listens there, or choose another port")
            case EADDRNOTAVAIL, ENODEV:
                throw .zeroMQ("\(endpoint) is no address of this machine", .endpointUnavailable)
            case EINVAL, EPROTONOSUPPORT:
                throw .zeroMQ("\(endpoint) is no endpoint", .endpointInvalid)
            default:
                throw .zeroMQ("can't listen at \(endpoint)", .endpointUnavailable)
            }
        }
        return try lastEndpoint()
    }

    package borrowing func connect(_ endpoint: String) throws(IngestError) {
        // Safety: alive; the text is only read during the call.
        try unsafe RawSocket(handle: handle).set(ZMQ_IPV6, SocketOptions.usesIPv6(endpoint))
        guard unsafe zmq_connect(handle, endpoint) == 0 else {
            throw .zeroMQ("can't connect to \(endpoint)", .endpointInvalid)
        }
    }

    /// Stops listening at an endpoint as `bind` returned it; connections that stand stay.
    package borrowing func unbind(_ endpoint: String) {
        // Safety: the text is only read during the call.
        _ = unsafe zmq_unbind(handle, endpoint)
    }

    /// Takes the next frame without waiting. False where there is none.
    @inline(__always)
    package borrowing func receive(into message: borrowing ZeroMQMessage) throws(IngestError) -> Bool {
        while true {
            // Safety: both handles are alive.
            if unsafe zmq_msg_recv(message.handle, handle, ZMQ_DONTWAIT) >= 0 { return true }
            switch zmq_errno() {
            case EAGAIN: return false
            case EINTR: continue
            default: throw .zeroMQ("receiving failed")
            }
        }
    }

    /// Whether `receive` would find a frame (`ZMQ_EVENTS`).
    package borrowing func hasMessage() throws(IngestError) -> Bool {
        var events: Int32 = 0
        var size = MemoryLayout<Int32>.size
        // Safety: one number is written, whose size is said.
        while unsafe zmq_getsockopt(handle, ZMQ_EVENTS, &events, &size) != 0 {
            guard zmq_errno() == EINTR else { throw .zeroMQ("a socket's state can't be asked") }
        }
        return events & Int32(ZMQ_POLLIN) != 0
    }

    /// Sends a frame without waiting.
    package borrowing func send(
        _ bytes: borrowing Span<UInt8>, more: Bool = false
    ) throws(IngestError) -> Sending {
        while true {
            let sent = unsafe bytes.withUnsafeBufferPointer { buffer in
                // Safety: libzmq copies the bytes during the call.
                unsafe zmq_send(
                    handle, buffer.baseAddress, buffer.count, ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0))
            }
            if sent >= 0 { return .sent }
            switch zmq_errno() {
            case EAGAIN: return .full
            case EHOSTUNREACH: return .noPeer
            case EINTR: continue
            default: throw .zeroMQ("sending failed")
            }
        }
    }

    private borrowing func lastEndpoint() throws(IngestError) -> String {
        var text = [CChar](repeating: 0, count: 1_024)
        var count = text.count
        // Safety: libzmq writes at most `count` bytes, a zero among them.
        guard unsafe zmq_getsockopt(handle, ZMQ_LAST_ENDPOINT, &text, &count) == 0 else {
            throw .zeroMQ("an endpoint's name can't be read")
        }
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
