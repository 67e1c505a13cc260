package import Events
internal import Synchronization

/// The only one that writes: takes a laid group, writes it, syncs it, says so.
///
/// One thread calls `commit`. What fails, fails for good: the operating system may have dropped what it could not
/// write, so a second sync that succeeds would prove nothing. The process stops, starts anew and recovers.
package final class LogWriter: Sendable {
    /// Makes a group durable: one write, one `fdatasync`.
    ///
    /// - Returns: the position behind the last durable event; every event before it is on disk.
    /// - Throws: `noSpace` where a new segment is due and there is no space for it: nothing was written, the log is
    ///   as it was, and the same group may be committed again later. Anything else poisons the log.
    @discardableResult
    package func commit(_ group: FrameGroup) throws(LogError) -> Position {
        preconditionFailure("not there yet")
    }
}
