/// Every maximum of intake, and every interval it waits, in one place.
package enum Limits {
    // MARK: What a message may be

    /// Bytes of a header frame. The longest that a source has to send takes about 300.
    package static let headerBytesMax = 4_096
    /// Unknown fields that a header may carry.
    package static let headerFieldsUnknownMax = 16
    /// How deep the value of an unknown header field may be nested.
    package static let headerDepthMax = 8
    /// Events of one batch.
    package static let batchEventsMax = 65_536
    /// Bytes of one batch's payload: what is beyond is refused with `too_large`, the connection stays. A
    /// single bad line of this size still fits a frame of the log as base64.
    package static let batchBytesMax = 2 * 1_048_576
    /// `ZMQ_MAXMSGSIZE`, bytes of a frame: what is beyond closes the connection. Twice the above, so that a
    /// source that is only somewhat off gets an answer that it can read.
    package static let frameBytesMax = 2 * batchBytesMax

    // MARK: How much may be under way

    /// Events that a source may have unacknowledged, where no setting says otherwise.
    package static let creditEventsDefault = 32_768
    /// Bytes of one group of frames, written and synced at once. A group that has grown so far is closed, and
    /// the socket waits for the writer.
    package static let groupBytesMax = 8 * 1_048_576
    /// Bytes of a group that the receiving thread writes and syncs itself where nothing else waits for it.
    /// The next ones of this size would be decoded within a fifth of the sync.
    package static let groupBytesSmall = 65_536
    /// How long that may take for the next small group to be written so too, and how many go to the writer
    /// where it took longer.
    package static let quickSyncMicrosecondsMax = 5_000
    package static let groupsAfterSlowSync = 16
    /// Frames that are looked through for something that came again before it was on disk; where more are
    /// under way, they are written first.
    package static let framesSearchedMax = 256
    /// Entries of the ledger's own that wait for the writer.
    package static let inboxEntriesMax = 4_096
    /// Messages taken from one socket before the others are looked at, so that none starves.
    package static let messagesPerTurnMax = 256
    /// Answers that wait for room on their way to peers that don't read. Beyond that the oldest is dropped;
    /// whoever misses it asks again.
    package static let answersOwedMax = 1_024
    /// Peers of one (source, epoch) that are remembered as superseded.
    package static let supersededPeersMax = 8
    /// Holes of an unacknowledged epoch that are watched at a time; beyond that the oldest is concluded
    /// early.
    package static let openGapsMax = 4_096

    // MARK: Sockets

    /// Messages that libzmq holds for us per connection (`ZMQ_RCVHWM`); with a batch of 64 events of 300
    /// bytes about 20 MB.
    package static let receiveMessagesMax = 1_000
    /// Answers that libzmq holds per connection (`ZMQ_SNDHWM`). An answer that finds no room is owed and sent
    /// later.
    package static let sendMessagesMax = 1_000
    /// The same two on the side of a source: its window bounds what is under way.
    package static let sourceMessagesMax = 10_000
    /// How long `close` waits for answers to leave (`ZMQ_LINGER`).
    package static let lingerMilliseconds = 500
    /// How long a handshake may take (`ZMQ_HANDSHAKE_IVL`).
    package static let handshakeMilliseconds = 5_000
    /// How often a silent connection is asked for a sign of life (`ZMQ_HEARTBEAT_IVL`).
    package static let heartbeatMilliseconds = 5_000
    /// How long it may take to give one (`ZMQ_HEARTBEAT_TIMEOUT`), and what the peer is told to hold itself
    /// to (`ZMQ_HEARTBEAT_TTL`).
    package static let heartbeatTimeoutMilliseconds = 15_000
    /// Connections that may wait to be accepted (`ZMQ_BACKLOG`).
    package static let backlogConnections = 256
    /// First and greatest pause between attempts to connect (`ZMQ_RECONNECT_IVL`, `ZMQ_RECONNECT_IVL_MAX`).
    package static let reconnectMilliseconds = 100
    package static let reconnectMillisecondsMax = 5_000

    // MARK: Waiting

    /// How long numbers of an unacknowledged epoch may be missing, where no setting says otherwise.
    package static let gapMicrosecondsDefault: Int64 = 5_000_000
    /// Rejections on either side of a gap behind which the event is looked for whose time bounds when the
    /// missing ones were.
    package static let gapNeighboursMax = 32
    /// How far ahead of the ledger's clock an event's time may lie (schemas/events.schema.json).
    package static let futureMicrosecondsMax: Int64 = 24 * 3_600 * 1_000_000
    /// How often a stopped intake looks whether it may go on.
    package static let intakeCheckMilliseconds = 250
    /// How far apart it is, while the read model is behind, that the receiving thread begins to take what has
    /// come.
    package static let turnNanosecondsMin: UInt64 = 2_000_000
    /// How long a source waits for an answer before it says all that is unacknowledged again.
    package static let resendMicrosecondsDefault: Int64 = 2_000_000
    /// How long a source stays silent before it sends a heartbeat.
    package static let sourceHeartbeatMicroseconds: Int64 = 5_000_000

    // MARK: Import

    /// Bytes of a line of an imported file.
    package static let importLineBytesMax = 4 * 1_048_576
    /// Bytes of an imported entry of the ledger's own, which may quote a whole event in base64, and which
    /// must itself fit a frame in base64 where it is not valid.
    package static let importEntryBytesMax = 3_000_000
    /// Events of consecutive numbers that are put into one frame.
    package static let importFrameEventsMax = 4_096
    /// Bytes of such a frame.
    package static let importFrameBytesMax = 1_048_576
    /// Bytes that are laid before the writer gets them.
    package static let importGroupBytesMin = 1_048_576
    /// Lines at fault that are named to the operator one by one; the rest are counted.
    package static let importFaultsNamedMax = 100
}
