package import Events

/// Which segment: its place in the row and the position of its first event.
///
/// Both stand in the file's name, so that a segment that is missing is noticed, and any position is found,
/// without opening a file.
package struct SegmentID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// 1, 2, 3 …
    package let ordinal: UInt32
    package let first: Position

    package init(ordinal: UInt32, first: Position) {
        self.ordinal = ordinal
        self.first = first
    }

    package static func < (left: SegmentID, right: SegmentID) -> Bool { left.ordinal < right.ordinal }

    /// The stem of the file names: ten digits, a hyphen, twenty digits.
    package var description: String {
        Self.padded(UInt64(ordinal), to: 10) + "-" + Self.padded(first.rawValue, to: 20)
    }

    private static func padded(_ number: UInt64, to width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: width - digits.count) + digits
    }
}
