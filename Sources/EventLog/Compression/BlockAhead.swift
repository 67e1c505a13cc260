internal import Synchronization

/// Unpacks the blocks of a segment ahead of who reads it in order, on a thread of its own, so that reading
/// goes on while the next block is unpacked.
///
/// One thread takes the blocks, one after the other.
final class BlockAhead: Sendable {
    private let segment: CompressedSegment
    private let ready = Mutex<[Result<SegmentWindow, LogError>]>([])
    /// Which block is unpacked next, and which is taken next.
    private let made: Atomic<Int>
    private let taken: Atomic<Int>
    private let isOver = Atomic<Bool>(false)
    private let bell = Doorbell()

    private init(_ segment: CompressedSegment, from index: Int) {
        self.segment = segment
        made = Atomic(index)
        taken = Atomic(index)
    }

    /// Begins with the block `index`; null where the system has no thread for it.
    static func start(_ segment: CompressedSegment, from index: Int) -> BlockAhead? {
        let ahead = BlockAhead(segment, from: index)
        return BackgroundThread.run(isUrgent: true) { ahead.work() } ? ahead : nil
    }

    /// Which block `take` gives.
    var next: Int { taken.load(ordering: .sequentiallyConsistent) }

    /// Waits for the next block. After an error, or behind the last block, there is none: don't ask again.
    func take() throws(LogError) -> SegmentWindow {
        let index = next
        while made.load(ordering: .sequentiallyConsistent) <= index {
            bell.wait(atMost: .seconds(60)) { made.load(ordering: .sequentiallyConsistent) > index }
        }
        let result = ready.withLock { $0.removeFirst() }
        taken.store(index + 1, ordering: .sequentiallyConsistent)
        bell.ring()
        return try result.get()
    }

    /// Ends the thread, at the latest when the block is done that it is at.
    func stop() {
        isOver.store(true, ordering: .sequentiallyConsistent)
        bell.ring()
    }

    private var isStopped: Bool { isOver.load(ordering: .sequentiallyConsistent) }

    private func work() {
        var zstd = ZstdDecompressor()
        for index in next..<segment.table.blocks.count {
            while !isStopped, index - next >= LogLimits.blocksAheadMax {
                bell.wait(atMost: .seconds(60)) { isStopped || index - next < LogLimits.blocksAheadMax }
            }
            if isStopped { return }
            let result: Result<SegmentWindow, LogError>
            do throws(LogError) {
                result = .success(try segment.unpack(index, with: &zstd))
            } catch {
                result = .failure(error)
            }
            ready.withLock { $0.append(result) }
            made.store(index + 1, ordering: .sequentiallyConsistent)
            bell.ring()
            if case .failure = result { return }
        }
    }
}

/// The blocks of one segment for who reads them in order, or nearly so.
final class OrderedBlocks: Sendable {
    private struct State: ~Copyable {
        var window: SegmentWindow?
        var index = -1
        var ahead: BlockAhead?
        /// Made where it is needed: in order, all but the first block come from the thread.
        var zstd: ZstdDecompressor?
    }

    private let segment: CompressedSegment
    private let state = Mutex(State())

    init(_ segment: CompressedSegment) {
        self.segment = segment
    }

    deinit {
        state.withLock { $0.ahead?.stop() }
    }

    /// The block that holds an offset of the plain segment.
    func window(at offset: Int) throws(LogError) -> SegmentWindow {
        let result: Result<SegmentWindow, LogError> = state.withLock { state in
            if let window = state.window, window.range.contains(offset) { return .success(window) }
            do throws(LogError) {
                return .success(try enter(segment.index(holding: offset), &state))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private func enter(_ index: Int, _ state: inout State) throws(LogError) -> SegmentWindow {
        // The buffer of the block before is free to be used again, unless somebody still looks at it.
        state.window = nil
        let isNext = state.index >= 0 && index == state.index + 1
        state.index = -1
        if !isNext || state.ahead.map({ $0.next != index }) == true {
            state.ahead?.stop()
            state.ahead = nil
        }
        let window: SegmentWindow
        if isNext, state.ahead == nil { state.ahead = BlockAhead.start(segment, from: index) }
        if let ahead = state.ahead {
            do throws(LogError) {
                window = try ahead.take()
            } catch {
                // It has ended: whoever asks again gets the same answer from a new look.
                state.ahead = nil
                throw error
            }
        } else {
            var zstd = state.zstd.take() ?? ZstdDecompressor()
            window = try segment.unpack(index, with: &zstd)
            state.zstd = consume zstd
        }
        state.window = window
        state.index = index
        return window
    }
}
