internal import Events
internal import Synchronization

/// Sees to it that there is a segment to go on with before the live one is full.
///
/// A spare segment is zeroed and synced ahead, since writing into blocks that were written before halves the
/// time of a sync, and since a full disk then shows while there is still room to stop in good order.
final class SegmentSpace: Sendable {
    private enum State {
        case none, ready
        /// The spare is being made a segment: until it has its name, no other may take the spare's.
        case taken
        case failed(LogError)

        var isMade: Bool {
            switch self {
            case .ready, .taken: true
            case .none, .failed: false
            }
        }
    }

    static let spareName = "spare"
    static let newName = "spare.new"
    static let directName = "segment.new"
    /// What a crash may leave behind and the next opening may throw away.
    static let leftovers: Set<String> = [newName, directName]

    private let storage: any Storage
    private let directory: String
    private let id: LogID
    let segmentBytes: Int
    private let state = Mutex<State>(.none)
    /// How full the live segment is, in thousandths.
    private let fill = Atomic<Int>(0)
    /// How many bytes the log is long, nearly.
    private let length = Atomic<Int>(0)
    private let growth = Mutex(LogGrowth(0))
    /// The end of the log as it was noted last.
    private let noted = Mutex<LogTail?>(nil)

    init(storage: any Storage, directory: String, id: LogID, segmentBytes: Int) {
        self.storage = storage
        self.directory = directory
        self.id = id
        self.segmentBytes = segmentBytes
    }

    /// Why there is no spare, where making one failed.
    var failure: LogError? {
        state.withLock { if case .failed(let error) = $0 { error } else { nil } }
    }

    /// Whether the writer can go on in a next segment without asking the disk for room.
    var isReady: Bool { state.withLock { if case .ready = $0 { true } else { false } } }

    /// What stays free of the disk where a segment is made: compressing a full one is what makes room again,
    /// and takes some of it first.
    var roomLeft: Int { segmentBytes / LogLimits.compressedShareMax }

    /// Takes over the spare that an earlier process has left, if it fits.
    func adopt(_ names: [String]) throws(LogError) {
        for name in names where Self.leftovers.contains(name) { try storage.remove(directory + "/" + name) }
        guard names.contains(Self.spareName) else { return }
        let path = directory + "/" + Self.spareName
        if try storage.open(path, .read).size() == segmentBytes {
            state.withLock { $0 = .ready }
        } else {
            try storage.remove(path)
        }
    }

    /// Makes the spare segment unless there is one.
    ///
    /// - Parameter pause: where there is one, called between pieces, so that the log's own syncs don't wait
    ///   long for the disk, and told whether there is time to wait: whether the spare will be ready before
    ///   the live segment is half full. Says false to give up.
    /// - Throws: `noSpace` where the disk is full; call again when there may be room.
    func prepare(pause: ((_ hasTime: Bool) -> Bool)? = nil) throws(LogError) {
        if state.withLock({ $0.isMade }) { return }
        let path = directory + "/" + Self.newName
        do throws(LogError) {
            try storage.open(path, .make).reserve(segmentBytes, leaving: roomLeft)
            let file = try storage.open(path, .writePages)
            guard try writeZeros(file, pause: pause) else { return try storage.remove(path) }
            try storage.rename(path, to: directory + "/" + Self.spareName)
            try storage.syncDirectory(directory)
            state.withLock { $0 = .ready }
        } catch {
            // What was reserved would keep others from the room that is left.
            try? storage.remove(path)
            state.withLock { $0 = .failed(error) }
            throw error
        }
    }

    /// Takes note of how far the live segment is filled.
    func note(_ tail: LogTail) {
        fill.store(tail.offset * 1000 / tail.segmentBytes, ordering: .relaxed)
        let grown = noted.withLock { noted in
            defer { noted = tail }
            guard let noted else { return 0 }
            return tail.segment == noted.segment ? tail.offset - noted.offset : tail.offset
        }
        length.add(grown, ordering: .relaxed)
    }

    /// How many bytes the log has grown by since it was first written to here.
    var logBytes: Int { length.load(ordering: .relaxed) }

    /// Zeroes the spare: in small pieces for as long as the live segment fills slowly enough, and otherwise
    /// in pieces that are written fast. Blocks that were never written take half of the time of a sync; but
    /// where zeros go through the system's cache and the log wants all of the processors, zeroing takes more
    /// from it than it gives back: then the rest is left reserved.
    ///
    /// - Returns: false where it was given up.
    private func writeZeros(_ file: any StorageFile, pause: ((Bool) -> Bool)?) throws(LogError) -> Bool {
        var end = 0
        while end < segmentBytes {
            let hasTime = end * 1000 / segmentBytes >= 2 * fill.load(ordering: .relaxed)
            let bytes = pause != nil && hasTime ? LogLimits.zeroedBytesMin : LogLimits.zeroedBytesMax
            let start = end
            end = min(start + bytes, segmentBytes)
            try file.writeZeros(start..<end)
            try file.writeOut(start..<end)
            guard let pause else { continue }
            if !pause(hasTime) { return false }
            if !file.isDirect, growth.withLock({ $0.now(logBytes) }) > LogLimits.zeroedGrowthMax, !hasTime {
                break
            }
        }
        try file.sync()
        return true
    }

    /// Makes a segment of the spare, or, where there is none yet, afresh: that works as well, but syncs take
    /// longer. It is open for pages.
    ///
    /// The file gets its name last, so that a segment that can be seen has its header and its whole size.
    func makeSegment(_ segment: SegmentID) throws(LogError) -> any StorageFile {
        let isReady = state.withLock { state in
            guard case .ready = state else { return false }
            state = .taken
            return true
        }
        defer { if isReady { state.withLock { $0 = .none } } }
        let name = isReady ? Self.spareName : Self.directName
        let path = directory + "/" + name
        let file = try storage.open(path, isReady ? .write : .make)
        do throws(LogError) {
            if !isReady { try file.reserve(segmentBytes, leaving: roomLeft) }
            try file.writeAll(
                SegmentHeader(log: id, segment: segment, segmentBytes: segmentBytes).encoded, at: 0)
            try file.sync()
            let pages = try storage.open(path, .writePages)
            try storage.rename(path, to: directory + "/" + segment.fileName)
            try storage.syncDirectory(directory)
            return pages
        } catch {
            if !isReady { try? storage.remove(path) }
            throw error
        }
    }
}
