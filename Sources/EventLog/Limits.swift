/// Every maximum of the log, in bytes unless the name says otherwise.
package enum LogLimits {
    /// The greatest payload of one frame, hence of one batch.
    package static let payloadBytesMax = 4 << 20
    /// What one `FrameGroup` holds unless it is told otherwise: how much one sync can make durable.
    package static let groupBytesMax = 8 << 20
    /// A group begins in a new segment where the live one has less room than this.
    package static let groupRoomMin = 256 << 10
    /// The size of a segment unless the options say otherwise.
    package static let segmentBytesDefault = 64 << 20
    /// The size of a log's first segment, where new segments are larger.
    package static let firstSegmentBytesMax = 8 << 20
    /// Small segments are for tests.
    package static let segmentBytesMin = 64 << 10
    /// Offsets within a segment are 32 bits wide.
    package static let segmentBytesMax = 2 << 30
    /// What is zeroed of the next segment between two looks at whether the log needs the disk.
    package static let zeroedBytesMax = 256 << 10
    /// Events of one frame.
    package static let frameEventsMax = 1 << 24
    /// Segments that a reader keeps mapped for random access.
    package static let windowsOpenMax = 256
    /// Sealed segments whose identity index a finder keeps open.
    package static let summariesOpenMax = 256
    /// Bytes between two entries of a segment's sparse index.
    package static let sparseIndexStride = 64 << 10
}
