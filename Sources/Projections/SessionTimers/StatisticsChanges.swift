package import Events

/// By how much each bucket of the statistics has changed.
package struct StatisticsChanges: Sendable {
    package private(set) var byHour: [Int64: TimerStatistics] = [:]
    package private(set) var bySource: [SourceName: TimerStatistics] = [:]
    package private(set) var byUserAgent: [[UInt8]: TimerStatistics] = [:]

    package init() {}

    package mutating func add(_ share: StatisticsShare) {
        byHour[share.hour, default: TimerStatistics()].add(share.statistics)
        bySource[share.source, default: TimerStatistics()].add(share.statistics)
        byUserAgent[share.userAgent, default: TimerStatistics()].add(share.statistics)
    }

    package mutating func remove(_ share: StatisticsShare) {
        byHour[share.hour, default: TimerStatistics()].subtract(share.statistics)
        bySource[share.source, default: TimerStatistics()].subtract(share.statistics)
        byUserAgent[share.userAgent, default: TimerStatistics()].subtract(share.statistics)
    }
}

extension StatisticsChanges {
    /// Adds what others have changed.
    package mutating func merge(_ other: StatisticsChanges) {
        for (hour, statistics) in other.byHour { byHour[hour, default: TimerStatistics()].add(statistics) }
        for (source, statistics) in other.bySource {
            bySource[source, default: TimerStatistics()].add(statistics)
        }
        for (userAgent, statistics) in other.byUserAgent {
            byUserAgent[userAgent, default: TimerStatistics()].add(statistics)
        }
    }
}
