/// What a segment takes.
struct SegmentExtent: Equatable, Sendable {
    /// What it has as a plain one.
    let plainBytes: Int
    /// What its file has.
    let fileBytes: Int
    let isCompressed: Bool
}

extension LogFiles {
    /// Found out without reading the segment.
    func extent(of segment: SegmentID) throws(LogError) -> SegmentExtent {
        do throws(LogError) {
            let bytes = try storage.open(directory + "/" + segment.fileName, .read).size()
            return SegmentExtent(plainBytes: bytes, fileBytes: bytes, isCompressed: false)
        } catch {
            guard error.code == .missing else { throw error }
        }
        let file = try storage.open(directory + "/" + segment.compressedName, .read)
        return SegmentExtent(
            plainBytes: try CompressedHeader.read(from: file).segmentBytes, fileBytes: try file.size(),
            isCompressed: true)
    }

    /// What all segments take.
    func usage() throws(LogError) -> LogUsage {
        var usage = LogUsage()
        for segment in list {
            let extent = try extent(of: segment)
            usage.segments += 1
            usage.plainBytes += extent.plainBytes
            usage.fileBytes += extent.fileBytes
            guard extent.isCompressed else { continue }
            usage.compressedSegments += 1
            usage.compressedPlainBytes += extent.plainBytes
            usage.compressedFileBytes += extent.fileBytes
        }
        return usage
    }
}

/// What the segments of a log take on disk, and what they would take uncompressed. Bytes.
package struct LogUsage: Hashable, Sendable {
    package var segments = 0
    package var plainBytes = 0
    package var fileBytes = 0
    package var compressedSegments = 0
    /// Of the compressed ones alone.
    package var compressedPlainBytes = 0
    package var compressedFileBytes = 0
}
