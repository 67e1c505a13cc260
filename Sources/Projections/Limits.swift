/// The greatest sizes of what the projections keep.
package enum Limits {
    /// How many ended calls stay in memory for the events that follow close behind; any other is fetched from
    /// the log when a late event asks for it.
    package static let settledCallsInMemoryMax = 20_000
    /// Text of rows that is gathered before it is handed over, in bytes.
    package static let rowTextBytes = 1 << 20
    /// Ended calls that are let go at a time where all are to go.
    static let callsLetGo = 256
}
