/// How a log is opened.
package struct LogOptions: Sendable {
    /// The size of new segments, in bytes; a multiple of 4096.
    package var segmentBytes = LogLimits.segmentBytesDefault
    /// How sealed segments are compressed; null leaves them plain. Those that are compressed already are read
    /// either way.
    package var compression: CompressionOptions? = CompressionOptions()
    /// Is told, on threads of the log's own, what it does by itself and what goes wrong with that.
    package var notify: @Sendable (LogNotice) -> Void = { _ in }
    /// Draws the log's identity when it is made.
    package var makeID: @Sendable () -> LogID = LogID.random
    /// Names in the data directory beside `log` that don't make it a foreign one, in which no log is made.
    package var neighbours: Set<String> = ["lost+found"]

    /// What the scheduler is to say of the thread that compresses, where that isn't asked.
    var processorTimes: (@Sendable () -> ProcessorWait.Times?)?
    /// How long compression pauses where others want the processors.
    var compressionPauseMilliseconds =
        LogLimits.compressionPauseMillisecondsMin...LogLimits.compressionPauseMillisecondsMax

    package init() {}

    func check() throws(LogError) {
        try compression?.check()
        let range = LogLimits.segmentBytesMin...LogLimits.segmentBytesMax
        guard range.contains(segmentBytes), segmentBytes.isMultiple(of: LogLimits.pageBytes) else {
            throw LogError(
                .invalidOption, path: "segment size",
                "\(segmentBytes) bytes are not a multiple of 4096 from \(range.lowerBound) to \(range.upperBound). "
                    + "Choose another size.")
        }
    }
}
