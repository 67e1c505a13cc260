/// A set of sequence numbers as runs without holes: small where it is dense, and fast in whatever order they come.
///
/// Runs lie in blocks of limited size, so that adding a number in the middle moves little, however many there are.
package struct SequenceSet: Hashable, Sendable {
    /// Numbers without a hole, both ends included.
    package struct Run: Hashable, Sendable {
        package var first: Int64
        package var last: Int64
    }
    var blocks: [[Run]] = []
    /// How many numbers are in the set.
    package private(set) var count: UInt64 = 0

    package init() {}
    package var isEmpty: Bool { count == 0 }
    /// How many runs the set consists of.
    package var runCount: Int { blocks.reduce(0) { $0 + $1.count } }
}
