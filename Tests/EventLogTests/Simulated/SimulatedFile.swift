import EventLog
import Synchronization

/// The bytes of a file: as the process sees them, and as they are on the disk.
final class SimulatedContent: Sendable {
    struct State: Sendable {
        var memory: SimulatedMemory
        var count: Int
        var durable: [UInt8]
        /// Sectors that were written and not synced.
        var dirty: Set<Int> = []
    }

    let state: Mutex<State>

    init(_ bytes: [UInt8]) {
        let memory = SimulatedMemory(capacity: bytes.count)
        memory.store(bytes, at: 0)
        state = Mutex(State(memory: memory, count: bytes.count, durable: bytes))
    }

    var bytes: [UInt8] { state.withLock { $0.memory.load(0..<$0.count) } }

    /// Changes what the process sees and what is on the disk: for damage.
    func damage(_ body: (inout [UInt8]) -> Void) {
        state.withLock { state in
            var bytes = state.memory.load(0..<state.count)
            body(&bytes)
            state.memory.store(bytes, at: 0)
            state.durable = bytes
        }
    }

    func afterPowerCut(keep: (Int) -> Bool) -> [UInt8] {
        state.withLock { state in
            var bytes = state.durable
            bytes += repeatElement(0, count: max(0, state.count - bytes.count))
            for sector in state.dirty.sorted() where keep(sector) {
                let start = sector * SimulatedStorage.sectorBytes
                let end = min(start + SimulatedStorage.sectorBytes, state.count)
                if start < end { bytes.replaceSubrange(start..<end, with: state.memory.load(start..<end)) }
            }
            return bytes
        }
    }
}

final class SimulatedFile: StorageFile {
    let path: String
    private let content: SimulatedContent
    private let storage: SimulatedStorage
    private let isWritable: Bool
    let isDirect: Bool

    init(
        path: String, content: SimulatedContent, storage: SimulatedStorage, isWritable: Bool, isDirect: Bool
    ) {
        self.isDirect = isDirect
        self.path = path
        self.content = content
        self.storage = storage
        self.isWritable = isWritable
    }

    func size() throws(LogError) -> Int { content.state.withLock(\.count) }

    func reserve(_ bytes: Int, leaving rest: Int) throws(LogError) {
        guard isThereRoom(for: bytes + rest) else {
            throw LogError(.noSpace, path: path, errno: 28, "gets no space")
        }
        content.state.withLock { $0.grow(to: bytes) }
    }

    /// Whether this file may become as long as that.
    private func isThereRoom(for bytes: Int) -> Bool {
        storage.state.withLock { state in
            if state.faults.capacity == .max { return true }
            let others = Set(state.files.values.map(ObjectIdentifier.init))
                .subtracting([ObjectIdentifier(content)])
            let used = state.files.values.filter { others.contains(ObjectIdentifier($0)) }
                .reduce(0) { $0 + $1.state.withLock(\.count) }
            return used + bytes <= state.faults.capacity
        }
    }

    func write(_ bytes: RawSpan, at offset: Int) throws(LogError) -> Int {
        precondition(isWritable, "the file is open for reading")
        // Safety: looks at the address alone.
        unsafe bytes.withUnsafeBytes { unsafe checkPages($0, at: offset) }
        let (isFailing, most) = storage.state.withLock { state in
            (SimulatedStorage.countDown(&state.faults.writesUntilFailure), state.faults.writeBytesMax)
        }
        if isFailing { throw LogError(.system, path: path, offset: offset, errno: 5, "can't be written") }
        var count = min(bytes.byteCount, most)
        if isDirect, count < bytes.byteCount {
            count = max(LogLimits.pageBytes, count / LogLimits.pageBytes * LogLimits.pageBytes)
        }
        guard offset + count <= (try size()) || isThereRoom(for: offset + count) else {
            throw LogError(.noSpace, path: path, offset: offset, errno: 28, "can't be written")
        }
        // Safety: copies what the span holds.
        let copy = unsafe bytes.withUnsafeBytes { unsafe Array($0.prefix(count)) }
        content.state.withLock { state in
            state.grow(to: offset + count)
            state.memory.store(copy, at: offset)
            let sectorBytes = SimulatedStorage.sectorBytes
            for sector in offset / sectorBytes...(offset + count - 1) / sectorBytes {
                state.dirty.insert(sector)
            }
        }
        return count
    }

    func read(_ count: Int, at offset: Int) throws(LogError) -> [UInt8] {
        content.state.withLock { state in
            let end = min(offset + count, state.count)
            return offset < end ? state.memory.load(offset..<end) : []
        }
    }

    func read(into memory: UnsafeMutableRawBufferPointer, at offset: Int) throws(LogError) -> Int {
        // Safety: looks at the address alone.
        unsafe checkPages(UnsafeRawBufferPointer(memory), at: offset)
        if storage.state.withLock({ SimulatedStorage.countDown(&$0.faults.readsUntilFailure) }) {
            throw LogError(.system, path: path, offset: offset, errno: 5, "can't be read")
        }
        let bytes = content.state.withLock { state in
            let end = min(offset + memory.count, state.count)
            return offset < end ? state.memory.load(offset..<end) : []
        }
        // Safety: no more than there is room for.
        unsafe memory.copyBytes(from: bytes)
        return bytes.count
    }

    /// What goes past the cache of a real system has to be whole pages.
    private func checkPages(_ memory: UnsafeRawBufferPointer, at offset: Int) {
        guard isDirect else { return }
        precondition(offset.isMultiple(of: LogLimits.pageBytes), "an offset of a page")
        precondition(memory.count.isMultiple(of: LogLimits.pageBytes), "whole pages")
        let address = Int(bitPattern: memory.baseAddress)
        precondition(address.isMultiple(of: LogLimits.pageBytes), "pages of memory")
    }

    /// A sync that fails leaves what was written visible, and forgets that it isn't on the disk.
    func sync() throws(LogError) {
        let isFailing = storage.state.withLock { state in
            state.syncs += 1
            return SimulatedStorage.countDown(&state.faults.syncsUntilFailure)
        }
        content.state.withLock { state in
            if !isFailing {
                state.durable += repeatElement(0, count: max(0, state.count - state.durable.count))
                for sector in state.dirty {
                    let start = sector * SimulatedStorage.sectorBytes
                    let end = min(start + SimulatedStorage.sectorBytes, state.count)
                    state.durable.replaceSubrange(start..<end, with: state.memory.load(start..<end))
                }
            }
            state.dirty = []
        }
        if isFailing { throw LogError(.system, path: path, errno: 5, "can't be synced") }
    }

    func map(_ count: Int) throws(LogError) -> MappedBytes {
        let memory = content.state.withLock(\.memory)
        precondition(count <= memory.capacity, "a file is mapped within its size")
        // Safety: the memory is the owner, and goes on for 64 bytes.
        return unsafe MappedBytes(base: memory.base, count: count, owner: memory)
    }
}

extension SimulatedContent.State {
    mutating func grow(to size: Int) {
        guard size > count else { return }
        if size > memory.capacity {
            let bigger = SimulatedMemory(capacity: size)
            bigger.store(memory.load(0..<count), at: 0)
            memory = bigger
        }
        count = size
    }
}

/// Memory that stays where it is, for as long as somebody maps it.
@safe
final class SimulatedMemory: @unchecked Sendable {
    // Safety: taken in init, given back in deinit; written under the lock of the content, read like a mapped
    // file.
    let base: UnsafeRawPointer
    let capacity: Int

    init(capacity: Int) {
        self.capacity = capacity
        let memory = UnsafeMutableRawPointer.allocate(byteCount: capacity + 64, alignment: 4096)
        unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: capacity + 64)
        unsafe base = UnsafeRawPointer(memory)
    }

    deinit {
        // Safety: allocated in init.
        unsafe base.deallocate()
    }

    func store(_ bytes: [UInt8], at offset: Int) {
        precondition(offset >= 0 && offset + bytes.count <= capacity, "within the memory")
        // Safety: checked above.
        unsafe bytes.withUnsafeBytes { source in
            guard let start = source.baseAddress else { return }
            unsafe UnsafeMutableRawPointer(mutating: base + offset).copyMemory(
                from: start, byteCount: source.count)
        }
    }

    func load(_ range: Range<Int>) -> [UInt8] {
        precondition(range.lowerBound >= 0 && range.upperBound <= capacity, "within the memory")
        // Safety: checked above.
        return unsafe Array(UnsafeRawBufferPointer(start: base + range.lowerBound, count: range.count))
    }
}
