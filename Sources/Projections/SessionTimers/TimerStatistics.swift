package import Events

/// Session-timer statistics: counters that calls add to, and take from again when a late event changes them.
package struct TimerStatistics: Hashable, Sendable {
    package enum Counter: Int, CaseIterable, Sendable {
        case calls, answered, withTimer
        case refresherCaller, refresherCallee, refresherNone
        case onTime, late, critical, overdue, expired, ended, running
        case refreshesUpdate, refreshesInvite, refreshesFailed
        case intervalRejections
        case hung, overrun, unproven
        case intervalBelow90, interval90, interval180, interval600, interval1800, intervalAbove1800

        package var name: String {
            switch self {
            case .calls: "calls"
            case .answered: "answered"
            case .withTimer: "with_timer"
            case .refresherCaller: "refresher_caller"
            case .refresherCallee: "refresher_callee"
            case .refresherNone: "refresher_none"
            case .onTime: "on_time"
            case .late: "late"
            case .critical: "critical"
            case .overdue: "overdue"
            case .expired: "expired"
            case .ended: "ended"
            case .running: "running"
            case .refreshesUpdate: "refreshes_update"
            case .refreshesInvite: "refreshes_invite"
            case .refreshesFailed: "refreshes_failed"
            case .intervalRejections: "interval_rejections"
            case .hung: "hung"
            case .overrun: "overrun_us"
            case .unproven: "unproven_us"
            case .intervalBelow90: "interval_below_90"
            case .interval90: "interval_90"
            case .interval180: "interval_180"
            case .interval600: "interval_600"
            case .interval1800: "interval_1800"
            case .intervalAbove1800: "interval_above_1800"
            }
        }
    }

    private var counters = InlineCounters(repeating: 0)

    package init() {}

    package subscript(counter: Counter) -> Int64 {
        get { counters[counter.rawValue] }
        set { counters[counter.rawValue] = newValue }
    }

    // Sums of absurd spans wrap instead of trapping, so that what was added can be taken away again.
    package mutating func add(_ other: TimerStatistics) {
        let others = other.counters.span
        var sums = counters.mutableSpan
        for index in others.indices { sums[index] &+= others[index] }
    }

    package mutating func subtract(_ other: TimerStatistics) {
        let others = other.counters.span
        var sums = counters.mutableSpan
        for index in others.indices { sums[index] &-= others[index] }
    }

    package static func == (left: TimerStatistics, right: TimerStatistics) -> Bool {
        for index in left.counters.indices where left.counters[index] != right.counters[index] {
            return false
        }
        return true
    }

    package func hash(into hasher: inout Hasher) {
        for index in counters.indices { hasher.combine(counters[index]) }
    }
}

/// As many as `TimerStatistics.Counter` has cases.
private typealias InlineCounters = InlineArray<26, Int64>

/// What one call adds, and to which buckets; its user agent goes beside it.
package struct StatisticsShare: Hashable, Sendable {
    /// First microsecond of the hour in which the call started, UTC.
    package var hour: Int64 = 0
    /// Number of the source, in the epoch, that stated the call's earliest event.
    package var source: UInt32 = 0
    package var statistics = TimerStatistics()
}

extension CallFold {
    /// The user agent by which the call counts: that of its final attempt; empty where none is known.
    package var countedUserAgent: ArraySlice<UInt8> {
        guard let userAgent = userAgent(attempt: finalAttempt) else { return [] }
        return bytes[userAgent.range]
    }

    /// The call's share of the statistics.
    package func statisticsShare(asOf: Timestamp) -> StatisticsShare {
        var share = StatisticsShare()
        share.source = facts[0].sourceEpoch
        let hour: Int64 = 3600 * Settings.microsecondsPerSecond
        share.hour = startedAt.rawValue / hour * hour
        share.statistics[.calls] = 1
        if types.contains(.refreshFailed) || types.contains(.dialogFailed) {
            for index in facts.indices where !facts[index].isRepeat {
                if facts[index].type == .refreshFailed { share.statistics[.refreshesFailed] += 1 }
                if facts[index].isRejection { share.statistics[.intervalRejections] += 1 }
            }
        }
        for index in legs.indices {
            count(legs[index], asOf: asOf, in: &share.statistics)
        }
        return share
    }

    private func count(_ leg: Leg, asOf: Timestamp, in statistics: inout TimerStatistics) {
        statistics[.answered] += 1
        statistics[.refreshesUpdate] += Int64(leg.refreshesUpdate)
        statistics[.refreshesInvite] += Int64(leg.refreshesInvite)
        for index in leg.marks {
            if let verdict = verdict(onMark: index, of: leg, asOf: asOf) {
                statistics[Self.counter(verdict)] += 1
            }
        }
        if let first = firstTimer(of: leg), let last = leg.marks.last {
            statistics[.withTimer] += 1
            statistics[Self.counter(interval: marks[first].interval)] += 1
            switch marks[last].refresher {
            case .caller: statistics[.refresherCaller] += 1
            case .callee: statistics[.refresherCallee] += 1
            default: statistics[.refresherNone] += 1
            }
        }
        if isHung(leg, asOf: asOf) {
            statistics[.hung] += 1
            statistics[.overrun] &+= overrun(of: leg, asOf: asOf)
            statistics[.unproven] &+= unproven(of: leg, asOf: asOf)
        }
    }

    /// The first mark of a leg that sets a timer.
    func firstTimer(of leg: Leg) -> Int? {
        for index in leg.marks where marks[index].interval > 0 { return index }
        return nil
    }

    private static func counter(_ verdict: Verdict) -> TimerStatistics.Counter {
        switch verdict {
        case .onTime: .onTime
        case .late: .late
        case .critical: .critical
        case .overdue: .overdue
        case .expired: .expired
        case .ended: .ended
        case .running: .running
        }
    }

    private static func counter(interval: Int64) -> TimerStatistics.Counter {
        switch interval {
        case ..<90: .intervalBelow90
        case 90..<180: .interval90
        case 180..<600: .interval180
        case 600..<1800: .interval600
        case 1800: .interval1800
        default: .intervalAbove1800
        }
    }
}
