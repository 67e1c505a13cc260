/// What an event states. The names are those of `schemas/events.schema.json`.
public enum EventType: UInt8, CaseIterable, Sendable {
    case unknown = 0
    case dialogTrying
    case dialogEarly
    case dialogConfirmed
    case dialogAcked
    case dialogAlive
    case dialogFailed
    case dialogTerminated
    case refreshRequested
    case refreshAccepted
    case refreshFailed
    case timeoutEarly
    case timeoutSession
    case timeoutLifetime
    case timeoutNoAck
    case timeoutPing
    case timeoutMedia
    case sourceStarted
    case sourceHeartbeat
    case sourceStopped
    case ledgerTick
    case ledgerExpired
    case ledgerGap
    case ledgerRejected
    case ledgerPolicy

    package var name: String {
        switch self {
        case .unknown: ""
        case .dialogTrying: "dialog.trying"
        case .dialogEarly: "dialog.early"
        case .dialogConfirmed: "dialog.confirmed"
        case .dialogAcked: "dialog.acked"
        case .dialogAlive: "dialog.alive"
        case .dialogFailed: "dialog.failed"
        case .dialogTerminated: "dialog.terminated"
        case .refreshRequested: "refresh.requested"
        case .refreshAccepted: "refresh.accepted"
        case .refreshFailed: "refresh.failed"
        case .timeoutEarly: "timeout.early"
        case .timeoutSession: "timeout.session"
        case .timeoutLifetime: "timeout.lifetime"
        case .timeoutNoAck: "timeout.no_ack"
        case .timeoutPing: "timeout.ping"
        case .timeoutMedia: "timeout.media"
        case .sourceStarted: "source.started"
        case .sourceHeartbeat: "source.heartbeat"
        case .sourceStopped: "source.stopped"
        case .ledgerTick: "ledger.tick"
        case .ledgerExpired: "ledger.expired"
        case .ledgerGap: "ledger.gap"
        case .ledgerRejected: "ledger.rejected"
        case .ledgerPolicy: "ledger.policy"
        }
    }

    /// Whether events of this type are facts about a call.
    @inlinable
    public var belongsToCall: Bool {
        switch self {
        case .dialogTrying, .dialogEarly, .dialogConfirmed, .dialogAcked, .dialogAlive, .dialogFailed,
            .dialogTerminated, .refreshRequested, .refreshAccepted, .refreshFailed, .timeoutEarly,
            .timeoutSession, .timeoutLifetime, .timeoutNoAck, .timeoutPing, .timeoutMedia, .ledgerExpired:
            true
        default: false
        }
    }

    /// Whether only the ledger itself may state it.
    @inlinable
    public var isLedgers: Bool { rawValue >= EventType.ledgerTick.rawValue }

    /// Whether its time counts for `as_of`: a known type that tells of the world and not of the log.
    @inlinable
    public var tellsTime: Bool {
        switch self {
        case .unknown, .ledgerRejected, .ledgerGap, .ledgerPolicy: false
        default: true
        }
    }

    /// The status codes that `sip_code` may hold here; null where the type states none.
    package var sipCodes: ClosedRange<Int64>? {
        switch self {
        case .dialogEarly: 101...199
        case .dialogConfirmed, .refreshAccepted: 200...299
        case .dialogFailed, .refreshFailed: 300...699
        default: nil
        }
    }

    /// The fields without which an event of this type is invalid.
    package var required: FieldSet {
        let call: FieldSet = [.time, .callID, .fromTag]
        switch self {
        case .unknown, .sourceStarted, .sourceHeartbeat, .sourceStopped, .ledgerTick: return [.time]
        case .dialogTrying: return call.union(.cseq)
        case .dialogEarly: return call.union([.cseq, .sipCode])
        case .dialogConfirmed: return call.union([.toTag, .cseq, .sipCode])
        case .dialogAcked, .dialogAlive: return call.union(.toTag)
        case .dialogFailed: return call.union([.cseq, .sipCode, .by])
        case .dialogTerminated: return call.union([.toTag, .by])
        case .refreshRequested, .refreshAccepted: return call.union([.toTag, .cseq, .method, .by])
        case .refreshFailed: return call.union([.toTag, .cseq, .method, .by, .sipCode])
        case .timeoutEarly: return call
        case .timeoutSession, .timeoutLifetime, .timeoutNoAck, .timeoutPing, .timeoutMedia:
            return call.union(.toTag)
        case .ledgerExpired: return call.union(.deadline)
        case .ledgerGap: return [.time, .gapSource, .gapEpoch, .fromSeq, .toSeq]
        case .ledgerRejected: return [.time, .reason, .raw, .ofSource, .ofEpoch, .ofSeq]
        case .ledgerPolicy: return [.time, .policy]
        }
    }
}
