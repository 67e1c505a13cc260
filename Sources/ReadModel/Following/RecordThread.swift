internal import Events
internal import Foundation
internal import Projections
internal import Synchronization

/// Makes the records of calls that have left memory, on a thread of its own, and hands them to the writing
/// thread: in the order in which it was given them, so that the same log always makes the same rows in the
/// same order.
///
/// One thread uses it.
final class RecordThread: @unchecked Sendable {
    /// Calls to be folded, rows that are made already and come behind them, and what the folds need to know
    /// by now.
    struct Work: Sendable {
        var calls = LeavingCalls()
        var rows = RowBatch()
        var newSources: ArraySlice<SourceEpoch> = []
        var policies: PolicyHistory?
    }

    // Safety: `book` and `sources` belong to the thread from `give` to `finish`; what both touch is in
    // `desk`.
    private var book: CallBook
    private let sources: SourceRegistry
    private let writing: WritingThread

    private struct Desk {
        var works: [Work?] = []
        var spare: [Work] = []
        var failure: (any Error)?
        var isRunning = false
    }

    private let desk = Mutex(Desk())
    private let waiting = DispatchSemaphore(value: 0)
    // Begins at 0: one that ends below where it began is taken for a bug by the system.
    private let room = DispatchSemaphore(value: 0)
    private let ended = DispatchSemaphore(value: 0)

    init(settings: Settings, policies: PolicyHistory, seed: UInt64, writing: WritingThread) {
        sources = SourceRegistry()
        self.writing = writing
        book = CallBook(
            earlierCalls: NoEarlierCalls(), seed: seed, settings: settings, sources: sources,
            policies: policies,
            putsOff: true)
        for _ in 0..<ReadModelLimits.recordWorksMax { room.signal() }
    }

    /// Hands work over and puts an empty one in its place; waits while too much waits already.
    ///
    /// - Throws: what has gone wrong with this or an earlier one.
    func give(_ work: inout Work) throws {
        room.wait()
        let starts = try desk.withLock { desk in
            if let failure = desk.failure {
                room.signal()
                throw failure
            }
            var next = desk.spare.popLast() ?? Work()
            swap(&next, &work)
            desk.works.append(next)
            defer { desk.isRunning = true }
            return !desk.isRunning
        }
        if starts {
            let thread = Thread { self.run() }
            thread.name = "records"
            thread.start()
        }
        waiting.signal()
    }

    /// Waits until all work is done, and ends the thread.
    ///
    /// - Returns: what it has counted.
    /// - Throws: what has gone wrong with any of it.
    func finish() throws -> (StatisticsChanges, FindingSums) {
        stop()
        if let failure = desk.withLock({ $0.failure }) { throw failure }
        return (book.takeStatistics(), book.takeFindingSums())
    }

    /// Ends the thread, after all that it was given.
    func stop() {
        let isRunning = desk.withLock { desk in
            defer { desk.isRunning = false }
            if desk.isRunning { desk.works.append(nil) }
            return desk.isRunning
        }
        guard isRunning else { return }
        waiting.signal()
        ended.wait()
    }

    private func run() {
        while true {
            waiting.wait()
            guard var work = desk.withLock({ $0.works.removeFirst() }) else { break }
            do {
                // After a failure nothing is written any more.
                if desk.withLock({ $0.failure }) == nil { try carryOut(&work) }
            } catch {
                desk.withLock { $0.failure = error }
            }
            work.calls.removeAll()
            work.rows.removeAll()
            desk.withLock { [work] in $0.spare.append(work) }
            room.signal()
        }
        ended.signal()
    }

    private func carryOut(_ work: inout Work) throws {
        for source in work.newSources { _ = sources.index(of: source) }
        if let policies = work.policies { book.use(policies) }
        try book.take(work.calls) { rows in try writing.write(&rows) }
        if !book.rows.isEmpty { try writing.write(&book.rows) }
        if !work.rows.isEmpty { try writing.write(&work.rows) }
    }
}

/// Nothing is known from before.
private final class NoEarlierCalls: EarlierCalls {
    func earlier(
        callID: [UInt8], fromTag: [UInt8], mark: UInt64, after pending: inout RowBatch
    ) throws -> EarlierCall? {
        nil
    }
}
