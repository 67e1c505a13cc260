/// One life of a source: 1 to 2^63-1, another one each time the source starts over.
public struct Epoch: RawRepresentable, Hashable, Comparable, Sendable {
    public let rawValue: Int64

    public init(rawValue: Int64) {
        self.rawValue = rawValue
    }

    public static func < (left: Epoch, right: Epoch) -> Bool { left.rawValue < right.rawValue }
}

/// The number of an event within an epoch of its source: 1, 2, 3 … without holes.
public struct SequenceNumber: RawRepresentable, Hashable, Comparable, Sendable {
    public let rawValue: Int64

    public init(rawValue: Int64) {
        self.rawValue = rawValue
    }

    public static func < (left: SequenceNumber, right: SequenceNumber) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// An epoch of a source: the space in which sequence numbers count.
public struct SourceEpoch: Hashable, Comparable, Sendable {
    public let source: SourceName
    public let epoch: Epoch

    public init(source: SourceName, epoch: Epoch) {
        self.source = source
        self.epoch = epoch
    }

    public static func < (left: SourceEpoch, right: SourceEpoch) -> Bool {
        left.source == right.source ? left.epoch < right.epoch : left.source < right.source
    }
}
