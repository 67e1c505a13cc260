import EventLog
import Synchronization

/// A disk that forgets: what was not synced may be lost, wholly or in part, when the power goes; writes,
/// syncs and space fail on demand. All of it is decided by the test or by a seeded generator.
final class SimulatedStorage: Storage {
    static let sectorBytes = 512

    /// What goes wrong next.
    struct Faults: Sendable {
        /// Writes until one fails; null where none does.
        var writesUntilFailure: Int?
        var syncsUntilFailure: Int?
        /// Of those that fill memory that the caller has.
        var readsUntilFailure: Int?
        /// The greatest number of bytes that one write takes.
        var writeBytesMax = Int.max
        /// What all files may take together.
        var capacity = Int.max
        var directorySyncsUntilFailure: Int?
    }

    /// A change of names that is not durable yet.
    enum NameChange: Sendable {
        case add(String, SimulatedContent)
        case rename(String, String)
        case remove(String)
    }

    struct State: Sendable {
        var directories: Set<String>
        /// As seen by the process.
        var files: [String: SimulatedContent] = [:]
        /// As a power cut leaves them, before `changes`.
        var durableFiles: [String: SimulatedContent] = [:]
        var changes: [NameChange] = []
        var locked: Set<String> = []
        var faults = Faults()
        var syncs = 0
    }

    let state: Mutex<State>
    /// Whether it can be read and written past its cache.
    let hasDirect: Bool

    init(directories: Set<String> = ["/"], hasDirect: Bool = true) {
        self.hasDirect = hasDirect
        state = Mutex(State(directories: directories))
    }

    var faults: Faults {
        get { state.withLock(\.faults) }
        set { state.withLock { $0.faults = newValue } }
    }

    /// Changes of names that are not durable yet.
    var changeCount: Int { state.withLock(\.changes.count) }

    var syncs: Int { state.withLock(\.syncs) }

    func content(_ path: String) -> SimulatedContent? { state.withLock { $0.files[path] } }

    /// What is there after the power went and came back.
    ///
    /// - Parameter keep: whether a sector that was written and not synced reaches the disk.
    func afterPowerCut(keep: (Int) -> Bool, nameChanges: Int? = nil) -> SimulatedStorage {
        let state = state.withLock { $0 }
        var files = state.durableFiles
        for change in state.changes.prefix(nameChanges ?? state.changes.count) {
            switch change {
            case .add(let path, let content): files[path] = content
            case .rename(let path, let target): files[target] = files.removeValue(forKey: path)
            case .remove(let path): files[path] = nil
            }
        }
        let after = SimulatedStorage(directories: state.directories, hasDirect: hasDirect)
        after.state.withLock { after in
            for (path, content) in files.sorted(by: { $0.key < $1.key }) {
                let copy = SimulatedContent(content.afterPowerCut(keep: keep))
                after.files[path] = copy
                after.durableFiles[path] = copy
            }
        }
        return after
    }

    /// What the next process finds after this one was killed: all that was written, synced or not.
    func afterKill() -> SimulatedStorage {
        let state = state.withLock { $0 }
        let after = SimulatedStorage(directories: state.directories, hasDirect: hasDirect)
        after.state.withLock { after in
            after.files = state.files
            after.durableFiles = state.durableFiles
            after.changes = state.changes
        }
        return after
    }

    func entries(of directory: String) throws(LogError) -> [String]? {
        state.withLock { state in
            guard state.directories.contains(directory) else { return nil }
            let prefix = directory == "/" ? "/" : directory + "/"
            return (Array(state.files.keys) + Array(state.directories))
                .filter {
                    $0.hasPrefix(prefix) && $0.count > prefix.count
                        && !$0.dropFirst(prefix.count).contains("/")
                }
                .map { String($0.dropFirst(prefix.count)) }
        }
    }

    /// Of the whole, wherever the directory is.
    func room(at directory: String) -> DiskRoom? {
        state.withLock { state in
            if state.faults.capacity == .max { return nil }
            let used = state.files.values.reduce(0) { $0 + $1.state.withLock(\.count) }
            return DiskRoom(blocks: UInt64(max(0, state.faults.capacity - used)), blockBytes: 1)
        }
    }

    func makeDirectory(_ path: String) throws(LogError) {
        state.withLock { _ = $0.directories.insert(path) }
    }

    func open(_ path: String, _ mode: StorageMode) throws(LogError) -> any StorageFile {
        let content = state.withLock { state -> SimulatedContent? in
            if mode == .make {
                let content = SimulatedContent([])
                state.files[path] = content
                state.changes.append(.add(path, content))
            }
            return state.files[path]
        }
        guard let content else { throw LogError(.missing, path: path, "no such file") }
        return SimulatedFile(
            path: path, content: content, storage: self, isWritable: mode != .read && mode != .readPages,
            isDirect: (mode == .readPages || mode == .writePages) && hasDirect)
    }

    func rename(_ path: String, to target: String) throws(LogError) {
        let isThere = state.withLock { state in
            guard let content = state.files.removeValue(forKey: path) else { return false }
            state.files[target] = content
            state.changes.append(.rename(path, target))
            return true
        }
        guard isThere else { throw LogError(.missing, path: path, "no such file") }
    }

    func remove(_ path: String) throws(LogError) {
        let isThere = state.withLock { state in
            state.changes.append(.remove(path))
            return state.files.removeValue(forKey: path) != nil
        }
        guard isThere else { throw LogError(.missing, path: path, "no such file") }
    }

    func syncDirectory(_ path: String) throws(LogError) {
        let isFailing = state.withLock { state in
            if Self.countDown(&state.faults.directorySyncsUntilFailure) { return true }
            state.durableFiles = state.files
            state.changes = []
            return false
        }
        if isFailing { throw LogError(.system, path: path, errno: 5, "can't be synced") }
    }

    func lock(_ path: String) throws(LogError) -> any StorageLock {
        let isTaken = state.withLock { state in
            let content = state.files[path] ?? SimulatedContent([])
            state.files[path] = content
            return !state.locked.insert(path).inserted
        }
        if isTaken { throw LogError(.locked, path: path, "process 1 has this log open for writing") }
        return SimulatedLock(path: path, storage: self)
    }

    /// Whether this is the one that fails; it fails from then on.
    static func countDown(_ counter: inout Int?) -> Bool {
        guard let left = counter else { return false }
        if left == 0 { return true }
        counter = left - 1
        return false
    }
}

private final class SimulatedLock: StorageLock {
    private let path: String
    private let storage: SimulatedStorage

    init(path: String, storage: SimulatedStorage) {
        self.path = path
        self.storage = storage
    }

    deinit {
        storage.state.withLock { _ = $0.locked.remove(path) }
    }
}
