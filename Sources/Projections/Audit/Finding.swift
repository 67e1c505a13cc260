package import Events

/// How grave a finding is.
public enum Severity: UInt8, Sendable, CaseIterable, Comparable {
    case info, warning, error

    public var name: String {
        switch self {
        case .info: "info"
        case .warning: "warning"
        case .error: "error"
        }
    }

    public static func < (left: Severity, right: Severity) -> Bool { left.rawValue < right.rawValue }
}

/// What can be found, by the sections of RFC 4028 that `schemas/audit.md` names beside each.
package enum FindingCode: String, Sendable, CaseIterable {
    case intervalBelowMinimum = "interval_below_minimum"
    case minSEBelowMinimum = "min_se_below_minimum"
    case intervalBelowMinSE = "interval_below_min_se"
    case answerRaisesInterval = "answer_raises_interval"
    case answerBelowMinSE = "answer_below_min_se"
    case refresherMissing = "refresher_missing"
    case refresherOverridden = "refresher_overridden"
    case requireTimerMissing = "require_timer_missing"
    case rejectionWithoutMinSE = "rejection_without_min_se"
    case retryIgnoresMinSE = "retry_ignores_min_se"
    case rejectionLoop = "rejection_loop"
    case proxyRaisedInterval = "proxy_raised_interval"
    case proxyUndercutMinSE = "proxy_undercut_min_se"
    case proxyChangedMinSE = "proxy_changed_min_se"
    case proxyChangedRefresher = "proxy_changed_refresher"
    case refreshLate = "refresh_late"
    case refreshCritical = "refresh_critical"
    case refreshOverdue = "refresh_overdue"
    case refresherSwitched = "refresher_switched"
    case refreshFailedSessionKept = "refresh_failed_session_kept"
    case sessionExpired = "session_expired"
    case hungCall = "hung_call"
    case proxyCutSession = "proxy_cut_session"
    case proxySentBye = "proxy_sent_bye"
    case heldPastExpiry = "held_past_expiry"
    case noSessionTimer = "no_session_timer"
    case answeredWithoutAck = "answered_without_ack"
    case clockSkew = "clock_skew"
    case incompleteEvidence = "incomplete_evidence"

    package var severity: Severity {
        switch self {
        case .requireTimerMissing, .refreshLate, .proxySentBye, .heldPastExpiry, .answeredWithoutAck,
            .clockSkew,
            .incompleteEvidence:
            .warning
        case .refresherSwitched, .noSessionTimer: .info
        default: .error
        }
    }
}

/// A judgement on a call, with the log positions of its evidence.
package struct Finding: Sendable {
    package let code: FindingCode
    /// The leg's or the event's; null where there is none.
    package let toTag: TextSlice?
    /// Time of the last of the events cited, in canonical order.
    package let at: Timestamp
    /// Sorted.
    package let positions: [Position]
    /// The values that were compared, as JSON text.
    package let detail: [UInt8]
}

/// Writes a finding's `detail`: an object of numbers and words.
struct Detail {
    private(set) var text: [UInt8] = [UInt8(ascii: "{")]

    init(_ numbers: KeyValuePairs<String, Int64?> = [:]) {
        for (name, value) in numbers {
            number(name, value)
        }
    }

    mutating func number(_ name: String, _ value: Int64?) {
        key(name)
        text.append(contentsOf: (value.map(String.init) ?? "null").utf8)
    }

    mutating func word(_ name: String, _ value: String?) {
        key(name)
        if let value {
            JSONText.appendQuoted(value.utf8, to: &text)
        } else {
            text.append(contentsOf: "null".utf8)
        }
    }

    mutating func object(_ name: String, _ inner: Detail) {
        key(name)
        text.append(contentsOf: inner.finished)
    }

    func with(_ name: String, word value: String?) -> Detail {
        var copy = self
        copy.word(name, value)
        return copy
    }

    var finished: [UInt8] { text + [UInt8(ascii: "}")] }

    private mutating func key(_ name: String) {
        if text.count > 1 { text.append(UInt8(ascii: ",")) }
        JSONText.appendQuoted(name.utf8, to: &text)
        text.append(UInt8(ascii: ":"))
    }
}
