/// A point in time, in microseconds since 1970-01-01T00:00:00Z.
public struct Timestamp: RawRepresentable, Hashable, Comparable, Sendable {
    public let rawValue: Int64

    @inlinable
    public init(rawValue: Int64) {
        self.rawValue = rawValue
    }

    @inlinable
    public static func < (left: Timestamp, right: Timestamp) -> Bool {
        left.rawValue < right.rawValue
    }

    /// The last microsecond of the year 9999, the greatest time that an event may bear.
    public static let last = Timestamp(rawValue: 253_402_300_799_999_999)

    /// Microseconds from `earlier` to this time; negative where it lies before.
    @inlinable
    public func microseconds(since earlier: Timestamp) -> Int64 {
        rawValue - earlier.rawValue
    }

    /// The time `microseconds` later.
    @inlinable
    public func advanced(by microseconds: Int64) -> Timestamp {
        Timestamp(rawValue: rawValue + microseconds)
    }
}
