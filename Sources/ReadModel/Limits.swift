/// Every maximum of the read model, in one place.
enum ReadModelLimits {
    /// Batches of rows that may wait to be written, so that whoever folds need not wait for a commit or a
    /// disk that is busy for half a second, and how many are kept to be filled again; of 2 MiB each.
    static let rowBatchesMax = 32
    static let rowBatchesKeptMax = 4
    /// Batches of frames that are decoded ahead, how many events end one, and how many frames.
    static let decodedFramesMax = 6
    static let decodedEventsMin = 1_024
    static let decodedPartsMax = 256
    /// Pieces of work that may wait for their records to be made.
    static let recordWorksMax = 6
    /// Bytes of calls that have left memory before they are handed over.
    static let leavingBytes = 1 << 18
    /// Events of calls that have left memory, and that wait: beyond that a database is asked, as it is for
    /// events that come live.
    static let lateEventsMax = 1 << 20
    /// Bytes of a row of `call_marks`, which fits into a page of the file.
    static let markBytesMax = 3_584
    /// Records whose row numbers are remembered; a power of two.
    static let recentRecordsMax = 1 << 17
    /// Bytes of a row of `open_calls`.
    static let openCallBytes = 1 << 20
    /// How many calls change, as a multiple of those that are open, while all are looked at that may have to
    /// be said again; and how many places are looked at in a round at least.
    static let openCallsPass = 2
    static let openCallsAgainMin = 64
    /// What SQLite keeps in memory of the file: a few times what a round changes.
    static let cacheBytes = 48 << 20
    /// Pages of SQLite's write-ahead log at which they are moved into the file beside commits, and by a
    /// commit where nobody looks after that.
    static let checkpointPages = (64 << 20) / PageBuilder.bytes
    static let checkpointPagesUnattended = (16 << 20) / PageBuilder.bytes
    /// New records of a transaction from which those of the next are moved many at once: as many as make a
    /// part of the table worth while.
    static let stagedRecordsMin = 1 << 12
    /// Bytes of pages that are moved at once, and how many moves a transaction has room for: SQLite attaches
    /// ten databases at most.
    static let stagedBytesMax = 32 << 20
    static let stagedMovesMax = 4
    /// The memory that they lie in at first, which is doubled as it fills, and what is kept of it for the
    /// next transaction.
    static let imageBytesMin = 4 << 20
    static let imageBytesKeptMax = 32 << 20
    /// Records that are sorted at once where they are read in the order of their start.
    static let recordsSortedMax = 1 << 14
    /// Entries of an index on a number that are sorted at a time.
    static let keyRunEntriesMax = 1 << 16
    /// Pages that are written at once.
    static let pagesBufferedMax = (1 << 20) / PageBuilder.bytes
    /// Bytes of a file that is filled before they are synced ahead.
    static let syncAheadBytes = 64 << 20
    /// The size of a file of filters that are full, where one of them is not larger.
    static let shelfSheetBytes = 4 << 20
    /// Rows that are read to compare them between two words on how far it is.
    static let rowsComparedUntold = 1_024
    /// What is left free of a disk where such a file is written.
    static let shelfRoomMin = 1 << 30
}
