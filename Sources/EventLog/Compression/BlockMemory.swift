internal import Events
internal import Glibc
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
    private let bytes: Int

    /// Zeroed. It comes from the system and not from the allocator, which takes large pieces that are given
    /// back for a reason to keep others of that size as well, in use or not.
    init(capacity: Int) {
        let page = LogLimits.pageBytes
        self.capacity = (capacity + page - 1) / page * page
        bytes = self.capacity + LogLimits.blockPaddingBytes
        guard let made = unsafe mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            unsafe made != MAP_FAILED
        else { preconditionFailure("there is memory for a block") }
        unsafe base = made
    }

    deinit {
        // Safety: mapped in init, with as many bytes.
        unsafe _ = munmap(base, bytes)
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
