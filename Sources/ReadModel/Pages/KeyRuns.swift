internal import Glibc

/// Gathers the entries of an index on a number as rows are made, and hands them out in order: sorted piece by
/// piece while they are in the processor's cache, the pieces kept in a file without a name and merged in the
/// end. Memory does not grow with the number of rows.
final class KeyRuns {
    /// An entry, as it stands in a run.
    struct Entry: Comparable {
        /// See `KeyOrder.sortable`.
        var number: UInt64
        var row: Int64

        static func < (left: Entry, right: Entry) -> Bool {
            left.number == right.number ? left.row < right.row : left.number < right.number
        }
    }

    private let path: String
    private var descriptor: Int32 = -1
    private var entries: [Entry] = []
    /// Where each run begins and ends in the file, in entries.
    private(set) var runs: [Range<Int>] = []
    private var written = 0
    private let runEntriesMax: Int

    /// - Parameters:
    ///   - path: the file without a name is made beside it.
    ///   - runEntriesMax: how many entries are sorted at a time.
    init(beside path: String, runEntriesMax: Int = ReadModelLimits.keyRunEntriesMax) {
        self.runEntriesMax = runEntriesMax
        self.path = path
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// Adds an entry.
    @inline(__always)
    func add(_ row: Int64, number: Int64) throws {
        if entries.count == runEntriesMax { try endRun() }
        entries.append(Entry(number: KeyOrder.sortable(number), row: row))
    }

    /// Ends gathering: everything is in runs.
    func finish() throws {
        if !entries.isEmpty { try endRun() }
        entries = []
    }

    /// All runs, for the merge; null where there are none.
    func map() throws -> MappedRuns? {
        guard written > 0 else { return nil }
        return try MappedRuns(descriptor, count: written, path: path)
    }

    private func endRun() throws {
        entries.sort()
        if descriptor < 0 {
            let name = path + "-runs"
            // Safety: here and below, the path is lent for the length of the call.
            descriptor = unsafe open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else { throw PageFile.failure(name, errno) }
            // It needs no name, and goes with the last who has it open.
            unsafe unlink(name)
        }
        var done = 0
        while done < entries.count * MemoryLayout<Entry>.stride {
            // Safety: `done` stays below the count.
            let taken = unsafe entries.withUnsafeBytes {
                unsafe write(descriptor, $0.baseAddress.unsafelyUnwrapped + done, $0.count - done)
            }
            if taken < 0, errno == EINTR { continue }
            guard taken > 0 else { throw PageFile.failure(path + "-runs", taken == 0 ? ENOSPC : errno) }
            done += taken
        }
        runs.append(written..<written + entries.count)
        written += entries.count
        entries.removeAll(keepingCapacity: true)
    }
}
