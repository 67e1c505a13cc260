internal import Events
internal import Synchronization

/// How far the log was acknowledged at some time, kept beside it: a lower bound for where it ends.
///
/// Without it the last group, if damaged, could not be told from one that was torn and never acknowledged,
/// and a last segment that is gone would not be missed. Written every second or two while there is
/// something new, and when the log is closed; what was acknowledged since then is as safe, but its loss
/// would be taken for a tear.
struct EndMark: Equatable, Sendable {
    static let fileName = "end"
    private static let magic: UInt64 = 0x0A64_6E45_6C6F_6254  // "TbolEnd\n" read as a little-endian number
    private static let version: UInt32 = 1
    private static let bytes = 64
    /// The two places that are written in turns, so that a torn one leaves the other.
    private static let places = [0, 4096]

    let segment: SegmentID
    let offset: Int
    let next: Position

    init(_ tail: LogTail) {
        segment = tail.segment
        offset = tail.offset
        next = tail.next
    }

    private init(segment: SegmentID, offset: Int, next: Position) {
        self.segment = segment
        self.offset = offset
        self.next = next
    }

    /// The greater of the two marks; null where none is whole.
    static func read(_ files: LogFiles) throws(LogError) -> EndMark? {
        let file: any StorageFile
        do throws(LogError) {
            file = try files.storage.open(files.directory + "/" + fileName, .read)
        } catch {
            if error.code == .missing { return nil }
            throw error
        }
        var latest: EndMark?
        for place in places {
            guard let mark = EndMark(try file.read(bytes, at: place), log: files.id) else { continue }
            if mark.next >= latest?.next ?? mark.next { latest = mark }
        }
        return latest
    }

    /// - Parameter turn: 0, 1, 2 …
    func write(_ turn: Int, to file: any StorageFile, log: LogID) throws(LogError) {
        var writer = ByteWriter()
        writer.put(Self.magic)
        writer.put(Self.version)
        writer.put(UInt32(offset))
        writer.put(log.high)
        writer.put(log.low)
        writer.put(UInt64(segment.ordinal))
        writer.put(segment.first.rawValue)
        writer.put(next.rawValue)
        writer.put(writer.bytes.xxh3())
        try file.writeAll(writer.bytes, at: Self.places[turn % Self.places.count])
        try file.sync()
    }

    private init?(_ found: [UInt8], log: LogID) {
        var reader = ByteReader(found)
        guard found.count == Self.bytes, reader.take(UInt64.self) == Self.magic,
            reader.take(UInt32.self) == Self.version
        else { return nil }
        let offset = Int(reader.take(UInt32.self))
        guard LogID(high: reader.take(), low: reader.take()) == log,
            let ordinal = UInt32(exactly: reader.take(UInt64.self))
        else { return nil }
        let first = Position(rawValue: reader.take())
        let next = Position(rawValue: reader.take())
        guard Array(found[..<reader.offset]).xxh3() == reader.take(UInt64.self) else { return nil }
        self.init(segment: SegmentID(ordinal: ordinal, first: first), offset: offset, next: next)
    }

    /// Holds what was found against this mark.
    func check(_ tail: LogTail, in files: LogFiles) throws(LogError) {
        if tail.next >= next { return }
        guard tail.segment == segment else {
            throw LogError.damage(
                files.directory + "/" + segment.fileName, at: 0,
                "the segment is missing, though the log was acknowledged up to position \(next)")
        }
        throw LogError.damage(
            files.directory + "/" + segment.fileName, at: tail.offset,
            "no whole frame of position \(tail.next), though the log was acknowledged up to position \(next)")
    }
}

/// Keeps the mark of a log that is being written.
final class EndMarkWriter: Sendable {
    private struct State {
        var file: (any StorageFile)?
        var turn = 0
        var written: Position?
    }

    private let files: LogFiles
    private let state = Mutex(State())

    init(files: LogFiles) {
        self.files = files
    }

    func write(_ tail: LogTail) throws(LogError) {
        let result: Result<Void, LogError> = state.withLock { state in
            do throws(LogError) {
                try write(tail, &state)
                return .success(())
            } catch {
                return .failure(error)
            }
        }
        try result.get()
    }

    private func write(_ tail: LogTail, _ state: inout State) throws(LogError) {
        guard state.written != tail.next else { return }
        let file: any StorageFile
        if let known = state.file { file = known } else { file = try open() }
        state.file = file
        try EndMark(tail).write(state.turn, to: file, log: files.id)
        state.turn += 1
        state.written = tail.next
    }

    /// What is there stays: it bounds the log from below as before.
    private func open() throws(LogError) -> any StorageFile {
        let path = files.directory + "/" + EndMark.fileName
        do throws(LogError) {
            return try files.storage.open(path, .write)
        } catch {
            guard error.code == .missing else { throw error }
            let file = try files.storage.open(path, .make)
            try file.reserve(8192)
            try file.sync()
            try files.storage.syncDirectory(files.directory)
            return file
        }
    }
}
