/// How sealed segments are compressed.
package struct CompressionOptions: Hashable, Sendable {
    /// What zstd calls the level: the greater, the smaller the file and the longer it takes to make. Reading
    /// is as fast at all of them.
    package var level = LogLimits.compressionLevelDefault
    /// How much of the plain segment goes into one block, unless a single frame is larger. A block is what
    /// has to be unpacked to read one event.
    package var blockBytes = LogLimits.blockBytesDefault

    package static let levels = 1...19

    package init() {}

    /// How a segment is compressed that was filled while the log grew by so many bytes a second: fast growth
    /// has it take a third of the time, and make files a twentieth larger.
    package func whileGrowing(by bytesPerSecond: Int) -> CompressionOptions {
        guard bytesPerSecond > LogLimits.compressionHasteGrowth else { return self }
        var options = self
        options.level = LogLimits.compressionLevelInHaste
        options.blockBytes = max(blockBytes, LogLimits.blockBytesInHaste)
        return options
    }

    func check() throws(LogError) {
        guard Self.levels.contains(level) else {
            throw LogError(
                .invalidOption, path: "compression level",
                "\(level) is not one from \(Self.levels.lowerBound) to \(Self.levels.upperBound). Choose another."
            )
        }
        let range = LogLimits.blockBytesMin...LogLimits.blockBytesMax
        guard range.contains(blockBytes) else {
            throw LogError(
                .invalidOption, path: "compression block size",
                "\(blockBytes) bytes are not from \(range.lowerBound) to \(range.upperBound). Choose another size."
            )
        }
    }
}

/// What the log tells its owner about what it does by itself, on a thread of its own.
package enum LogNotice: Sendable {
    /// A sealed segment was replaced by its compressed form.
    case compressed(CompressedSegmentReport)
    /// A segment stays plain for now: the disk is full, or something else failed. Nothing is lost.
    case compressionFailed(LogError)
    /// A sealed segment is damaged.
    case damaged(LogError)
}

/// What compressing one segment came to.
package struct CompressedSegmentReport: Hashable, Sendable {
    /// The compressed file.
    package let path: String
    package let plainBytes: Int
    package let compressedBytes: Int
    /// At which level, see `CompressionOptions`: a lower one than was asked for where the log grew fast.
    package let level: Int
}
