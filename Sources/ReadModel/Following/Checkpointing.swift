internal import Foundation
internal import GRDB
internal import GRDBSQLite
internal import Synchronization

/// Moves what was committed out of SQLite's write-ahead log into the file, on a thread of its own: a commit
/// that did it would stand still for a second while a disk is busy with the log of events.
///
/// What is committed meanwhile is left over. The thread goes on until that is little; the rest is moved right
/// behind a commit, when nothing comes in between, and SQLite begins its log anew.
final class Checkpointing: Sendable {
    private enum State {
        case idle
        case running
        /// Most of it is moved, or it has failed.
        case moved(failure: ReadModelError?)
    }

    private struct Desk {
        var state = State.idle
        var isOver = false
        /// Pages of the write-ahead log at which the next turn begins.
        var due: Int
    }

    private let desk: Mutex<Desk>
    private let pagesMax: Int
    /// Pages in the write-ahead log after the last commit.
    let pages = Atomic<Int>(0)
    private let wanted = DispatchSemaphore(value: 0)
    private let ended = DispatchSemaphore(value: 0)
    private let path: String

    /// Begins to look after a connection, which is that of the one who calls `committed`.
    ///
    /// - Parameter pagesMax: pages of the write-ahead log at which they are moved; an eighth may be left to
    ///   the one who commits.
    /// - Throws: where the file can't be opened a second time.
    init(_ db: Database, path: String, pagesMax: Int = ReadModelLimits.checkpointPages) throws {
        self.path = path
        self.pagesMax = pagesMax
        desk = Mutex(Desk(due: pagesMax))
        guard let connection = unsafe db.sqliteConnection else {
            throw ReadModelError(.database, "the read model is closed")
        }
        let queue = try DatabaseQueue(path: path)
        // Safety: the hook is taken away in `stop`, before this object goes.
        unsafe sqlite3_wal_hook(
            connection,
            { context, _, _, pages in
                if let context = unsafe context {
                    let own = unsafe Unmanaged<Checkpointing>.fromOpaque(context).takeUnretainedValue()
                    own.pages.store(Int(pages), ordering: .relaxed)
                }
                return SQLITE_OK
            }, Unmanaged.passUnretained(self).toOpaque())
        let thread = Thread { self.run(queue) }
        thread.name = "checkpoint"
        thread.start()
    }

    /// Ends the thread, and the looking after the connection.
    func stop(_ db: Database) {
        // Safety: the connection is open.
        if let connection = unsafe db.sqliteConnection { unsafe sqlite3_wal_hook(connection, nil, nil) }
        desk.withLock { $0.isOver = true }
        wanted.signal()
        ended.wait()
    }

    /// Called behind each commit, outside any transaction.
    ///
    /// - Throws: what has gone wrong here or on the thread.
    func committed(_ db: Database) throws {
        let pages = pages.load(ordering: .relaxed)
        let (begins, ends) = desk.withLock { desk in
            // It has begun anew.
            if pages < pagesMax { desk.due = pagesMax }
            switch desk.state {
            case .idle where pages >= desk.due:
                desk.state = .running
                return (true, false)
            case .moved: return (false, true)
            case .idle, .running: return (false, false)
            }
        }
        if begins { wanted.signal() }
        guard ends else { return }
        let failure = desk.withLock { desk in
            defer { desk.state = .idle }
            guard case .moved(let failure) = desk.state else { return nil as ReadModelError? }
            return failure
        }
        if let failure { throw failure }
        let (all, moved) = try Self.move(db)
        // Somebody who reads an old moment keeps the rest from being moved: not so soon again.
        if moved < all {
            desk.withLock { $0.due = max($0.due, all + pagesMax / 8) }
        }
    }

    private func run(_ queue: DatabaseQueue) {
        while true {
            wanted.wait()
            if desk.withLock({ $0.isOver }) { break }
            var failure: ReadModelError?
            do {
                try moveMost(queue)
            } catch let error as DatabaseError {
                failure = ReadModelDatabase.explained(error, path: path)
            } catch {
                failure = ReadModelError(error)
            }
            desk.withLock { $0.state = .moved(failure: failure) }
        }
        // Who waits for the end may be about to close the file, which is whole behind the last connection.
        // One that can't be closed leaves SQLite's log beside the file, where the next to open it finds it.
        try? queue.close()
        ended.signal()
    }

    /// Goes on as long as each turn leaves less than the one before, and more than a little.
    private func moveMost(_ queue: DatabaseQueue) throws {
        var leftBefore = Int.max
        while true {
            let (_, moved) = try queue.writeWithoutTransaction { db in try Self.move(db) }
            let left = pages.load(ordering: .relaxed) - moved
            if left <= pagesMax / 8 || left >= leftBefore { return }
            leftBefore = left
        }
    }

    /// Moves what can be moved without anybody waiting.
    ///
    /// - Returns: pages in the write-ahead log, and how many of them are moved by now.
    private static func move(_ db: Database) throws -> (all: Int, moved: Int) {
        guard let row = try Row.fetchOne(db, sql: "PRAGMA wal_checkpoint(PASSIVE)") else { return (0, 0) }
        return (row[1], row[2])
    }
}
