package import Events

/// A leg of a call: what one To tag makes of it. Facts and marks are indexes into the fold's.
package struct Leg: Sendable {
    package let tag: Int32
    /// From 1, by (answered_at, to_tag).
    package var number = 0
    /// The earliest `dialog.confirmed`.
    package var confirmed: Int?
    /// The earliest event of a type that makes a leg.
    package var first: Int?
    /// What `answered_at` is the time of: `confirmed`, else `first`.
    package var answer = 0
    package var answeredAt = Timestamp(rawValue: 0)
    /// The CSeq of its INVITE; -1 where none is known.
    package var attempt: Int64 = -1
    package var end: Int?
    package var endedAt: Timestamp?
    package var marks = 0..<0
    /// The last fact that proves that somebody lived, and when that was.
    package var lastProof = 0
    package var lastProofAt = Timestamp(rawValue: 0)
    package var refreshes = 0
    package var refreshesUpdate = 0
    package var refreshesInvite = 0

    init(tag: Int32) {
        self.tag = tag
    }
}

extension EventType {
    /// Whether the events of this type tell attempts apart by their CSeq.
    var belongsToAttempt: Bool {
        switch self {
        case .dialogTrying, .dialogEarly, .dialogConfirmed, .dialogFailed: true
        default: false
        }
    }
}

extension Fact {
    /// Whether equal statements of this type are one occurrence.
    var isMerged: Bool {
        switch type {
        case .dialogAlive, .timeoutEarly, .timeoutSession, .timeoutLifetime, .timeoutNoAck, .timeoutPing,
            .timeoutMedia, .ledgerExpired:
            false
        default: true
        }
    }

    /// Whether a To tag with this fact is a leg. An UPDATE may belong to an early dialog (RFC 3311 section
    /// 5.1).
    func makesLeg(in bytes: [UInt8]) -> Bool {
        switch type {
        case .dialogConfirmed, .dialogAcked, .dialogAlive, .dialogTerminated, .timeoutSession,
            .timeoutLifetime,
            .timeoutNoAck, .timeoutPing, .timeoutMedia:
            true
        case .refreshRequested, .refreshAccepted, .refreshFailed: isInvite(in: bytes)
        default: false
        }
    }

    /// Whether two facts are one occurrence: a retransmission, two proxies on the path, a standby.
    func statesTheSame(as other: Fact, in bytes: [UInt8]) -> Bool {
        guard type == other.type, tag == other.tag, cseq == other.cseq, hasSide(of: other),
            sipCode == other.sipCode
        else { return false }
        return hasMethod(of: other, in: bytes)
    }

    func hasMethod(of other: Fact, in bytes: [UInt8]) -> Bool {
        switch (method, other.method) {
        case (nil, nil): return true
        case (let left?, let right?): return TextBytes.areEqual(left, right, in: bytes)
        default: return false
        }
    }
}

/// What facts of one occurrence agree in.
struct Occurrence: Hashable {
    private let type: EventType
    private let tag: Int32
    private let cseq: Int64
    private let by: Side?
    private let sipCode: Int64
    private let method: [UInt8]?

    init(_ fact: Fact, in bytes: [UInt8]) {
        type = fact.type
        tag = fact.tag
        cseq = fact.cseq
        by = fact.by
        sipCode = fact.sipCode
        method = fact.method.map { Array(bytes[$0.range]) }
    }
}
