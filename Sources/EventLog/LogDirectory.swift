package import Events

/// How a log is opened.
package struct LogOptions: Sendable {
    /// The size of new segments.
    package var segmentBytes = LogLimits.segmentBytesDefault
    /// Draws the log's identity when it is made.
    package var makeID: @Sendable () -> LogID = LogID.random
    /// Names in the data directory beside `log` that don't make it a foreign one.
    package var neighbours: Set<String> = []

    package init() {}
}

/// Whether the log can take more.
package enum LogIntake: Hashable, Sendable {
    case open
    /// No space for the next segment: grant no credit until it is open again.
    case closed(LogError)
}

/// A log in its directory, `<data>/log`.
///
/// Opened for writing it is locked against other processes, and what a crash left torn is repaired. Opened for
/// reading only it takes no lock and repairs nothing, also while a service is writing.
package final class LogDirectory: Sendable {
    /// The log's identity.
    package let id: LogID
    /// How far it is on disk.
    package let durable: DurablePosition
    package let path: String

    init(id: LogID, durable: DurablePosition, path: String) {
        self.id = id
        self.durable = durable
        self.path = path
    }

    /// Opens the log of a data directory for writing, or makes one.
    package static func open(
        _ data: String, options: LogOptions = LogOptions()
    ) throws(LogError) -> LogDirectory { preconditionFailure("not there yet") }

    /// Opens the log of a data directory for reading; a service may be writing it.
    package static func openReadOnly(_ data: String) throws(LogError) -> LogDirectory {
        preconditionFailure("not there yet")
    }

    /// The writer; there is one.
    package var writer: LogWriter { preconditionFailure("not there yet") }
    /// Where the first group begins: the end of the log as it was opened.
    package var tail: LogTail { preconditionFailure("not there yet") }
    /// What the log has of every source, as of opening.
    package var sources: SourceTable { preconditionFailure("not there yet") }
    /// Whether there is space for the next segment.
    package var intake: LogIntake { preconditionFailure("not there yet") }

    package func makeGroup(capacity: Int = LogLimits.groupBytesMax) -> FrameGroup {
        preconditionFailure("not there yet")
    }
    /// - Parameter position: any from `Position.first` to `durable.next`.
    package func reader(from position: Position) throws(LogError) -> LogReader {
        preconditionFailure("not there yet")
    }
    package func fetcher() -> EventFetcher { preconditionFailure("not there yet") }
    package func finder() -> IdentityFinder { preconditionFailure("not there yet") }

    /// Blocks until an event at `position` is durable or the time is over; in a log that is open for reading only,
    /// by looking at the files.
    ///
    /// - Returns: the position that the next durable event will have.
    @discardableResult
    package func wait(for position: Position, atMost limit: Duration) throws(LogError) -> Position {
        preconditionFailure("not there yet")
    }

    /// Prepares the next segment and writes the summaries of sealed ones, on a thread of its own, until `close`.
    package func startMaintenance() { preconditionFailure("not there yet") }
    /// One round of that, on the calling thread.
    package func maintain() throws(LogError) { preconditionFailure("not there yet") }

    /// Ends maintenance, wakes followers, and gives up the lock.
    package func close() throws(LogError) { preconditionFailure("not there yet") }
}
