internal import Events

/// What a sealed segment's sidecar says: the table of sources behind the segment, where the segment's frames
/// lie by identity, and by position.
///
/// Derived, and checked against a checksum: where it is missing or damaged the segment itself is read
/// instead. `schemas/log-format.md` has the bytes.
struct SegmentSummary: Sendable {
    static let magic: UInt64 = 0x0A6D_7553_6C6F_6254  // "TbolSum\n" read as a little-endian number
    static let version: UInt32 = 1
    static let headerBytes = 112
    static let entryBytes = 24
    static let placeBytes = 48

    private let window: SegmentWindow
    let segment: SegmentID
    /// Behind the segment's last event.
    let end: Position
    /// Behind the segment's last frame.
    let endOffset: Int
    /// Where the parts begin.
    private let placesOffset: Int
    private let placeCount: Int
    private let entriesOffset: Int
    private let entryCount: Int
    private let sparseOffset: Int
    private let sparseCount: Int
    private let tableCount: Int

    /// Null where the bytes are no whole summary of this segment.
    init?(_ window: SegmentWindow, of segment: SegmentID, log: LogID) {
        guard window.range.count >= Self.headerBytes, window.load(at: 0) == Self.magic,
            window.load(at: 8) == Self.version, window.load(at: 12) == UInt32(Self.headerBytes),
            window.load(at: 24) == UInt64(window.range.count),
            window.load(at: 16) == window.hash(24..<window.range.upperBound, seed: 0),
            window.load(at: 32) == log.high, window.load(at: 40) == log.low,
            window.load(at: 48) == UInt64(segment.ordinal), window.load(at: 56) == segment.first.rawValue
        else { return nil }
        self.window = window
        self.segment = segment
        end = Position(rawValue: window.load(at: 64))
        endOffset = Int(window.load(at: 72, as: UInt32.self))
        tableCount = Int(window.load(at: 76, as: UInt32.self))
        placesOffset = Int(window.load(at: 80, as: UInt32.self))
        placeCount = Int(window.load(at: 84, as: UInt32.self))
        entriesOffset = Int(window.load(at: 88, as: UInt32.self))
        entryCount = Int(window.load(at: 92, as: UInt32.self))
        sparseOffset = Int(window.load(at: 96, as: UInt32.self))
        sparseCount = Int(window.load(at: 100, as: UInt32.self))
        guard placesOffset + placeCount * Self.placeBytes <= entriesOffset,
            entriesOffset + entryCount * Self.entryBytes <= sparseOffset,
            sparseOffset + sparseCount * 16 <= window.range.upperBound
        else { return nil }
    }

    /// The table of sources as of the segment's end; null where it can't be read.
    func table() -> SourceTable? {
        var table = SourceTable()
        let readable = readTable { source, state in table.restore(state, of: source) }
        return readable ? table : nil
    }

    var sparseIndex: SparseIndex {
        var index = SparseIndex()
        for place in 0..<sparseCount {
            let offset = sparseOffset + place * 16
            index.restore(
                SparseIndex.Entry(
                    position: Position(rawValue: window.load(at: offset)),
                    offset: Int(window.load(at: offset + 8, as: UInt64.self))))
        }
        return index
    }

    /// Which epochs this segment has frames of or about, and the span of their numbers.
    func coverage() -> [(place: Int, source: SourceEpoch, numbers: ClosedRange<Int64>)]? {
        var keys: [SourceEpoch] = []
        guard readTable({ source, _ in keys.append(source) }) else { return nil }
        var coverage: [(place: Int, source: SourceEpoch, numbers: ClosedRange<Int64>)] = []
        for place in 0..<placeCount {
            let offset = placesOffset + place * Self.placeBytes
            let key = Int(window.load(at: offset, as: UInt32.self))
            let first: Int64 = window.load(at: offset + 32)
            let last: Int64 = window.load(at: offset + 40)
            guard key < keys.count, first <= last else { return nil }
            coverage.append((place, keys[key], first...last))
        }
        return coverage
    }

    /// Offsets of the frames that hold an event or are about it, rising.
    ///
    /// - Parameter place: as `coverage` has it.
    func offsets(at place: Int, _ number: Int64) -> [Int] {
        let offset = placesOffset + place * Self.placeBytes
        let start = Int(window.load(at: offset + 4, as: UInt32.self))
        let runs = Int(window.load(at: offset + 8, as: UInt32.self))
        let rejected = Int(window.load(at: offset + 12, as: UInt32.self))
        let gaps = Int(window.load(at: offset + 16, as: UInt32.self))
        guard start + runs + rejected + gaps <= entryCount else { return [] }
        var offsets: [Int] = []
        for (start, count) in [(start, runs), (start + runs, rejected)] {
            var index = SortedEntries.end(of: number, in: count) { entry(start + $0).first }
            while index > 0, entry(start + index - 1).last >= number {
                offsets.append(entry(start + index - 1).offset)
                index -= 1
            }
        }
        for index in start + runs + rejected..<start + runs + rejected + gaps {
            let gap = entry(index)
            if gap.first <= number, number <= gap.last { offsets.append(gap.offset) }
        }
        return offsets.sorted()
    }

    private func entry(_ index: Int) -> IdentityEntry {
        let offset = entriesOffset + index * Self.entryBytes
        return IdentityEntry(
            first: window.load(at: offset), last: window.load(at: offset + 8),
            offset: Int(window.load(at: offset + 16, as: UInt64.self)))
    }

    private func readTable(_ body: (SourceEpoch, SourceState) -> Void) -> Bool {
        var offset = Self.headerBytes
        let limit = placesOffset
        for _ in 0..<tableCount {
            guard offset + 24 <= limit else { return false }
            let nameBytes = Int(window.load(at: offset, as: UInt8.self))
            let present = Int(window.load(at: offset + 4, as: UInt32.self))
            let declared = Int(window.load(at: offset + 8, as: UInt32.self))
            let epoch = Epoch(rawValue: window.load(at: offset + 16))
            let runs = offset + 24 + FrameLayout.rounded(nameBytes)
            guard runs + (present + declared) * 16 <= limit,
                let name = window.name(at: offset + 24, count: nameBytes)
            else { return false }
            var state = SourceState()
            for index in 0..<present + declared {
                let first: Int64 = window.load(at: runs + index * 16)
                let last: Int64 = window.load(at: runs + index * 16 + 8)
                guard first >= 1, first <= last else { return false }
                if index < present { state.addPresent(first...last) } else { state.addDeclared(first...last) }
            }
            body(SourceEpoch(source: name, epoch: epoch), state)
            offset = runs + (present + declared) * 16
        }
        return true
    }
}
