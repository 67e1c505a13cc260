internal import Events

/// Finds the end of the live segment, and tells what a crash left torn from damage.
///
/// Groups are written one after the other, each only after the one before it was synced. So whatever isn't
/// whole belongs to the last group, which was never acknowledged, unless a frame of a later group stands
/// behind it. The bytes of one group may reach the disk in any order: frames of the same group behind the
/// tear prove nothing.
struct TailScan {
    /// Behind the last whole frame.
    private(set) var end: Int
    /// The position of the next event.
    private(set) var next: Position
    /// Where the last whole frame's group begins; null in an empty segment.
    private(set) var lastGroup: Int?
    /// Behind the last byte that isn't zero; `end` in a clean segment.
    private(set) var dirtyEnd: Int

    /// - Parameter visit: is given each whole frame.
    /// - Throws: `damaged`, with the offset.
    init(
        _ reading: SegmentReading, from start: SparseIndex.Entry? = nil,
        visit: (SegmentScan.Found) -> Void
    ) throws(LogError) {
        var scan = SegmentScan(reading)
        if let start { scan = SegmentScan(reading, from: start.offset, position: start.position) }
        var reason = ""
        var isOver = false
        while !isOver {
            switch try scan.step() {
            case .frame(let found):
                lastGroup = found.header.groupOffset
                visit(found)
                continue
            case .end: reason = "no frame begins here"
            case .broken(let words): reason = words
            }
            guard try Self.isLaterGroup(behind: scan.offset, in: reading) else {
                isOver = true
                continue
            }
            // A writer may have finished the frame meanwhile, and begun the next group.
            if case .frame(let found) = try scan.step() {
                lastGroup = found.header.groupOffset
                visit(found)
                continue
            }
            throw scan.damage(reason + ", though a later group follows")
        }
        end = scan.offset
        next = scan.next
        dirtyEnd = max(end, try Self.dirtyEnd(of: reading, from: scan.offset))
    }

    /// Whether a whole frame of a group that begins behind `offset` stands anywhere behind it.
    private static func isLaterGroup(behind offset: Int, in reading: SegmentReading) throws(LogError) -> Bool
    {
        var parser = FrameParser(segmentSeed: reading.seed)
        var candidate = offset
        while candidate < reading.segmentBytes {
            let window = try reading.window(at: candidate)
            if candidate.isMultiple(of: 4096), candidate + 4096 <= window.range.upperBound,
                window.isZero(candidate..<candidate + 4096)
            {
                candidate += 4096
                continue
            }
            if candidate + FrameLayout.fixedBytes <= window.range.upperBound,
                window.load(at: candidate) == FrameLayout.magic,
                case .whole(let header, _, _) = parser.check(window, at: candidate),
                header.groupOffset > offset
            {
                return true
            }
            candidate += FrameLayout.alignment
        }
        return false
    }

    private static func dirtyEnd(of reading: SegmentReading, from start: Int) throws(LogError) -> Int {
        var end = start
        var offset = start
        while offset < reading.segmentBytes {
            let window = try reading.window(at: offset)
            let upper = min((offset / 4096 + 1) * 4096, window.range.upperBound)
            if !window.isZero(offset..<upper) { end = upper }
            offset = upper
        }
        return end
    }

    /// Makes what was found the truth on disk, before anybody builds on it.
    ///
    /// The last group is written once more: if its sync failed, the system may show its bytes and yet not
    /// have them on disk. What lies behind the end is zeroed, so that no later scan takes it for frames.
    ///
    /// - Returns: how many bytes were dropped.
    func repair(_ file: any StorageFile) throws(LogError) -> Int {
        if let lastGroup {
            try file.writeAll(try file.read(end - lastGroup, at: lastGroup), at: lastGroup)
        }
        if dirtyEnd > end { try file.writeZeros(end..<dirtyEnd) }
        try file.sync()
        return dirtyEnd - end
    }
}

/// What opening a log for writing found and did.
package struct RecoveryReport: Hashable, Sendable {
    /// The live segment's file.
    package let path: String
    /// Where the log goes on in it.
    package let offset: Int
    /// Bytes of a torn, never acknowledged group that were dropped, up to the next whole page.
    package let droppedBytes: Int
    /// Frames that were read because no summary covers them.
    package let framesRead: Int
}
