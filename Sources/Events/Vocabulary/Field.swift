/// A listed field of an event, besides `type`. The raw value is its place in `FieldSet` and in `EventView`.
public enum Field: UInt8, CaseIterable, Sendable {
    // Texts.
    case callID, fromTag, toTag, method, sipReason, reason
    case fromURI, toURI, requestURI, sourceIP, userAgent
    case extra, gapSource, ofSource, raw, policy
    // Numbers; sides, refreshers and booleans are kept as small ones.
    case time, cseq, sipCode, by
    case sessionExpires, refresher, minSE, supportedTimer, requireTimer
    case forwardedSessionExpires, forwardedRefresher, forwardedMinSE
    case lifetime, byeSent, active, deadline
    case gapEpoch, fromSeq, toSeq, after, before, ofEpoch, ofSeq

    /// How many fields hold text; they come first.
    @inlinable
    public static var textCount: Int { 16 }
    /// How many hold a number.
    @inlinable
    public static var numberCount: Int { 23 }

    @inlinable @inline(__always)
    public var isText: Bool { Int(rawValue) < Self.textCount }

    package var name: String {
        switch self {
        case .callID: "callid"
        case .fromTag: "from_tag"
        case .toTag: "to_tag"
        case .method: "method"
        case .sipReason: "sip_reason"
        case .reason: "reason"
        case .fromURI: "from_uri"
        case .toURI: "to_uri"
        case .requestURI: "request_uri"
        case .sourceIP: "src_ip"
        case .userAgent: "user_agent"
        case .extra: "extra"
        case .gapSource: "gap_source"
        case .ofSource: "of_source"
        case .raw: "raw"
        case .policy: "policy"
        case .time: "time"
        case .cseq: "cseq"
        case .sipCode: "sip_code"
        case .by: "by"
        case .sessionExpires: "session_expires"
        case .refresher: "refresher"
        case .minSE: "min_se"
        case .supportedTimer: "supported_timer"
        case .requireTimer: "require_timer"
        case .forwardedSessionExpires: "fwd_session_expires"
        case .forwardedRefresher: "fwd_refresher"
        case .forwardedMinSE: "fwd_min_se"
        case .lifetime: "lifetime"
        case .byeSent: "bye_sent"
        case .active: "active"
        case .deadline: "deadline"
        case .gapEpoch: "gap_epoch"
        case .fromSeq: "from_seq"
        case .toSeq: "to_seq"
        case .after: "after"
        case .before: "before"
        case .ofEpoch: "of_epoch"
        case .ofSeq: "of_seq"
        }
    }

    /// Whether only types of the ledger's list it; elsewhere it is an operator's own and not judged.
    var isLedgers: Bool {
        switch self {
        case .deadline, .gapSource, .gapEpoch, .fromSeq, .toSeq, .after, .before, .raw, .ofSource, .ofEpoch,
            .ofSeq,
            .policy:
            true
        default: false
        }
    }

    /// What a field may hold.
    enum Shape: Sendable {
        case text(ClosedRange<Int>)
        case sourceName
        case scalars
        case integer(ClosedRange<Int64>)
        case statusCode
        case boolean
        case side
        case refresher
    }

    var shape: Shape {
        switch self {
        case .callID: .text(1...255)
        case .fromTag, .toTag: .text(1...128)
        case .method, .sipReason, .reason, .fromURI, .toURI, .requestURI, .sourceIP, .userAgent, .raw,
            .policy:
            .text(0...Int.max)
        case .extra: .scalars
        case .gapSource, .ofSource: .sourceName
        case .time, .deadline, .after, .before: .integer(0...Timestamp.last.rawValue)
        case .cseq: .integer(0...2_147_483_647)
        case .sipCode: .statusCode
        case .sessionExpires, .minSE, .forwardedSessionExpires, .forwardedMinSE, .lifetime:
            .integer(0...4_294_967_295)
        case .active: .integer(Int64.min...Int64.max)
        case .gapEpoch, .fromSeq, .toSeq, .ofEpoch, .ofSeq: .integer(1...Int64.max)
        case .supportedTimer, .requireTimer, .byeSent: .boolean
        case .by: .side
        case .refresher, .forwardedRefresher: .refresher
        }
    }
}

/// A set of fields.
public struct FieldSet: OptionSet, Hashable, Sendable {
    public let rawValue: UInt64

    @inlinable
    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    @inlinable
    public init(_ field: Field) {
        self.rawValue = 1 << UInt64(field.rawValue)
    }

    /// Whether the field is in the set.
    @inlinable
    public func has(_ field: Field) -> Bool {
        rawValue & (1 << UInt64(field.rawValue)) != 0
    }

    /// The field that stands first in the set.
    package var first: Field? {
        rawValue == 0 ? nil : Field(rawValue: UInt8(rawValue.trailingZeroBitCount))
    }

    package static let time = FieldSet(.time)
    package static let callID = FieldSet(.callID)
    package static let fromTag = FieldSet(.fromTag)
    package static let toTag = FieldSet(.toTag)
    package static let cseq = FieldSet(.cseq)
    package static let sipCode = FieldSet(.sipCode)
    package static let by = FieldSet(.by)
    package static let method = FieldSet(.method)
    package static let deadline = FieldSet(.deadline)
    package static let gapSource = FieldSet(.gapSource)
    package static let gapEpoch = FieldSet(.gapEpoch)
    package static let fromSeq = FieldSet(.fromSeq)
    package static let toSeq = FieldSet(.toSeq)
    package static let reason = FieldSet(.reason)
    package static let raw = FieldSet(.raw)
    package static let ofSource = FieldSet(.ofSource)
    package static let ofEpoch = FieldSet(.ofEpoch)
    package static let ofSeq = FieldSet(.ofSeq)
    package static let policy = FieldSet(.policy)
}

/// Who sent a request or ended an attempt.
public enum Side: UInt8, Sendable, CaseIterable {
    case caller, callee, proxy, admin

    package var name: String {
        switch self {
        case .caller: "caller"
        case .callee: "callee"
        case .proxy: "proxy"
        case .admin: "admin"
        }
    }
}

/// Who refreshes, as the Session-Expires header says it: relative to its own transaction (RFC 4028 section
/// 7.4).
public enum Refresher: UInt8, Sendable, CaseIterable {
    case uac, uas

    package var name: String {
        switch self {
        case .uac: "uac"
        case .uas: "uas"
        }
    }
}
