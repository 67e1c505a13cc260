internal import Events
internal import Projections

/// Rows of what a projector knows besides records: statistics, sources, gaps, position.
extension RowBatch {
    mutating func insert(policy: String, _ entry: PolicyHistory.Entry, at position: Position) {
        integer(Int64(position.rawValue))
        integer(entry.time.rawValue)
        integer(entry.epoch.rawValue)
        integer(entry.seq.rawValue)
        word(policy)
        end(.insertPolicy)
    }

    mutating func append(_ changes: StatisticsChanges, sources: SourceRegistry) {
        for (hour, statistics) in changes.byHour {
            integer(hour)
            append(statistics, .addByHour)
        }
        for (source, statistics) in changes.bySource(sources).sorted(by: { $0.key < $1.key }) {
            word(source.description)
            append(statistics, .addBySource)
        }
        for (userAgent, statistics) in changes.byUserAgent {
            append(userAgent)
            append(statistics, .addByUserAgent)
        }
    }

    private mutating func append(_ statistics: TimerStatistics, _ operation: Operation) {
        for counter in TimerStatistics.Counter.allCases { integer(statistics[counter]) }
        end(operation)
    }

    mutating func append(_ sums: FindingSums) {
        for userAgent in sums.userAgents {
            // A row without a code counts the calls with any.
            append(userAgent.name)
            word("")
            word("")
            integer(0)
            integer(userAgent.calls)
            end(.addFindings)
            for code in FindingCode.allCases {
                let sum = userAgent.sum(code)
                if sum.findings == 0 { continue }
                append(userAgent.name)
                word(code.rawValue)
                word(code.severity.name)
                integer(sum.findings)
                integer(sum.calls)
                end(.addFindings)
            }
        }
    }

    /// - Parameter sourceEpochs: how many of the registry's entries the read model has already; is brought up
    ///   to date.
    mutating func append(
        _ completeness: inout Completeness, sources: SourceRegistry, sourceEpochs: inout Int
    ) {
        let changes = completeness.takeChanges()
        for number in changes.accounts {
            append(completeness.accounts[Int(number)], of: sources.entries[Int(number)])
        }
        for gap in changes.gaps {
            append(gap, missing: completeness.missing(of: gap, sources.index(of: gap.sourceEpoch)))
        }
        while sourceEpochs < sources.entries.count {
            let entry = sources.entries[sourceEpochs]
            integer(Int64(sourceEpochs))
            word(entry.source.description)
            integer(entry.epoch.rawValue)
            end(.insertSourceEpoch)
            sourceEpochs += 1
        }
    }

    private mutating func append(_ account: Completeness.Account, of source: SourceEpoch) {
        word(source.source.description)
        integer(source.epoch.rawValue)
        integer(account.events)
        integer(account.rejected)
        integer(account.came.first ?? 0)
        integer(account.came.last ?? 0)
        time(account.firstAt)
        time(account.lastAt)
        time(account.lastHeartbeatAt)
        integer(orNull: account.active)
        time(account.stoppedAt)
        append(RunList.text(account.came))
        end(.setSource)
    }

    private mutating func append(_ gap: Gap, missing: UInt64) {
        integer(Int64(gap.position.rawValue))
        word(gap.sourceEpoch.source.description)
        integer(gap.sourceEpoch.epoch.rawValue)
        integer(gap.numbers.lowerBound)
        integer(gap.numbers.upperBound)
        time(gap.after)
        time(gap.before)
        integer(gap.time.rawValue)
        integer(Int64(clamping: missing))
        end(.setGap)
    }

    mutating func set(_ name: String, _ value: Int64) {
        word(name)
        integer(value)
        end(.setMeta)
    }
}
