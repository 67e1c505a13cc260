package import Events

/// Reads frames in order, from any position up to what is durable. It checks every checksum.
///
/// One thread uses a reader; any number of readers may be at work while the log is written.
package struct LogReader: ~Copyable {
    /// The position of the next event that `next()` will give.
    package private(set) var position: Position

    /// The next frame; null where everything durable was read. Call again when there is more: wait with
    /// `LogDirectory.wait(for:atMost:)`.
    ///
    /// The first frame may begin before the position that was asked for: `header.position` says where it does.
    package mutating func next() throws(LogError) -> LogFrame? {
        preconditionFailure("not there yet")
    }
}
