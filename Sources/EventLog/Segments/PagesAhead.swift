internal import Synchronization

/// Pages that are read on a thread of their own, before they are asked for.
final class PagesAhead: Sendable {
    /// Room for a piece, and for what is carried over to it.
    static let bytes = LogLimits.carriedBytesMax + LogLimits.readOnceBytes

    private let file: any StorageFile
    private let start: Int
    private let buffer: BlockBuffer
    private let memory: BlockMemory
    private let result = Mutex<Result<Int, LogError>?>(nil)
    private let isDone = Atomic<Bool>(false)
    private let bell = Doorbell()

    private init(at start: Int, of file: any StorageFile, memory: BlockMemory) {
        self.file = file
        self.start = start
        self.memory = memory
        buffer = memory.take(Self.bytes)
    }

    /// Null where the system has no thread for it.
    static func start(at offset: Int, of file: any StorageFile, memory: BlockMemory) -> PagesAhead? {
        let ahead = PagesAhead(at: offset, of: file, memory: memory)
        return BackgroundThread.run(isUrgent: true) { ahead.read() } ? ahead : nil
    }

    private func read() {
        let done: Result<Int, LogError>
        do throws(LogError) {
            // Safety: the buffer has room for that behind what is carried over, and nobody looks at it yet.
            done = try unsafe .success(
                file.read(
                    into: UnsafeMutableRawBufferPointer(
                        start: buffer.base + LogLimits.carriedBytesMax, count: LogLimits.readOnceBytes),
                    at: start))
        } catch {
            done = .failure(error)
        }
        result.withLock { $0 = done }
        isDone.store(true, ordering: .sequentiallyConsistent)
        bell.ring()
    }

    /// Waits for the pages, and takes them: once.
    ///
    /// - Parameter before: what ends where they begin; what it has from `offset` on comes before them.
    func window(from offset: Int, behind before: SegmentWindow) throws(LogError) -> SegmentWindow {
        while !isDone.load(ordering: .sequentiallyConsistent) {
            bell.wait(atMost: .seconds(60)) { isDone.load(ordering: .sequentiallyConsistent) }
        }
        let loan = BlockLoan(buffer, of: memory)
        guard let done = result.withLock({ $0.take() }) else { preconditionFailure("it is taken once") }
        let count = try done.get()
        let carried = start - offset
        precondition(before.range.upperBound == start && (0...LogLimits.carriedBytesMax).contains(carried))
        // Safety: the thread is done with the buffer, which has room for that before the pages and padding
        // behind them; the window before has the bytes. The new one keeps the loan.
        let base = unsafe buffer.base + (LogLimits.carriedBytesMax - carried)
        unsafe base.copyMemory(
            from: before.base + (offset - before.range.lowerBound), byteCount: carried)
        buffer.zeroPadding(behind: LogLimits.carriedBytesMax + count)
        return unsafe SegmentWindow(
            base: UnsafeRawPointer(base), range: offset..<start + count, owner: loan)
    }
}
