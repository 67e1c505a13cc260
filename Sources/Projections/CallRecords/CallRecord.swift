package import Events

/// One call detail record: a leg that has ended, or a call that ended without any (leg 0).
///
/// Texts are slices of the fold that made it and go with its next call.
package struct CallRecord: Sendable {
    package struct Flags: OptionSet, Hashable, Sendable {
        package let rawValue: UInt8

        package init(rawValue: UInt8) {
            self.rawValue = rawValue
        }

        package static let answerUnseen = Flags(rawValue: 1)
        package static let clockSkew = Flags(rawValue: 2)
        package static let incomplete = Flags(rawValue: 4)
        package static let startUnseen = Flags(rawValue: 8)

        /// Sorted.
        static let names: [(Flags, String)] = [
            (.answerUnseen, "answer_unseen"), (.clockSkew, "clock_skew"), (.incomplete, "incomplete"),
            (.startUnseen, "start_unseen"),
        ]

        package var json: [UInt8] { Self.lists[Int(rawValue)] }

        private static let lists: [[UInt8]] = (0..<16).map { value in
            let held = names.filter { Flags(rawValue: UInt8(value)).contains($0.0) }
            return Array("[\(held.map { "\"\($0.1)\"" }.joined(separator: ","))]".utf8)
        }
    }

    /// Null for leg 0.
    package var toTag: TextSlice?
    package var leg = 0
    package var fromURI: TextSlice?
    package var toURI: TextSlice?
    package var requestURI: TextSlice?
    package var sourceIP: TextSlice?
    package var userAgent: TextSlice?
    package var calleeUserAgent: TextSlice?
    package var startedAt = Timestamp(rawValue: 0)
    package var ringingAt: Timestamp?
    package var answeredAt: Timestamp?
    package var endedAt = Timestamp(rawValue: 0)
    package var setupMicroseconds: Int64 = 0
    package var durationMicroseconds: Int64 = 0
    package var attempts: Int64 = 1
    package var disposition = Disposition.answered
    package var sipCode: Int64?
    package var sipReason: TextSlice?
    package var termination: Termination?
    package var endedBy = ""
    package var reason: TextSlice?
    package var lastProofAt: Timestamp?
    package var sessionInterval: Int64 = 0
    package var refresher: Side?
    package var refreshes: Int64 = 0
    package var bill = Bill(milliseconds: 0, basis: "none")
    package var flags: Flags = []
}

/// What is billed, and on whose word.
package struct Bill: Hashable, Sendable {
    /// Null while the policy holds the call.
    package let milliseconds: Int64?
    package let basis: String

    package init(milliseconds: Int64?, basis: String) {
        self.milliseconds = milliseconds
        self.basis = basis
    }
}

/// What became of an attempt to reach somebody.
package enum Disposition: String, Sendable, CaseIterable {
    case answered, busy, cancelled
    case noAnswer = "no_answer"
    case redirected, rejected
    case notFound = "not_found"
    case intervalTooSmall = "interval_too_small"
    case congestion, failed, unknown

    /// By the code of the final response (RFC 3261 section 21, RFC 4028 section 6, RFC 8197).
    init(sipCode: Int64) {
        self =
            switch sipCode {
            case 486, 600: .busy
            case 487: .cancelled
            case 408, 480: .noAnswer
            case 300...399: .redirected
            case 401, 403, 407, 603, 607, 608: .rejected
            case 404, 410, 484, 604: .notFound
            case 422: .intervalTooSmall
            case 503: .congestion
            default: .failed
            }
    }
}

/// How a leg ended.
package enum Termination: String, Sendable, CaseIterable {
    case callerBye = "caller_bye"
    case calleeBye = "callee_bye"
    case proxyBye = "proxy_bye"
    case adminBye = "admin_bye"
    case sessionTimeout = "session_timeout"
    case lifetimeTimeout = "lifetime_timeout"
    case noAck = "no_ack"
    case pingTimeout = "ping_timeout"
    case mediaTimeout = "media_timeout"
    case unterminated

    /// Null for a fact that ends no leg.
    package init?(_ fact: Fact) {
        switch (fact.type, fact.by) {
        case (.dialogTerminated, .caller): self = .callerBye
        case (.dialogTerminated, .callee): self = .calleeBye
        case (.dialogTerminated, .proxy): self = .proxyBye
        case (.dialogTerminated, .admin): self = .adminBye
        case (.timeoutSession, _): self = .sessionTimeout
        case (.timeoutLifetime, _): self = .lifetimeTimeout
        case (.timeoutNoAck, _): self = .noAck
        case (.timeoutPing, _): self = .pingTimeout
        case (.timeoutMedia, _): self = .mediaTimeout
        case (.ledgerExpired, _): self = .unterminated
        default: return nil
        }
    }
}
