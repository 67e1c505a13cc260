/// Where an event stands in the log: 1 for the first event, then one more each, without holes.
public struct Position: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    public let rawValue: UInt64

    @inlinable
    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// The position of a log's first event.
    public static let first = Position(rawValue: 1)

    public var description: String { String(rawValue) }

    /// The position `count` events further on.
    @inlinable
    public func advanced(by count: Int) -> Position {
        Position(rawValue: rawValue + UInt64(count))
    }

    @inlinable
    public static func < (left: Position, right: Position) -> Bool {
        left.rawValue < right.rawValue
    }
}
