internal import Glibc

/// What the entries of an index consist of, besides the rowid.
struct KeyShape {
    /// How many texts come first, three at most.
    let texts: Int
    /// Whether a number follows them.
    let hasNumber: Bool
    /// Whether the part of the table that a row belongs to comes before all of it.
    var beginsWithPart = false

    /// Which part that is.
    static func part(of row: Int64) -> Int64 { row >> ReadModelSchema.partBits }
}

/// Gathers the entries of an index as rows are made, and hands them out in order: sorted piece by piece while
/// they are in the processor's cache, the pieces kept in a file without a name and merged in the end. Memory
/// does not grow with the number of rows.
@safe
final class KeyRuns {
    private struct Entry {
        /// What is compared first: the beginning of the first text, or the number where there is no text.
        var prefix: UInt64
        var row: Int64
        /// Where the texts begin, after their lengths.
        var start: Int32
    }

    let shape: KeyShape
    private let path: String
    private var descriptor: Int32 = -1
    private var entries: [Entry] = []
    /// Lengths, texts and number of each entry that has texts, as they stand in a run.
    private var texts: [UInt8] = []
    private var sorted: [UInt8] = []
    /// Where each run begins and ends in the file.
    private(set) var runs: [Range<Int>] = []
    private var written = 0
    private let runEntriesMax: Int

    /// Prefix and row of an entry in a run, then its size.
    static let headBytes = 20

    /// - Parameters:
    ///   - path: the file without a name is made beside it.
    ///   - runEntriesMax: how many entries are sorted at a time.
    init(
        _ shape: KeyShape, beside path: String, runEntriesMax: Int = ReadModelLimits.keyRunEntriesMax
    ) {
        self.runEntriesMax = runEntriesMax
        self.shape = shape
        self.path = path
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// Adds an entry.
    @unsafe
    @inline(__always)
    func add(_ row: Int64, texts parts: [3 of UnsafeRawBufferPointer], number: Int64 = 0) throws {
        if !shape.beginsWithPart,
            entries.count == runEntriesMax || texts.count > ReadModelLimits.keyRunBytesMax
        {
            try endRun()
        }
        guard shape.texts > 0 else {
            entries.append(Entry(prefix: KeyOrder.sortable(number), row: row, start: 0))
            return
        }
        let start = Int32(truncatingIfNeeded: texts.count)
        for index in 0..<shape.texts {
            let length = unsafe parts[index].count
            texts.append(UInt8(truncatingIfNeeded: length))
            texts.append(UInt8(truncatingIfNeeded: length >> 8))
        }
        // Safety: read during the call.
        for index in 0..<shape.texts { unsafe texts.append(contentsOf: parts[index]) }
        if shape.hasNumber {
            for shift in 0..<8 {
                texts.append(UInt8(truncatingIfNeeded: KeyOrder.sortable(number) >> UInt64(56 - 8 * shift)))
            }
        }
        entries.append(unsafe Entry(prefix: KeyOrder.prefix(parts[0]), row: row, start: start))
    }

    /// Ends gathering: everything is in runs.
    func finish() throws {
        if !entries.isEmpty { try endRun() }
        (entries, texts, sorted) = ([], [], [])
    }

    /// All runs, for the merge; null where there are none.
    func map() throws -> MappedRuns? {
        guard written > 0 else { return nil }
        return try MappedRuns(descriptor, count: written, path: path)
    }

    /// Puts what was gathered into its index, and forgets it: the entries of a part, which follow those of
    /// the parts before.
    ///
    /// - Parameter isUnique: whether no two may agree in all but the rowid.
    func drain(into tree: inout IndexTree, _ record: inout RecordBytes, isUnique: Bool) throws {
        sortEntries()
        let shape = shape
        // Safety: the array is read during the call.
        try unsafe texts.withUnsafeBytes { bytes in
            var before: UnsafeRawPointer?
            for entry in entries {
                guard let base = bytes.baseAddress else { return }
                let start = unsafe base + Int(entry.start)
                if isUnique, let last = unsafe before, unsafe KeyOrder.compare(last, start, shape) == 0 {
                    throw KeyMerge.twice
                }
                unsafe before = start
                // Safety: an entry of this shape; the record stays as it is during the call.
                unsafe record.lay(entry: start, shape, part: KeyShape.part(of: entry.row), row: entry.row)
                try unsafe tree.append(record.bytes)
            }
        }
        entries.removeAll(keepingCapacity: true)
        texts.removeAll(keepingCapacity: true)
    }

    private func sortEntries() {
        let shape = shape
        // Safety: the array is read during the call.
        unsafe texts.withUnsafeBytes { bytes in
            entries.sort {
                if $0.prefix != $1.prefix { return $0.prefix < $1.prefix }
                // Safety: an entry's start is that of its texts.
                if shape.texts > 0, let base = bytes.baseAddress {
                    let order = unsafe KeyOrder.compare(base + Int($0.start), base + Int($1.start), shape)
                    if order != 0 { return order < 0 }
                }
                return $0.row < $1.row
            }
        }
    }

    private func endRun() throws {
        sortEntries()
        let shape = shape
        sorted.removeAll(keepingCapacity: true)
        unsafe texts.withUnsafeBytes { bytes in
            for entry in entries {
                // Safety: as above.
                let size =
                    unsafe shape.texts > 0 ? KeyOrder.size(bytes.baseAddress! + Int(entry.start), shape) : 0
                unsafe withUnsafeBytes(of: entry.prefix) { unsafe sorted.append(contentsOf: $0) }
                unsafe withUnsafeBytes(of: entry.row) { unsafe sorted.append(contentsOf: $0) }
                unsafe withUnsafeBytes(of: UInt32(size)) { unsafe sorted.append(contentsOf: $0) }
                if size > 0 {
                    unsafe sorted.append(
                        contentsOf: UnsafeRawBufferPointer(
                            rebasing: bytes[Int(entry.start)..<Int(entry.start) + size]))
                }
            }
        }
        try writeRun()
        entries.removeAll(keepingCapacity: true)
        texts.removeAll(keepingCapacity: true)
    }

    private func writeRun() throws {
        if descriptor < 0 {
            let name = path + "-runs"
            // Safety: here and below, the path is lent for the length of the call.
            descriptor = unsafe open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else { throw PageFile.failure(name, errno) }
            // It needs no name, and goes with the last who has it open.
            unsafe unlink(name)
        }
        var done = 0
        while done < sorted.count {
            // Safety: `done` stays below the count.
            let taken = unsafe sorted.withUnsafeBytes {
                unsafe write(descriptor, $0.baseAddress.unsafelyUnwrapped + done, $0.count - done)
            }
            if taken < 0, errno == EINTR { continue }
            guard taken > 0 else { throw PageFile.failure(path + "-runs", taken == 0 ? ENOSPC : errno) }
            done += taken
        }
        runs.append(written..<written + sorted.count)
        written += sorted.count
    }
}

/// How entries are ordered: as SQLite orders texts (byte by byte) and numbers.
enum KeyOrder {
    /// A number so that unsigned comparison orders it.
    static func sortable(_ value: Int64) -> UInt64 { UInt64(bitPattern: value) ^ (1 << 63) }
    static func number(_ sortable: UInt64) -> Int64 { Int64(bitPattern: sortable ^ (1 << 63)) }

    /// The first eight bytes of a text, the first one highest; a shorter text ends in zeros.
    @unsafe
    @inline(__always)
    static func prefix(_ text: UnsafeRawBufferPointer) -> UInt64 {
        // Safety: no more than the text is read.
        if text.count >= 8 { return unsafe UInt64(bigEndian: text.loadUnaligned(as: UInt64.self)) }
        var value: UInt64 = 0
        for index in 0..<8 { value = unsafe value << 8 | (index < text.count ? UInt64(text[index]) : 0) }
        return value
    }

    /// Bytes that an entry's lengths, texts and number take.
    @unsafe
    @inline(__always)
    static func size(_ entry: UnsafeRawPointer, _ shape: KeyShape) -> Int {
        var size = 2 * shape.texts + (shape.hasNumber ? 8 : 0)
        // Safety: the entry has so many texts.
        for index in 0..<shape.texts { size += unsafe length(entry, index) }
        return size
    }

    @unsafe
    @inline(__always)
    static func length(_ entry: UnsafeRawPointer, _ index: Int) -> Int {
        // Safety: the lengths come first.
        unsafe Int(entry.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self).littleEndian)
    }

    /// Below, at or above 0 as the first entry stands before, with or behind the second.
    @unsafe
    static func compare(_ left: UnsafeRawPointer, _ right: UnsafeRawPointer, _ shape: KeyShape) -> Int {
        var leftText = unsafe left + 2 * shape.texts
        var rightText = unsafe right + 2 * shape.texts
        for index in 0..<shape.texts {
            let (leftCount, rightCount) = unsafe (length(left, index), length(right, index))
            // Safety: the texts follow the lengths, one behind the other.
            let order = unsafe memcmp(leftText, rightText, min(leftCount, rightCount))
            if order != 0 { return Int(order) }
            if leftCount != rightCount { return leftCount - rightCount }
            unsafe leftText += leftCount
            unsafe rightText += rightCount
        }
        return unsafe shape.hasNumber ? Int(memcmp(leftText, rightText, 8)) : 0
    }
}

extension RecordBytes {
    /// Lays out an index entry as `KeyRuns` gathers it: lengths, texts and number, one behind the other.
    @unsafe
    mutating func lay(entry: UnsafeRawPointer, _ shape: KeyShape, part: Int64?, row: Int64) {
        var lengths: [3 of Int] = [0, 0, 0]
        var textBytes = 0
        for index in 0..<shape.texts {
            lengths[index] = unsafe KeyOrder.length(entry, index)
            textBytes += lengths[index]
        }
        let texts = unsafe entry + 2 * shape.texts
        // Safety: the caller's entry has this shape.
        let number =
            unsafe shape.hasNumber
            ? KeyOrder.number(UInt64(bigEndian: (texts + textBytes).loadUnaligned(as: UInt64.self))) : nil
        unsafe lay(
            part: part, texts: UnsafeRawBufferPointer(start: texts, count: textBytes), lengths: lengths,
            count: shape.texts, number: number, row: row)
    }
}
