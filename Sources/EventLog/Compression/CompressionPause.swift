/// How long the thread that compresses leaves the processors alone.
///
/// Even one that everybody else goes before takes something from them: it has emptied their caches, and ends
/// late where they are woken. So where it gets less than half of the time that it could use, it works a few
/// milliseconds now and then, and does the rest when the others have less to do, but only as long as few
/// segments wait.
struct CompressionPause {
    /// How many segments may wait.
    let segmentsMax: Int
    private let range: ClosedRange<Int>
    private var seen = ProcessorWait.Times()
    /// Nanoseconds that it has run since the last pause.
    private var worked: UInt64 = 0
    private var milliseconds = 0

    /// - Parameters:
    ///   - segmentBytes: the size of a segment.
    ///   - range: how long the first pause is, and how long pauses become.
    init(segmentBytes: Int, milliseconds range: ClosedRange<Int>) {
        self.range = range
        segmentsMax = min(
            LogLimits.segmentsDelayedMax, max(1, LogLimits.compressionDelayedBytesMax / segmentBytes))
    }

    /// To be asked after each piece of work.
    ///
    /// - Parameters:
    ///   - times: of the thread, since it was asked last.
    ///   - segments: how many are waiting, with that in work.
    /// - Returns: milliseconds; 0 to go on.
    mutating func after(_ times: ProcessorWait.Times?, segments: Int) -> Int {
        guard let times, segments <= segmentsMax else { return 0 }
        // The kernel's numbers, whatever they are: more than this says no more.
        let ran = min(times.ran, LogLimits.contentionWatchNanoseconds)
        seen.ran += ran
        seen.waited += min(times.waited, LogLimits.contentionWatchNanoseconds)
        worked += ran
        // A single slice of somebody else's says little.
        if seen.ran + seen.waited >= LogLimits.contentionWatchNanoseconds {
            let isContended = seen.waited > seen.ran
            seen = ProcessorWait.Times()
            milliseconds =
                isContended ? min(max(2 * milliseconds, range.lowerBound), range.upperBound) : 0
        }
        guard worked >= LogLimits.compressionWorkNanoseconds else { return 0 }
        worked = 0
        return milliseconds
    }
}
