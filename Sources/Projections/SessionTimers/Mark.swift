package import Events

/// A point at which a leg's session timer was set or taken off (RFC 4028 sections 7.2, 9 and 10).
package struct Mark: Sendable {
    /// The fact that makes it, an index into the fold's.
    package let fact: Int
    package let time: Timestamp
    /// Seconds; 0 where the timer is off from here.
    package let interval: Int64
    /// Who is to refresh: caller or callee; null where nobody is named or the timer is off.
    package let refresher: Side?

    init(_ fact: Fact, at index: Int) {
        self.fact = index
        time = fact.time
        interval = fact.effectiveInterval
        refresher = interval > 0 ? fact.refreshingSide : nil
    }

    package var expiry: Timestamp {
        time.advanced(by: interval * Settings.microsecondsPerSecond)
    }
}

extension Fact {
    /// The side that the refresher parameter names: it is relative to its own transaction (RFC 4028 section
    /// 7.4).
    package var refreshingSide: Side? {
        guard let refresher = effectiveRefresher else { return nil }
        let sender: Side? = type == .dialogConfirmed ? .caller : by
        switch (sender, refresher) {
        case (.caller, .uac), (.callee, .uas): return .caller
        case (.caller, .uas), (.callee, .uac): return .callee
        default: return nil
        }
    }
}

/// How an interval went: from a mark to the next, or to what came of it.
package enum Verdict: UInt8, Sendable, CaseIterable {
    case onTime, late, critical, overdue, expired, ended, running

    package var name: String {
        switch self {
        case .onTime: "on_time"
        case .late: "late"
        case .critical: "critical"
        case .overdue: "overdue"
        case .expired: "expired"
        case .ended: "ended"
        case .running: "running"
        }
    }

    /// What a refresh `gap` microseconds after a mark of `interval` seconds is called, in whole numbers
    /// throughout: halves and thirds of an interval are compared multiplied out.
    init(gap: Int64, interval: Int64, settings: Settings) {
        let interval = interval * Settings.microsecondsPerSecond
        let reserve = 32 * Settings.microsecondsPerSecond
        let isLate = interval >= 3 * reserve ? gap <= interval - reserve : 3 * gap <= 2 * interval
        if gap > interval {
            self = .overdue
        } else if 2 * gap <= interval + 2 * settings.toleranceSeconds * Settings.microsecondsPerSecond {
            self = .onTime
        } else {
            self = isLate ? .late : .critical
        }
    }
}

extension CallFold {
    /// The verdict on the interval that a mark opens; null where the mark sets no timer.
    package func verdict(onMark index: Int, of leg: Leg, asOf: Timestamp) -> Verdict? {
        let mark = marks[index]
        guard mark.interval > 0 else { return nil }
        if index + 1 < leg.marks.upperBound {
            let gap = marks[index + 1].time.microseconds(since: mark.time)
            return Verdict(gap: gap, interval: mark.interval, settings: settings)
        }
        if (leg.endedAt ?? asOf) >= mark.expiry { return .expired }
        return leg.end == nil ? .running : .ended
    }

    /// Whether a leg hung: nobody ended it who could know, or it is open past its deadline.
    package func isHung(_ leg: Leg, asOf: Timestamp) -> Bool {
        guard let end = leg.end else { return asOf >= deadline(of: leg) }
        switch facts[end].type {
        case .timeoutPing, .ledgerExpired: return true
        case .timeoutSession, .timeoutLifetime: return !wasCut(leg)
        default: return false
        }
    }

    /// Whether the proxy ended a leg more than a second before its session could expire.
    package func wasCut(_ leg: Leg) -> Bool {
        guard let end = leg.end, let expiry = expiry(of: leg) else { return false }
        switch facts[end].type {
        case .timeoutSession, .timeoutLifetime:
            return facts[end].time.advanced(by: Settings.microsecondsPerSecond) < expiry
        default: return false
        }
    }

    /// Microseconds that a leg outlived its session; 0 without a running timer.
    package func overrun(of leg: Leg, asOf: Timestamp) -> Int64 {
        guard let expiry = expiry(of: leg) else { return 0 }
        return max((leg.endedAt ?? asOf).microseconds(since: expiry), 0)
    }

    /// Microseconds from the last proof of life to the end.
    package func unproven(of leg: Leg, asOf: Timestamp) -> Int64 {
        max((leg.endedAt ?? asOf).microseconds(since: leg.lastProofAt), 0)
    }
}
