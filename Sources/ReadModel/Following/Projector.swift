package import EventLog
package import Events
internal import GRDB
internal import Projections

/// Takes the log's frames in order and keeps the read model what the log makes it. Rows and position are
/// committed together, so that a crash at any moment costs a repetition and nothing else.
///
/// One thread uses a projector; another decodes ahead of it, and a third writes.
package final class Projector {
    private let writing: WritingThread
    private var line: FoldLine
    private var hasFailed = false

    /// How many events are committed in one transaction unless it is asked for others, and read before others
    /// get a turn.
    package static let roundEventsMax = 65_536

    /// - Parameters:
    ///   - settledMax: how many ended calls stay in memory.
    ///   - stagedRecordsMin: new records of a round from which those of the next are moved many at once; null
    ///     for what is fastest.
    package init(
        _ database: ReadModelDatabase, log: LogDirectory,
        settledMax: Int = Projections.Limits.settledCallsInMemoryMax, stagedRecordsMin: Int? = nil
    ) throws {
        let start = try database.loadStart(log: log)
        writing = WritingThread(
            next: start.next, stagedRecordsMin: stagedRecordsMin ?? ReadModelLimits.stagedRecordsMin)
        line = try FoldLine(
            start, log: log, writing: writing, keepsOpenLast: database.use == .rebuild, putsOff: false,
            settledMax: settledMax, shelf: FileShelf(beside: database.path))
        try line.restoreOpenCalls(database)
        writing.start(database)
    }

    /// Fills a read model that has just been made, and that nobody has open: as long as records need not be
    /// looked for, they are written past SQLite.
    ///
    /// - Parameter database: is closed, and opened again when its large tables are filled.
    init(
        filling database: consuming ReadModelDatabase, log: LogDirectory,
        settledMax: Int = Projections.Limits.settledCallsInMemoryMax
    ) throws {
        let start = try database.loadStart(log: log)
        precondition(start.next == .first, "a fresh read model")
        let (path, id) = (database.path, log.id)
        let roots = try database.write { db in try BulkTables.Roots(db) }
        try database.close()
        writing = WritingThread(next: start.next)
        line = try FoldLine(
            start, log: log, writing: writing, keepsOpenLast: true, putsOff: true, settledMax: settledMax,
            shelf: FileShelf(beside: path))
        writing.start {
            try BulkTables(path: path, roots: roots)
        } then: {
            try ReadModelDatabase(path: path, logID: id, use: .rebuild)
        }
    }

    deinit {
        line.stop()
        writing.stop()
    }

    /// The position of the next event to be folded.
    package var next: Position { line.next }

    /// The position of the next event after what the read model has, and readers see.
    package var committed: Position { writing.committed }

    /// How many calls are in memory, and how many there were at most.
    package var callsInMemory: (now: Int, most: Int) { line.callsInMemory }

    /// Folds what is durable, up to `limit`, in rounds of one transaction each.
    ///
    /// - Returns: whether anything was there to fold. If not, everything is committed; a round may still be
    ///   being written while the next is folded.
    @discardableResult
    package func advance(to limit: Position? = nil, round: Int = roundEventsMax) throws -> Bool {
        guard !hasFailed else {
            throw ReadModelError(
                .inconsistent, "the projector has failed before: start over from the read model")
        }
        guard try line.readFrame(before: limit) else {
            try settle()
            return false
        }
        hasFailed = true
        try line.takeRound(of: round, before: limit)
        try line.finishRound()
        hasFailed = false
        return true
    }

    /// Waits until everything that was folded is committed.
    package func settle() throws {
        do {
            try writing.settle()
        } catch {
            hasFailed = true
            throw error
        }
    }

    /// Writes what was put off to the end of a rebuild. Nothing may be projected afterwards.
    func finish() throws {
        guard !hasFailed else { return }
        hasFailed = true
        try line.finishRound(isLast: true)
        try writing.finish()
    }
}
