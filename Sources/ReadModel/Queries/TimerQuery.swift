package import Events
internal import GRDB
internal import Projections

extension ReadModelSnapshot {
    /// What statistics are grouped by.
    package enum TimerBucket: String, CaseIterable, Sendable {
        case hour, source
        case userAgent = "user-agent"

        package var columnName: String { self == .userAgent ? "user_agent" : rawValue }
    }

    package static let timerColumns: [AnswerColumn] = [
        AnswerColumn("callid", .text), AnswerColumn("from_tag", .text), AnswerColumn("to_tag", .text),
        AnswerColumn("marks", .structure), AnswerColumn("expires_at", .time), AnswerColumn("hung", .flag),
        AnswerColumn("overrun_us", .duration), AnswerColumn("unproven_us", .duration),
    ]

    /// One row a leg, ended and open ones, in the order of (callid, from_tag, to_tag).
    package func timers(asOf: Timestamp? = nil, callID: String? = nil, _ body: (AnswerRow) throws -> Void)
        throws
    {
        var open = try openLegTimers(asOf: asOf ?? self.asOf, callID: callID)
        let condition = callID == nil ? "" : " AND callid = ?"
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT callid, from_tag, to_tag, marks, expires_at, hung, overrun_us, unproven_us
                FROM cdrs WHERE leg > 0\(condition) ORDER BY callid, from_tag, to_tag
                """, arguments: callID.map { [$0] } ?? [])
        // Both are sorted: hand them over as one.
        open.reverse()
        while let row = try rows.next() {
            let ended: AnswerRow = [
                AnswerValue(row.text(0)), AnswerValue(row.text(1)),
                AnswerValue(row.text(2)),
                .json(row[3]), AnswerValue(row[4] as Int64?), .flag((row[5] as Int64) != 0),
                AnswerValue(row[6] as Int64?), AnswerValue(row[7] as Int64?),
            ]
            while let first = open.last, AnswerOrder.precedes(first, ended, columns: 3) {
                try body(first)
                open.removeLast()
            }
            try body(ended)
        }
        for row in open.reversed() { try body(row) }
    }

    private func openLegTimers(asOf: Timestamp, callID: String?) throws -> [AnswerRow] {
        var rows: [AnswerRow] = []
        var timer = LegTimer()
        try forEachOpenCall(callID: callID) { fold in
            for leg in fold.legs where leg.end == nil {
                fold.fill(&timer, of: leg, asOf: asOf)
                rows.append([
                    AnswerValue(fold.string(fold.callID)), AnswerValue(fold.string(fold.fromTag)),
                    AnswerValue(fold.string(fold.toTag(leg))),
                    .json(String(decoding: timer.marks, as: UTF8.self)),
                    AnswerValue(timer.expiresAt?.rawValue), .flag(timer.isHung), .integer(timer.overrun),
                    .integer(timer.unproven),
                ])
            }
        }
        return rows.sorted { AnswerOrder.precedes($0, $1, columns: 3) }
    }

    package static func statisticsColumns(by bucket: TimerBucket) -> [AnswerColumn] {
        [AnswerColumn(bucket.columnName, bucket == .hour ? .time : .text)]
            + TimerStatistics.Counter.allCases.map {
                AnswerColumn($0.name, $0 == .overrun || $0 == .unproven ? .duration : .number)
            }
    }

    /// One row a bucket, in the order of the buckets: settled calls by their sums, open ones counted now.
    package func statistics(by bucket: TimerBucket, asOf: Timestamp? = nil) throws -> [AnswerRow] {
        let asOf = asOf ?? self.asOf
        var changes = StatisticsChanges()
        try forEachOpenCall { fold in
            changes.add(fold.statisticsShare(asOf: asOf), userAgent: fold.countedUserAgent)
        }
        var sums: [AnswerValue: [Int64]] = [:]
        func add(_ key: AnswerValue, _ statistics: TimerStatistics) {
            let counters = TimerStatistics.Counter.allCases.map { statistics[$0] }
            sums[key] = sums[key].map { zip($0, counters).map { $0 &+ $1 } } ?? counters
        }
        switch bucket {
        case .hour: for (hour, statistics) in changes.byHour { add(.integer(hour), statistics) }
        case .source:
            for (source, statistics) in changes.bySource(sources) {
                add(.text(source.description), statistics)
            }
        case .userAgent:
            for (userAgent, statistics) in changes.byUserAgent {
                add(.text(String(decoding: userAgent, as: UTF8.self)), statistics)
            }
        }
        let rows = try Row.fetchCursor(db, sql: "SELECT * FROM statistics_\(bucket.columnName)")
        while let row = try rows.next() {
            let key: AnswerValue = bucket == .hour ? .integer(row[0]) : AnswerValue(row.text(0))
            var statistics = TimerStatistics()
            for (index, counter) in TimerStatistics.Counter.allCases.enumerated() {
                statistics[counter] = row[index + 1]
            }
            add(key, statistics)
        }
        return sums.map { [$0.key] + $0.value.map { .integer($0) } }
            .sorted { AnswerOrder.precedes($0, $1, columns: 1) }
    }
}

/// The order of rows: numbers by value, texts by their UTF-8 bytes.
enum AnswerOrder {
    static func precedes(_ left: AnswerRow, _ right: AnswerRow, columns: Int) -> Bool {
        for index in 0..<columns where left[index] != right[index] {
            switch (left[index], right[index]) {
            case (.integer(let first), .integer(let second)): return first < second
            case (.text(let first), .text(let second)):
                if first.utf8.elementsEqual(second.utf8) { continue }
                return first.utf8.lexicographicallyPrecedes(second.utf8)
            default: continue
            }
        }
        return false
    }
}
