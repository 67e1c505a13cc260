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
    private let segments: Mutex<[SegmentID]>

    init(storage: any Storage, directory: String, id: LogID, segments: [SegmentID], next: Position) {
        self.storage = storage
        self.directory = directory
        self.id = id
        self.segments = Mutex(segments)
        durable = DurablePosition(next: next)
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

    func open(_ segment: SegmentID) throws(LogError) -> SegmentReading {
        try SegmentReading(segment, of: id, in: directory, storage: storage)
    }

    /// The segments that a directory has, in order.
    ///
    /// - Throws: `damaged` where one in the middle is missing.
    static func segments(named names: [String], in directory: String) throws(LogError) -> [SegmentID] {
        let list = names.compactMap { SegmentID(fileName: $0) }.sorted()
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
