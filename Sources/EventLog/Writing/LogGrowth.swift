/// How fast the log grows.
struct LogGrowth {
    private var measured: (at: ContinuousClock.Instant, bytes: Int)
    private var bytesPerSecond = 0

    /// - Parameter bytes: how long the log is.
    init(_ bytes: Int, at time: ContinuousClock.Instant = .now) {
        measured = (time, bytes)
    }

    /// Bytes a second since the last time that it was measured, which is some time ago: what comes in one
    /// moment says little.
    mutating func now(_ bytes: Int, at time: ContinuousClock.Instant = .now) -> Int {
        let past = time - measured.at
        guard past >= .milliseconds(LogLimits.growthWatchMilliseconds) else { return bytesPerSecond }
        bytesPerSecond = Self.bytesPerSecond(bytes - measured.bytes, in: past)
        measured = (time, bytes)
        return bytesPerSecond
    }

    static func bytesPerSecond(_ bytes: Int, in time: Duration) -> Int {
        Int(Double(bytes) / max(time / .seconds(1), 1e-6))
    }
}
