/// Every queue and buffer of the traffic generator has its greatest size here.
package enum TrafficLimits {
    /// Calls open at once; a call that would be one more is not begun, and is counted in
    /// `Traffic.callsTurnedAway`.
    package static let openCallsMax = 16_000_000
    /// Sources; a call keeps the index of its source in 16 bits.
    package static let sourcesMax = 4_096
    /// Events in one batch.
    package static let batchEventsMax = 65_536
    /// Room made before an event is written; the longest event of `Statement` takes about 1,100 bytes.
    package static let eventBytesReserved = 2_048
    /// Memory of a new `EventBytes`.
    package static let bufferBytesAtStart = 64 * 1_024
    /// A file is written in pieces of about this size.
    package static let fileWriteBytes = 1_024 * 1_024
    /// The text of an invalid line that is too long: one byte more than an event may have.
    package static let eventBytesTooMany = 65_537
}
