package import Events
internal import Glibc
package import Logging

/// How the read model follows the log that intake writes.
package enum ReadModelProgress: Sendable {
    case current
    /// Behind by more than what is under way while it keeps up: it gets more of the processors.
    case behind
    /// So far that no more credit is granted.
    case farBehind
}

/// How intake is set up.
package struct IngestOptions: Sendable {
    /// Where sources that want acknowledgements connect (DEALER to our ROUTER).
    package var routerEndpoints = ["tcp://127.0.0.1:5599"]
    /// Where PUSH sockets connect.
    package var pullEndpoints: [String] = []
    /// Where PUB sockets connect.
    package var subscriberEndpoints: [String] = []
    /// How many events a source may have unacknowledged.
    package var creditEvents = Limits.creditEventsDefault
    /// How long numbers of an unacknowledged epoch may be missing before a `ledger.gap` is written.
    package var gapMicroseconds = Limits.gapMicrosecondsDefault
    /// Bytes of a group of frames, hence of one write.
    package var groupBytes = Limits.groupBytesMax
    /// The ledger's clock.
    package var clock: @Sendable () -> Timestamp = { IngestOptions.wallClock() }
    /// How the read model follows. Asked some thousand times a second from the receiving thread; must not
    /// wait.
    package var readModelProgress: @Sendable () -> ReadModelProgress = { .current }
    /// Called once, from the receiving thread, where intake has failed and takes nothing any more: the
    /// process has to stop and to be started again.
    package var onFailure: @Sendable (IngestError) -> Void = { _ in }
    package var logger = Logger(label: "tollbook.ingest")

    package init() {}

    /// Microseconds since 1970, as the machine has them.
    package static func wallClock() -> Timestamp {
        var time = timespec()
        // Safety: writes the one struct that it is given.
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(rawValue: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000)
    }
}
