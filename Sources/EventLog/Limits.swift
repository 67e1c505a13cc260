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
    /// What is zeroed of the next segment between two looks at whether the log needs the disk, where there is
    /// time, and where there is none.
    package static let zeroedBytesMin = 128 << 10
    package static let zeroedBytesMax = 1 << 20
    /// Bytes a second by which a log may grow for its next segment to be zeroed with no time to spare, where
    /// that goes through the system's cache. At 300 MB/s, with both of two cores busy, it made intake slower
    /// (`tollbook bench ingest --batch 64`).
    package static let zeroedGrowthMax = 100_000_000
    /// How much of the memory in which a segment is kept is given back between two pauses: more than the
    /// system keeps in one piece.
    static let yieldedBytesMax = 4 << 20
    /// Sealed segments whose summaries wait in memory; of others they are read.
    static let summariesNotedMax = 4
    /// What is read of a segment for its summary between two pauses, and how long all of these are.
    static let summarizedBytesMax = 1 << 20
    static let maintenancePauseMicroseconds = 500
    /// What the log is written in: a page of the system's and of its disks, in which a segment ends, too.
    package static let pageBytes = 4096
    /// What is read of a segment at once by who goes through it once.
    static let readOnceBytes = 512 << 10
    /// What is read at once by who wants a single frame: one of a hundred events.
    static let readApartBytes = 32 << 10
    /// More than the longest frame has.
    static let frameBytesMax = payloadBytesMax + pageBytes
    /// What is copied of a frame that two such pieces share; a longer one is read anew.
    static let carriedBytesMax = 64 << 10
    /// Events of one frame.
    package static let frameEventsMax = 1 << 24
    /// Segments that a reader keeps mapped for random access.
    package static let windowsOpenMax = 256
    /// Sealed segments whose identity index a finder keeps open.
    package static let summariesOpenMax = 256
    /// The level at which sealed segments are compressed unless the options say otherwise.
    package static let compressionLevelDefault = 6
    /// What goes into one block of a compressed segment unless the options say otherwise: more makes the file
    /// smaller, and reading a single event longer.
    package static let blockBytesDefault = 512 << 10
    package static let blockBytesMin = 4 << 10
    package static let blockBytesMax = 16 << 20
    /// What is written of a compressed segment between two syncs: a sync of the log may have to wait for it.
    static let compressedUnsyncedMax = 1 << 20
    /// How many bytes a second the log may grow by while a segment is filled that is compressed as the
    /// options say: at the default level that takes a tenth of a processor. Others are compressed in haste.
    package static let compressionHasteGrowth = 8 << 20
    /// The level in haste, and what goes into a block at least, which makes up for a part of what it costs in
    /// size.
    package static let compressionLevelInHaste = 1
    package static let blockBytesInHaste = 1 << 20
    /// How many bytes a second the log may grow by while segments are compressed at all. What comes faster is
    /// compressed once it has come.
    static let compressionGrowthMax = 128 << 20
    /// Over how long the log's growth is measured at least, and how long compression waits where it was more.
    static let growthWatchMilliseconds = 50
    /// How many segments may wait for compression while others want the processors, and how many bytes.
    static let segmentsDelayedMax = 16
    static let compressionDelayedBytesMax = 1 << 30
    /// How long compression pauses where others want the processors, and how long it works between two
    /// pauses: less than a block takes, at the usual sizes.
    static let compressionPauseMillisecondsMin = 50
    static let compressionPauseMillisecondsMax = 400
    static let compressionWorkNanoseconds: UInt64 = 3_000_000
    /// Over how much time, run and waited for, it is judged whether they do.
    static let contentionWatchNanoseconds: UInt64 = 10_000_000
    /// How long compression waits for room on a disk that was full, in seconds.
    static let compressionRetrySeconds = 60
    /// A fourth of a segment is kept free for it to be compressed; it takes a seventh or so.
    static let compressedShareMax = 4
    /// What is free of a disk where the read model goes on while segments wait to be compressed: more than it
    /// takes before it is asked to wait, and SQLite behind it.
    package static let roomMin = 256 << 20
    /// Unpacked blocks that one reader of single events keeps.
    static let blockCacheBytesMax = 16 << 20
    /// Blocks that are unpacked ahead of who reads in order.
    static let blocksAheadMax = 2
    /// Buffers that are kept for the next blocks.
    static let blockBuffersFreeMax = 4
    /// Zeros behind an unpacked block, for decoders that load beyond the end.
    static let blockPaddingBytes = 4096
    /// Bytes between two entries of a segment's sparse index.
    package static let sparseIndexStride = 64 << 10
}
