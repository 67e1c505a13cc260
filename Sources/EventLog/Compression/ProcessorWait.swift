internal import Glibc

/// What a thread got of the processors, and what it had to wait for them, as the scheduler counts it.
///
/// For the thread that makes it only.
@safe
struct ProcessorWait: ~Copyable {
    // Safety: this object's own; -1 where the system doesn't count.
    private let descriptor: Int32
    private var before = Times()

    /// In nanoseconds.
    struct Times: Equatable {
        var ran: UInt64 = 0
        /// Ready to run, while others ran.
        var waited: UInt64 = 0
    }

    init() {
        // Safety: the path is lent for the length of the call.
        descriptor = unsafe open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC)
        before = read() ?? Times()
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// Times since the last call, or else since this was made; null where the system doesn't count them (a
    /// kernel without `CONFIG_SCHED_INFO`).
    mutating func next() -> Times? {
        guard let now = read() else { return nil }
        defer { before = now }
        return Times(ran: now.ran &- before.ran, waited: now.waited &- before.waited)
    }

    /// See "schedstats" in the kernel's documentation: time run, time waited, number of slices.
    private func read() -> Times? {
        guard descriptor >= 0 else { return nil }
        let text = unsafe [UInt8](unsafeUninitializedCapacity: 96) { buffer, count in
            // Safety: writes no more than there is room for.
            count = unsafe max(0, pread(descriptor, buffer.baseAddress, buffer.count, 0))
        }
        let words = text.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }
        guard words.count >= 2, let ran = Self.number(words[0]), let waited = Self.number(words[1]) else {
            return nil
        }
        return Times(ran: ran, waited: waited)
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> UInt64? {
        UInt64(String(decoding: digits, as: UTF8.self))
    }
}

/// How long the thread that compresses leaves the processors alone.
///
/// Even one that everybody else goes before takes something from them: it has emptied their caches, and ends
/// late where they are woken. So where it gets less than half of the time that it could use, it works a few
/// milliseconds now and then, and does the rest when the others have less to do, but only as long as few
/// segments wait.
struct CompressionPause {
    private var seen = ProcessorWait.Times()
    /// Nanoseconds that it has run since the last pause.
    private var worked: UInt64 = 0
    private var milliseconds = 0

    /// To be asked after each piece of work.
    ///
    /// - Parameters:
    ///   - times: of the thread, since it was asked last.
    ///   - segments: how many are waiting, with that in work.
    /// - Returns: milliseconds; 0 to go on.
    mutating func after(_ times: ProcessorWait.Times?, segments: Int) -> Int {
        guard let times, segments <= LogLimits.compressionDelayedMax else { return 0 }
        seen.ran += times.ran
        seen.waited += times.waited
        worked += times.ran
        // A single slice of somebody else's says little.
        if seen.ran + seen.waited >= LogLimits.contentionWatchNanoseconds {
            let isContended = seen.waited > seen.ran
            seen = ProcessorWait.Times()
            let longer = max(2 * milliseconds, LogLimits.growthWatchMilliseconds)
            milliseconds = isContended ? min(longer, LogLimits.compressionPauseMilliseconds) : 0
        }
        guard worked >= LogLimits.compressionWorkNanoseconds else { return 0 }
        worked = 0
        return milliseconds
    }
}
