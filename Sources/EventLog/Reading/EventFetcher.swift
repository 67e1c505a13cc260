package import Events

/// Fetches single events by position. Keeps a few segments mapped and their sparse indexes; cheap for sorted lists,
/// since neighbours share a frame that is checked once.
///
/// One thread uses a fetcher.
package struct EventFetcher: ~Copyable {
    /// - Throws: `outOfRange` where the position is not durable.
    package mutating func event(at position: Position) throws(LogError) -> LogEvent {
        preconditionFailure("not there yet")
    }
}
