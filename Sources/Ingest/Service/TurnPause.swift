/// How far apart intake's looks at its sockets are, where it had found nothing more and waited.
///
/// Each look that finds something wakes the writer, libzmq's threads and the sources', and each of them takes
/// a processor from whoever keeps the read model. Where that is behind, no other is free: looks are some way
/// apart then, find more at a time, and wake everybody as much less often.
struct TurnPause {
    private let nanosecondsMin: UInt64
    private var looked: UInt64 = 0

    /// - Parameter nanosecondsMin: from one look to the next, while the read model is behind.
    init(nanosecondsMin: UInt64) {
        self.nanosecondsMin = nanosecondsMin
    }

    /// To be asked when something has come: what comes after a while of silence is looked at without delay.
    ///
    /// - Parameter now: nanoseconds of a clock that never goes back.
    /// - Returns: nanoseconds to wait before it is looked at.
    mutating func next(at now: UInt64, _ progress: ReadModelProgress) -> UInt64 {
        let due = looked + nanosecondsMin
        let pause = progress == .current || now >= due ? 0 : due - now
        looked = now + pause
        return pause
    }
}
