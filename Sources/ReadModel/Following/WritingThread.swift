internal import Events
internal import Foundation
internal import GRDB
internal import Projections
internal import Synchronization

/// The thread that writes the read model, so that folding goes on meanwhile. It takes batches of rows in the
/// order in which they were handed over, commits where it is told to, and answers what the folds have to ask.
///
/// It has the read model's one connection for writing in the middle of every round. One other thread uses it;
/// while tables are filled, rows come from a second one, and the first asks nothing.
final class WritingThread: Sendable {
    private enum Order: Sendable {
        case write(RowBatch)
        case commit(Position)
        case land(longest: Int64)
        case find(CallName)
        case findTouched(Gap)
        case readPage(CallPage)
        case answer
        case stop
    }

    private enum Answer: Sendable {
        case none
        case call(KnownCall)
        case calls([CallName])
        case page(CallPage)
    }

    private struct Desk {
        var orders: [Order] = []
        /// Written, to be filled again; a few.
        var spare: [RowBatch] = []
        var answer: Result<Answer, ReadModelError>?
        var failure: ReadModelError?
    }

    private let desk = Mutex(Desk())
    /// Orders that have not been taken.
    private let waiting = DispatchSemaphore(value: 0)
    /// Batches that may still be handed over.
    private let room = DispatchSemaphore(value: ReadModelLimits.rowBatchesMax)
    private let answered = DispatchSemaphore(value: 0)
    private let ended = DispatchSemaphore(value: 0)
    private let isRunning = Atomic<Bool>(false)
    private let committedNext: Atomic<UInt64>

    private let stagedRecordsMin: Int

    /// - Parameters:
    ///   - next: what the read model says of itself so far.
    ///   - stagedRecordsMin: see `RowWriter`.
    init(next: Position, stagedRecordsMin: Int = ReadModelLimits.stagedRecordsMin) {
        self.stagedRecordsMin = stagedRecordsMin
        committedNext = Atomic(next.rawValue)
    }

    /// Takes the connection; nobody else may write from now on.
    func start(_ database: ReadModelDatabase) {
        start {
            self.run(database)
            self.ended.signal()
        }
    }

    /// Fills a fresh read model's large tables first, until it is told to land; goes on as any other then.
    ///
    /// - Parameter open: opens the read model, once its tables are filled.
    func start(
        filling tables: @escaping @Sendable () throws -> BulkTables,
        then open: @escaping @Sendable () throws -> ReadModelDatabase
    ) {
        start {
            self.run(filling: tables, then: open)
            self.ended.signal()
        }
    }

    private func start(_ body: @escaping @Sendable () -> Void) {
        isRunning.store(true, ordering: .releasing)
        let thread = Thread(block: body)
        thread.name = "read model"
        thread.start()
    }

    /// The position of the next event after the last commit.
    var committed: Position { Position(rawValue: committedNext.load(ordering: .acquiring)) }

    /// Hands a batch over and puts an empty one in its place; waits while too many wait already.
    ///
    /// - Throws: what has gone wrong with this or an earlier one.
    func write(_ batch: inout RowBatch) throws {
        room.wait()
        try desk.withLock { desk in
            if let failure = desk.failure {
                room.signal()
                throw failure
            }
            var next = desk.spare.popLast() ?? RowBatch()
            swap(&next, &batch)
            desk.orders.append(.write(next))
        }
        waiting.signal()
    }

    /// Commits everything that was handed over; while tables are filled it is only noted, nobody reads them
    /// yet.
    func commit(_ next: Position) {
        give(.commit(next))
    }

    /// Ends filling tables: what is handed over from now on may change what is there, and questions are
    /// answered.
    ///
    /// - Parameter longest: microseconds that a record said a call was long, before it said something else.
    func land(longest: Int64) {
        give(.land(longest: longest))
    }

    /// Waits until everything is done.
    ///
    /// - Throws: what has gone wrong with any of it.
    func settle() throws {
        _ = try ask(.answer)
    }

    /// What the read model holds of a call.
    ///
    /// - Parameter overtaking: whether all of its rows are committed, so that nothing that waits to be
    ///   written has to come first. Not while tables are filled.
    func call(_ name: CallName, overtaking: Bool) throws -> KnownCall {
        guard case .call(let call) = try ask(.find(name), overtaking: overtaking) else {
            preconditionFailure("another's answer")
        }
        return call
    }

    func calls(touchedBy gap: Gap) throws -> [CallName] {
        guard case .calls(let calls) = try ask(.findTouched(gap)) else {
            preconditionFailure("another's answer")
        }
        return calls
    }

    /// The page of calls that follows one.
    func next(_ page: CallPage) throws -> CallPage {
        guard case .page(let next) = try ask(.readPage(page)) else { preconditionFailure("another's answer") }
        return next
    }

    /// Ends the thread, after all that it was told; what was not committed is forgotten. The read model may
    /// be closed afterwards.
    func stop() {
        guard isRunning.exchange(false, ordering: .acquiringAndReleasing) else { return }
        give(.stop)
        ended.wait()
    }

    /// The same where everything was to be written, the read model closed after it was filled.
    ///
    /// - Throws: what has gone wrong with any of it.
    func finish() throws {
        try settle()
        stop()
        if let failure = desk.withLock({ $0.failure }) { throw failure }
    }

    private func give(_ order: Order, overtaking: Bool = false) {
        desk.withLock { $0.orders.insert(order, at: overtaking ? 0 : $0.orders.count) }
        waiting.signal()
    }

    private func ask(_ question: Order, overtaking: Bool = false) throws -> Answer {
        give(question, overtaking: overtaking)
        answered.wait()
        let answer = desk.withLock { desk in
            defer { desk.answer = nil }
            return desk.answer
        }
        guard let answer else { preconditionFailure("an answer was given") }
        return try answer.get()
    }
}

extension WritingThread {
    private func run(filling tables: () throws -> BulkTables, then open: () throws -> ReadModelDatabase) {
        let database: ReadModelDatabase
        let longest: Int64
        do {
            let tables = try tables()
            guard let longestBefore = try fill(tables) else { return }
            database = try open()
            longest = max(tables.longest, longestBefore)
        } catch {
            desk.withLock { $0.failure = ReadModelError(error) }
            return refuse()
        }
        run(database, longest: longest)
        do {
            try database.close()
        } catch {
            desk.withLock { $0.failure = ReadModelError(error) }
        }
    }

    /// Fills tables until they are whole.
    ///
    /// - Returns: what it was told on landing; null where it was told to stop before.
    private func fill(_ tables: BulkTables) throws -> Int64? {
        while true {
            let order = take()
            switch order {
            case .write(var batch):
                do {
                    try tables.take(batch)
                } catch {
                    room.signal()
                    throw error
                }
                putBack(&batch)
                room.signal()
            case .commit(let next): committedNext.store(next.rawValue, ordering: .releasing)
            case .land(let longest):
                try tables.finish()
                return longest
            case .stop: return nil
            case .answer: answer(.success(.none))
            case .find, .findTouched, .readPage: preconditionFailure("it has not landed")
            }
        }
    }

    private func run(_ database: ReadModelDatabase, longest: Int64 = 0) {
        do {
            let work = try database.write { db in try Work(db, database, stagedRecordsMin) }
            defer { database.pool.writeWithoutTransaction { db in work.stop(db) } }
            work.writer.note(longest: longest)
            // The connection is held from the first order of a transaction to its end, and no longer.
            var goesOn = true
            while goesOn {
                let order = take()
                goesOn = try database.write { db in try follow(order, work, db) }
            }
        } catch {
            desk.withLock { $0.failure = ReadModelError(error) }
            refuse()
        }
    }

    /// Carries an order out, and those that follow until no transaction is open.
    ///
    /// - Returns: whether there is more to come.
    private func follow(_ first: Order, _ work: Work, _ db: Database) throws -> Bool {
        var order = first
        while true {
            if case .stop = order {
                try work.forget(db)
                return false
            }
            do {
                try carryOut(order, work, db)
            } catch {
                desk.withLock { $0.failure = ReadModelError(error) }
                refuse(order)
                // A full disk may have undone the transaction already.
                if db.isInsideTransaction { try work.forget(db) }
                throw error
            }
            if !work.isInTransaction { return true }
            order = take()
        }
    }

    private func carryOut(_ order: Order, _ work: Work, _ db: Database) throws {
        switch order {
        case .write(var batch):
            try work.write(batch, db)
            putBack(&batch)
            room.signal()
        case .commit(let next):
            try work.commit()
            committedNext.store(next.rawValue, ordering: .releasing)
            try work.checkpointing?.committed(db)
        case .find(let name):
            try work.writer.move(name)
            let call = try work.finder.call(name)
            for row in call.rows { work.writer.note(row.number, of: name, toTag: row.toTag) }
            answer(.success(.call(call)))
        case .findTouched(let gap):
            try work.writer.moveAll()
            let calls = try work.finder.calls(touchedBy: gap, longest: work.writer.longest)
            answer(.success(.calls(calls)))
        case .readPage(let page):
            try work.writer.moveAll()
            answer(.success(.page(try work.finder.page(after: page, longest: work.writer.longest))))
        case .answer: answer(.success(.none))
        case .land: break
        case .stop: preconditionFailure("it is not for this to stop")
        }
    }

    /// Has a batch that was written filled again; what is beyond a few goes, with its memory.
    private func putBack(_ batch: inout RowBatch) {
        batch.removeAll()
        desk.withLock { [batch] desk in
            if desk.spare.count < ReadModelLimits.rowBatchesKeptMax { desk.spare.append(batch) }
        }
    }

    private func take() -> Order {
        waiting.wait()
        return desk.withLock { $0.orders.removeFirst() }
    }

    private func answer(_ answer: Result<Answer, ReadModelError>) {
        desk.withLock { $0.answer = answer }
        answered.signal()
    }

    /// After a failure: nobody may wait for ever, and everybody is told.
    private func refuse() {
        while true {
            let order = take()
            if case .stop = order { return }
            refuse(order)
        }
    }

    private func refuse(_ order: Order) {
        guard let failure = desk.withLock({ $0.failure }) else { preconditionFailure("a failure was noted") }
        switch order {
        case .write: room.signal()
        case .find, .findTouched, .readPage, .answer: answer(.failure(failure))
        case .commit, .land, .stop: break
        }
    }
}

/// What the thread works with, for as long as it has the connection.
private final class Work {
    let writer: RowWriter
    let finder: RecordFinder
    private var begin: Statement
    /// Changes nothing, and has nobody else write from then on.
    private var claim: Statement
    private var end: Statement
    private(set) var isInTransaction = false

    /// Null where there is no write-ahead log.
    let checkpointing: Checkpointing?

    init(_ db: Database, _ database: ReadModelDatabase, _ stagedRecordsMin: Int) throws {
        let parts = try CallParts(db, shelf: FileShelf(beside: database.path))
        writer = try RowWriter(db, parts, stagedRecordsMin: stagedRecordsMin)
        finder = try RecordFinder(db, parts)
        // Not an immediate one: that would begin to read what is attached, which changes meanwhile.
        begin = try Statement(db, "BEGIN")
        claim = try Statement(db, "DELETE FROM main.open_calls WHERE round < 0")
        end = try Statement(db, "COMMIT")
        // Last: it has a thread, which somebody must end.
        checkpointing = database.use == .live ? try Checkpointing(db, path: database.path) : nil
    }

    func stop(_ db: Database) {
        checkpointing?.stop(db)
        writer.stop(db)
    }

    func write(_ batch: borrowing RowBatch, _ db: Database) throws {
        if !isInTransaction {
            try writer.begin(db)
            try begin.run()
            isInTransaction = true
            try claim.run()
        }
        try writer.write(batch)
    }

    func commit() throws {
        guard isInTransaction else { return }
        try writer.finish()
        try end.run()
        isInTransaction = false
        try writer.committed()
    }

    func forget(_ db: Database) throws {
        guard isInTransaction else { return }
        isInTransaction = false
        try db.execute(sql: "ROLLBACK")
    }
}
