/// The greatest sizes of what the projections keep.
package enum Limits {
    /// How many ended calls stay in memory for the events that follow close behind; any other is fetched from
    /// the log when a late event asks for it.
    package static let settledCallsInMemoryMax = 20_000
}
