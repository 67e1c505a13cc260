package import Events

/// By how much each bucket of the statistics has changed.
package struct StatisticsChanges: Sendable {
    private var hours: [Int64: Int] = [:]
    private var hourSums: [(hour: Int64, sum: TimerStatistics)] = []
    private var lastHour = 0
    /// By the number of the source's epoch.
    private var sourceSums: [TimerStatistics?] = []
    /// One that is known to have a sum.
    private var lastSource: UInt32?
    private var userAgents = NamePlaces()
    private var userAgentSums: [(name: [UInt8], sum: TimerStatistics)] = []

    package init() {}

    package var isEmpty: Bool { hourSums.isEmpty }
    package var byHour: [(hour: Int64, sum: TimerStatistics)] { hourSums }
    package var byUserAgent: [(name: [UInt8], sum: TimerStatistics)] { userAgentSums }

    /// One sum a source, its epochs added up.
    package func bySource(_ sources: SourceRegistry) -> [SourceName: TimerStatistics] {
        var sums: [SourceName: TimerStatistics] = [:]
        for (number, sum) in sourceSums.enumerated() {
            guard let sum else { continue }
            sums[sources.source(UInt32(number)), default: TimerStatistics()].add(sum)
        }
        return sums
    }

    package mutating func add(_ share: StatisticsShare, userAgent: ArraySlice<UInt8>) {
        hourSums[place(ofHour: share.hour)].sum.add(share.statistics)
        growSources(to: share.source)
        sourceSums[Int(share.source)]?.add(share.statistics)
        userAgentSums[place(ofUserAgent: userAgent)].sum.add(share.statistics)
    }

    package mutating func remove(_ share: StatisticsShare, userAgent: ArraySlice<UInt8>) {
        hourSums[place(ofHour: share.hour)].sum.subtract(share.statistics)
        growSources(to: share.source)
        sourceSums[Int(share.source)]?.subtract(share.statistics)
        userAgentSums[place(ofUserAgent: userAgent)].sum.subtract(share.statistics)
    }

    /// Adds what others have changed.
    package mutating func merge(_ other: StatisticsChanges) {
        for entry in other.hourSums { hourSums[place(ofHour: entry.hour)].sum.add(entry.sum) }
        for (number, sum) in other.sourceSums.enumerated() {
            guard let sum else { continue }
            growSources(to: UInt32(number))
            sourceSums[number]?.add(sum)
        }
        for entry in other.userAgentSums {
            userAgentSums[place(ofUserAgent: entry.name[...])].sum.add(entry.sum)
        }
    }

    private mutating func place(ofHour hour: Int64) -> Int {
        if lastHour < hourSums.count, hourSums[lastHour].hour == hour { return lastHour }
        if let known = hours[hour] {
            lastHour = known
            return known
        }
        hours[hour] = hourSums.count
        hourSums.append((hour, TimerStatistics()))
        lastHour = hourSums.count - 1
        return lastHour
    }

    private mutating func growSources(to number: UInt32) {
        if number == lastSource { return }
        lastSource = number
        while sourceSums.count <= Int(number) { sourceSums.append(nil) }
        if sourceSums[Int(number)] == nil { sourceSums[Int(number)] = TimerStatistics() }
    }

    private mutating func place(ofUserAgent name: ArraySlice<UInt8>) -> Int {
        let place = userAgents.index(of: name) { name.isSame(as: userAgentSums[$0].name) }
        if place == userAgentSums.count { userAgentSums.append((Array(name), TimerStatistics())) }
        return place
    }
}
