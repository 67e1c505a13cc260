internal import CZeroMQ

/// Every option of our sockets, set on purpose: none is left at libzmq's default by accident.
package struct SocketOptions: Sendable {
    package var receiveMessagesMax = Limits.receiveMessagesMax
    package var sendMessagesMax = Limits.sendMessagesMax
    package var lingerMilliseconds = Limits.lingerMilliseconds
    /// The name by which a ROUTER knows a DEALER; a new one for each connection where it is empty.
    package var routingID: [UInt8] = []

    package init() {}

    /// Set before an endpoint is used: an IPv4 address would otherwise come back in IPv6's clothes.
    static func usesIPv6(_ endpoint: String) -> Int32 { endpoint.contains("[") ? 1 : 0 }

    func apply(to socket: RawSocket, _ kind: ZeroMQSocket.Kind) throws(IngestError) {
        try socket.set(ZMQ_MAXMSGSIZE, Int64(Limits.frameBytesMax))
        try socket.set(ZMQ_LINGER, Int32(lingerMilliseconds))
        try socket.set(ZMQ_HANDSHAKE_IVL, Int32(Limits.handshakeMilliseconds))
        // Without signs of life a peer that lost its power would hold its queue and its place for hours.
        try socket.set(ZMQ_HEARTBEAT_IVL, Int32(Limits.heartbeatMilliseconds))
        try socket.set(ZMQ_HEARTBEAT_TIMEOUT, Int32(Limits.heartbeatTimeoutMilliseconds))
        try socket.set(ZMQ_HEARTBEAT_TTL, Int32(Limits.heartbeatTimeoutMilliseconds))
        try socket.set(ZMQ_RCVHWM, Int32(receiveMessagesMax))
        try socket.set(ZMQ_SNDHWM, Int32(sendMessagesMax))
        try socket.set(ZMQ_BACKLOG, Int32(Limits.backlogConnections))
        try socket.set(ZMQ_RECONNECT_IVL, Int32(Limits.reconnectMilliseconds))
        try socket.set(ZMQ_RECONNECT_IVL_MAX, Int32(Limits.reconnectMillisecondsMax))
        // Nothing here waits inside libzmq: waiting is done by polling, with everything else in view.
        try socket.set(ZMQ_RCVTIMEO, Int32(0))
        try socket.set(ZMQ_SNDTIMEO, Int32(0))
        switch kind {
        case .router:
            // An answer that can't be delivered must be known: it is owed (queue full) or void (peer gone).
            try socket.set(ZMQ_ROUTER_MANDATORY, Int32(1))
            // A source that comes back under its own routing id takes the place of its dead connection.
            // Without it the new one would be turned away for as long as TCP believes in the old.
            try socket.set(ZMQ_ROUTER_HANDOVER, Int32(1))
        case .dealer, .push:
            // Only to connections that stand: what waits for one that doesn't come would be neither sent nor
            // known to be unsent.
            try socket.set(ZMQ_IMMEDIATE, Int32(1))
            if !routingID.isEmpty { try socket.set(ZMQ_ROUTING_ID, routingID) }
        case .subscriber:
            try socket.set(ZMQ_SUBSCRIBE, [])
        case .pull, .publisher:
            break
        }
    }
}

/// A socket that is being made, for setting its options.
@safe
struct RawSocket {
    // Safety: used during the making of the socket only.
    let handle: UnsafeMutableRawPointer

    init(handle: UnsafeMutableRawPointer) {
        unsafe self.handle = handle
    }

    func set(_ option: Int32, _ value: Int32) throws(IngestError) {
        var value = value
        // Safety: libzmq reads the four bytes during the call.
        guard unsafe zmq_setsockopt(handle, option, &value, MemoryLayout<Int32>.size) == 0 else {
            throw .zeroMQ("option \(option) can't be set to \(value)")
        }
    }

    func set(_ option: Int32, _ value: Int64) throws(IngestError) {
        var value = value
        // Safety: libzmq reads the eight bytes during the call.
        guard unsafe zmq_setsockopt(handle, option, &value, MemoryLayout<Int64>.size) == 0 else {
            throw .zeroMQ("option \(option) can't be set to \(value)")
        }
    }

    func set(_ option: Int32, _ text: [UInt8]) throws(IngestError) {
        // Safety: libzmq copies the bytes during the call.
        guard unsafe zmq_setsockopt(handle, option, text, text.count) == 0 else {
            throw .zeroMQ("option \(option) can't be set")
        }
    }
}
