internal import Events
internal import Synchronization

/// What everybody who works with an open log shares: where it lies, which segments it has, how far it is
/// durable.
final class LogFiles: Sendable {
    let storage: any Storage
    /// `<data>/log`
    let directory: String
    let id: LogID
    let durable: DurablePosition
    private let endKnown = Mutex<LogTail?>(nil)
    /// For pages that are read past the system's cache, by whomever.
    let pages = BlockMemory()
    private let segments: Mutex<[SegmentID]>
    /// Segments whose plain file is gone since a compressed one stands for it. Who has one of them open goes
    /// on, but keeps the disk from having its space back.
    private let replaced = Mutex<Set<SegmentID>>([])
    private let replacementCount = Atomic<Int>(0)

    init(storage: any Storage, directory: String, id: LogID, segments: [SegmentID], next: Position) {
        self.storage = storage
        self.directory = directory
        self.id = id
        self.segments = Mutex(segments)
        durable = DurablePosition(next: next)
    }

    /// The end of what is on disk; null where this process doesn't write it.
    var end: LogTail? { endKnown.withLock(\.self) }

    /// Says how far the log is on disk, to whoever reads it in this process.
    func publish(end: LogTail) {
        // In this order: who finds a position durable finds the end of its frame as well.
        endKnown.withLock { $0 = end }
        durable.publish(next: end.next)
    }

    /// Every segment, in order; the last is the live one.
    var list: [SegmentID] { segments.withLock(\.self) }

    /// The segment that holds a position, and the one behind it, which tells where it ends; null in the live
    /// one.
    func segment(holding position: Position) -> (segment: SegmentID, successor: SegmentID?)? {
        segments.withLock { segments in
            var low = 0
            var high = segments.count
            while low < high {
                let middle = (low + high) / 2
                if segments[middle].first <= position { low = middle + 1 } else { high = middle }
            }
            guard low > 0 else { return nil }
            return (segments[low - 1], low < segments.count ? segments[low] : nil)
        }
    }

    func successor(of segment: SegmentID) -> SegmentID? {
        segments.withLock { segments in
            guard let first = segments.first else { return nil }
            let index = Int(segment.ordinal - first.ordinal) + 1
            return index < segments.count ? segments[index] : nil
        }
    }

    func add(_ segment: SegmentID) {
        segments.withLock { $0.append(segment) }
    }

    func replaceList(_ list: [SegmentID]) {
        segments.withLock { $0 = list }
    }

    /// Opens a segment: the plain file, or, where there is none, the compressed one that stands for it.
    ///
    /// Where both exist, a replacement was cut short, and the plain one counts: it needs no faith in a step
    /// that did not end.
    ///
    /// - Parameters:
    ///   - cache: where single events are to be read; without one it is read in order.
    ///   - use: what for, which tells how a plain one is read where this process writes the log.
    func open(
        _ segment: SegmentID, cache: BlockCache? = nil, for use: SegmentReading.Use = .any
    ) throws(LogError) -> SegmentReading {
        let missing: LogError
        do throws(LogError) {
            return try SegmentReading(
                plain: segment, of: id, in: directory, storage: storage, for: use,
                writing: end == nil ? nil : self)
        } catch {
            guard error.code == .missing else { throw error }
            missing = error
        }
        do throws(LogError) {
            return try SegmentReading(
                compressed: segment, of: id, in: directory, storage: storage, cache: cache)
        } catch {
            throw error.code == .missing ? missing : error
        }
    }

    /// How many segments were replaced since the log was opened: readings that are kept may be old where this
    /// has changed.
    var replacements: Int { replacementCount.load(ordering: .acquiring) }

    func noteReplaced(_ segment: SegmentID) {
        replaced.withLock { _ = $0.insert(segment) }
        replacementCount.add(1, ordering: .releasing)
    }

    /// Whether a reading shows a file that is gone.
    func isOutdated(_ reading: SegmentReading) -> Bool {
        reading.compressed == nil && replaced.withLock { $0.contains(reading.segment) }
    }

    /// The names in the log's directory, and the segments that they speak of.
    ///
    /// - Throws: `damaged` where a segment in the middle is missing.
    static func look(
        at directory: String, in storage: any Storage
    ) throws(LogError) -> (names: [String], segments: [SegmentID]) {
        var names = try storage.entries(of: directory) ?? []
        do throws(LogError) {
            return (names, try segments(named: names, in: directory))
        } catch {
            // A listing isn't of one moment: a segment that is replaced meanwhile may be seen under neither
            // name. Its new name was there when the first listing ended, so the second one has it.
            names = Array(Set(names).union(try storage.entries(of: directory) ?? [])).sorted()
            return (names, try segments(named: names, in: directory))
        }
    }

    /// The segments that a directory has, in order.
    ///
    /// - Throws: `damaged` where one in the middle is missing.
    static func segments(named names: [String], in directory: String) throws(LogError) -> [SegmentID] {
        let list = Set(names.compactMap { SegmentID(anyFileName: $0) }).sorted()
        for (index, segment) in list.enumerated() {
            let isFirst = index == 0
            let isNext = !isFirst && segment.ordinal == list[index - 1].ordinal + 1
            let isBehind = !isFirst && segment.first > list[index - 1].first
            if isFirst ? segment == SegmentID(ordinal: 1, first: .first) : isNext && isBehind { continue }
            let before = isFirst ? "The log's first segment" : "The segment behind \(list[index - 1])"
            throw LogError(
                .damaged, path: directory,
                "\(before) is missing; the next one there is \(segment). Restore the file from a copy.")
        }
        return list
    }
}
