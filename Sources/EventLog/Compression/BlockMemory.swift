internal import Events
internal import Synchronization

/// Memory for unpacked blocks and for pages that were read, used again and again: a page that was there
/// before costs no fault.
final class BlockMemory: Sendable {
    private let free = Mutex<[BlockBuffer]>([])

    /// - Returns: room for `count` bytes, and `LogLimits.blockPaddingBytes` zeros behind them.
    func take(_ count: Int) -> BlockBuffer {
        let known = free.withLock { free in
            free.firstIndex { $0.capacity >= count }.map { free.remove(at: $0) }
        }
        return known ?? BlockBuffer(capacity: count)
    }

    fileprivate func give(_ buffer: BlockBuffer) {
        free.withLock { free in
            // The smallest goes: it would be of use for the fewest.
            if free.count >= LogLimits.blockBuffersFreeMax,
                let smallest = free.indices.min(by: { free[$0].capacity < free[$1].capacity })
            {
                free.remove(at: smallest)
            }
            free.append(buffer)
        }
    }
}

/// Room for one block, or for pages: it begins with one.
@safe
final class BlockBuffer: @unchecked Sendable {
    // Safety: taken in init, given back in deinit. Written by whoever took it out of the memory, before
    // others see it as a window; read only from then on, until nobody holds the window any more.
    let base: UnsafeMutableRawPointer
    let capacity: Int

    init(capacity: Int) {
        let page = LogLimits.pageBytes
        let rounded = (capacity + page - 1) / page * page
        self.capacity = rounded
        let bytes = rounded + LogLimits.blockPaddingBytes
        unsafe base = .allocate(byteCount: bytes, alignment: page)
        unsafe base.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
    }

    deinit {
        unsafe base.deallocate()
    }

    /// What is behind a block may be read, and is to be zero.
    func zeroPadding(behind count: Int) {
        precondition(count <= capacity, "a block lies in its buffer")
        unsafe (base + count).initializeMemory(
            as: UInt8.self, repeating: 0, count: LogLimits.blockPaddingBytes)
    }
}

/// Keeps a buffer as long as a window shows it, and gives it back to be used again.
final class BlockLoan: Sendable {
    private let buffer: BlockBuffer
    private let memory: BlockMemory

    init(_ buffer: BlockBuffer, of memory: BlockMemory) {
        self.buffer = buffer
        self.memory = memory
    }

    deinit {
        memory.give(buffer)
    }
}
