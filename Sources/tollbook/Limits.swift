/// Every maximum and every interval of the command line and the service, in one place.
enum CommandLimits {
    /// Bytes that are gathered before they are written.
    static let outputBytesMax = 256 * 1024
    /// Rows of a table that are held back to find out how wide its columns are.
    static let tableRowsMeasured = 2_000
    /// Cells in a row of a table that goes elsewhere than to a terminal, unless `COLUMNS` says another
    /// number.
    static let columnsElsewhere = 118
    /// Findings that a table lists, unless it is told how many: nobody reads more, and a terminal scrolls.
    static let findingsListedMax = 10_000
    /// Revisions that are held back to fetch their events in the order of the log: a log that is compressed
    /// is unpacked once for so many.
    static let revisionsHeldMax = 32_768
    /// Log positions that are told to people one by one.
    static let positionsShownMax = 12
    /// How often a progress bar is drawn anew, and how often a plain line is written where there is no
    /// terminal.
    static let progressBarMilliseconds = 100
    static let progressLineMilliseconds = 5_000
    /// What is over sooner shows no progress.
    static let progressDelayMilliseconds = 700
    /// How far a read model that somebody else keeps may be behind before an answer says so, in events.
    static let behindUnmentionedMax: UInt64 = 10_000
    /// Differences of a table that a comparison tells one by one.
    static let differencesShownMax = 20
    /// Bytes of a policy's or a configuration's file.
    static let configurationBytesMax = 1 << 20
}

/// Every maximum and every interval of the service.
enum ServiceLimits {
    /// Events that the read model may be behind before intake leaves it more of the processors: two of the
    /// smallest rounds, which are under way while it keeps up.
    static let projectionLagCurrentMax = UInt64(2 * roundEventsMin)
    /// Events that the read model may be behind before sources are granted no more credit.
    static let projectionLagMax: UInt64 = 4_000_000
    /// How long the projector waits for the log before it looks at the clock again.
    static let projectorWaitMilliseconds = 200
    /// How often the watchdog looks, which is also how often it may say `ledger.tick`.
    static let watchIntervalMicroseconds: Int64 = 1_000_000
    /// Presumptions that are appended at a time.
    static let presumptionsMax = 1_024
    /// Events that the projector takes in before it looks whether it is to stop, and that are committed
    /// together: few while it keeps up, so that readers see them soon; many where it has fallen behind, for
    /// what begins and ends within a round costs less; but no more than what two cores take in half a second,
    /// since nobody sees any of a round before it is whole.
    static let roundEventsMin = 32_768
    static let roundEventsMax = 131_072
    /// How far the read model has to be behind for the service's log to say so: most of a second of all that
    /// two cores take.
    static let behindToldMin: UInt64 = 262_144
    /// How long the projector waits where the read model can't be written, before it tries again.
    static let retrySeconds = 2
    /// How often it says so while that goes on.
    static let refusalSeconds = 60
    /// How long the projector goes on at the end with what it has not taken in yet.
    static let restSeconds = 3
    /// How long services may take to end before the process ends without them.
    static let shutdownSeconds = 20
}
