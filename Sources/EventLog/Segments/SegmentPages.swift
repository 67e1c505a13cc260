internal import Synchronization

/// Pages of a plain segment for the process that writes it: read past the system's cache, which would have to
/// find memory for each of them, and to drop those that lie where the log is written next.
///
/// Frames that are on disk lie whole in the window that is given for their offset.
final class SegmentPages: Sendable {
    private struct State {
        /// Holds nothing that was not on disk when it was read.
        var window: SegmentWindow?
        /// What follows it.
        var ahead: PagesAhead?
    }

    private let file: any StorageFile
    private let segment: SegmentID
    private let segmentBytes: Int
    private let files: LogFiles
    /// Read ahead of who asks, frame by frame, and not each time for the frame alone.
    private let isInOrder: Bool
    private let state = Mutex(State())

    /// - Parameters:
    ///   - file: open for pages.
    ///   - files: know the end of what is on disk.
    ///   - isInOrder: whether who reads a frame reads the next one soon.
    init(
        _ file: any StorageFile, of segment: SegmentID, segmentBytes: Int, files: LogFiles, isInOrder: Bool
    ) {
        self.file = file
        self.segment = segment
        self.segmentBytes = segmentBytes
        self.files = files
        self.isInOrder = isInOrder
    }

    /// The window with the frame at `offset`; where nothing is on disk from there on, it has nothing behind
    /// it.
    func window(at offset: Int) throws(LogError) -> SegmentWindow {
        guard isInOrder else {
            let limit = durableEnd
            let window = try read(from: offset, bytes: LogLimits.readApartBytes, limit)
            return try withFrame(at: offset, window, limit)
        }
        let result: Result<SegmentWindow, LogError> = state.withLock { state in
            if let window = state.window, Self.frameEnd(at: offset, in: window) <= window.range.upperBound {
                return .success(window)
            }
            do throws(LogError) {
                return .success(try goOn(to: offset, &state))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private func goOn(to offset: Int, _ state: inout State) throws(LogError) -> SegmentWindow {
        let ahead = state.ahead
        // Where nothing of it is carried over, its memory is free to be used again, unless somebody still
        // looks at it.
        let before = ahead == nil ? nil : state.window
        state.window = nil
        state.ahead = nil
        let limit = durableEnd
        var window: SegmentWindow
        if let before, let ahead, before.range.contains(offset) || offset == before.range.upperBound,
            before.range.upperBound - offset <= LogLimits.carriedBytesMax
        {
            window = try ahead.window(from: offset, behind: before)
        } else {
            window = try read(from: offset, bytes: LogLimits.readOnceBytes, limit)
        }
        window = try withFrame(at: offset, window, limit)
        state.window = window
        let next = window.range.upperBound
        if next.isMultiple(of: LogLimits.pageBytes), next + LogLimits.readOnceBytes <= limit {
            state.ahead = PagesAhead.start(at: next, of: file, memory: files.pages)
        }
        return window
    }

    /// Where the segment is on disk up to.
    private var durableEnd: Int {
        guard let tail = files.end, tail.segment.ordinal >= segment.ordinal else {
            return SegmentHeader.bytes
        }
        return tail.segment == segment ? tail.offset : segmentBytes
    }

    /// The same window, or a longer one where the frame goes on behind it.
    private func withFrame(
        at offset: Int, _ window: SegmentWindow, _ limit: Int
    ) throws(LogError) -> SegmentWindow {
        let frameEnd = Self.frameEnd(at: offset, in: window)
        guard frameEnd > window.range.upperBound, frameEnd <= min(limit, offset + LogLimits.frameBytesMax)
        else { return window }
        return try read(from: offset, bytes: frameEnd - offset + LogLimits.pageBytes, limit)
    }

    private func read(from offset: Int, bytes: Int, _ limit: Int) throws(LogError) -> SegmentWindow {
        let start = offset / LogLimits.pageBytes * LogLimits.pageBytes
        let end = max(start, min(start + bytes, limit))
        let count = (end - start + LogLimits.pageBytes - 1) / LogLimits.pageBytes * LogLimits.pageBytes
        // In order, as large as any other, so that each is as good for the next.
        let buffer = files.pages.take(isInOrder ? max(count, PagesAhead.bytes) : count)
        // Safety: the buffer has room for the pages, and nobody else has it yet.
        let done = try unsafe file.read(
            into: UnsafeMutableRawBufferPointer(start: buffer.base, count: count), at: start)
        buffer.zeroPadding(behind: done)
        // Safety: so much was read, or nothing is said to be there; the window keeps the loan.
        return unsafe SegmentWindow(
            base: UnsafeRawPointer(buffer.base), range: start..<max(offset, min(start + done, end)),
            owner: BlockLoan(buffer, of: files.pages))
    }

    /// Where the frame at `offset` ends, by its own length; beyond the window where it doesn't have that.
    private static func frameEnd(at offset: Int, in window: SegmentWindow) -> Int {
        guard offset >= window.range.lowerBound, offset + FrameLayout.fixedBytes <= window.range.upperBound
        else { return .max }
        return offset + FrameLayout.rounded(Int(window.load(at: offset + 4) as UInt32))
    }
}
