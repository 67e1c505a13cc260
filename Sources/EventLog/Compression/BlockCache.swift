internal import Synchronization

/// The blocks that were unpacked last, of any segments, for who reads single events: a call's events lie
/// near each other, and neighbours are asked for next.
final class BlockCache: Sendable {
    private struct Entry {
        let ordinal: UInt32
        let window: SegmentWindow
        var lastUse: Int
    }

    private struct State: ~Copyable {
        var entries: [Entry] = []
        var bytes = 0
        var uses = 0
        var zstd = ZstdDecompressor()

        /// The newest always stays, however large it is.
        mutating func keep(_ entry: Entry, bytesMax: Int) {
            entries.append(entry)
            bytes += entry.window.range.count
            while bytes > bytesMax, entries.count > 1,
                let oldest = entries.indices.min(by: { entries[$0].lastUse < entries[$1].lastUse })
            {
                bytes -= entries.remove(at: oldest).window.range.count
            }
        }
    }

    private let state = Mutex(State())
    private let bytesMax: Int
    let memory = BlockMemory()

    init(bytesMax: Int = LogLimits.blockCacheBytesMax) {
        self.bytesMax = bytesMax
    }

    /// The block that holds an offset of the plain segment.
    func window(of segment: CompressedSegment, at offset: Int) throws(LogError) -> SegmentWindow {
        let ordinal = segment.header.segment.ordinal
        let result: Result<SegmentWindow, LogError> = state.withLock { state in
            state.uses += 1
            if let index = state.entries.firstIndex(where: {
                $0.ordinal == ordinal && $0.window.range.contains(offset)
            }) {
                state.entries[index].lastUse = state.uses
                return .success(state.entries[index].window)
            }
            do throws(LogError) {
                let window = try segment.unpack(segment.index(holding: offset), with: &state.zstd)
                state.keep(Entry(ordinal: ordinal, window: window, lastUse: state.uses), bytesMax: bytesMax)
                return .success(window)
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }
}
