internal import GRDB
internal import GRDBSQLite
internal import Projections

/// New records on their way into the table of a read model that others read, many at once.
///
/// Binding fifty values to a statement, making a row of them and finding a place in each index costs more
/// than all else that is done for a record. So where many come, those of a transaction are laid out as pages
/// of a database in memory with the same table and indexes, and SQLite moves rows and entries as they lie
/// ("transfer optimization", `xferOptimization` in its source). It does so where no index is unique.
///
/// It expects what it moves to go to the end of each index, and would leave pages all but empty elsewhere. So
/// these records begin a part of the table (see `ReadModelSchema.partBits`).
///
/// Whoever looks for records, or changes them, has them moved before. A transaction has room for a few
/// moves; after that `insert` declines, and records have to be bound.
@safe
final class StagedRecords {
    /// A database in memory, attached.
    private struct Schema {
        let name: String
        let move: StatementBox
    }

    // Safety: the connection that all statements here were made for; used on its own thread only.
    private let connection: SQLiteConnection
    private var schemas: [Schema] = []
    /// What SQLite reads as the first of them, one each. Freed or used again once it reads them no more;
    /// without `endTransaction` or `detach`, never.
    private var lent: [PageImage.Finished] = []
    private let image: PageImage
    private var records: IndexedTable
    private var record = RecordBytes()
    private let findLast: StatementBox
    /// Records that are to be moved.
    private var count = 0
    /// A filter of the calls that have records here.
    private var calls = PartFilter()

    /// Attaches the databases; outside any transaction.
    ///
    /// - Parameter db: a read model, with its tables.
    init(_ db: Database) throws {
        precondition(!db.isInsideTransaction, "nothing is attached within a transaction")
        guard let connection = unsafe db.sqliteConnection else {
            throw ReadModelError(.database, "the read model is closed")
        }
        unsafe self.connection = connection
        let names = (0..<ReadModelLimits.stagedMovesMax).map { "staged\($0)" }
        for name in names {
            try db.execute(
                sql: "ATTACH ':memory:' AS \(name); PRAGMA \(name).page_size = \(PageBuilder.bytes)")
        }
        do {
            // As it should be, whatever somebody has made of the read model: SQLite moves nothing as it lies
            // into a table that has other indexes.
            for statement in ReadModelSchema.recordsTable(in: names[0]) { try db.execute(sql: statement) }
            let roots = try BulkTables.Roots(db, schema: names[0])
            image = PageImage(template: try unsafe Self.serialized(connection, names[0]))
            records = IndexedTable(IndexedTable.Shapes.records, roots, in: image) { .few(NumberKeys()) }
            findLast = StatementBox(try Statement(db, "SELECT max(id) FROM main.cdrs"))
            for name in names {
                try unsafe Self.give(image.empty(), to: name, of: connection, isGivenAway: true)
                // A record that is there already would be a fault of ours: nothing of the transaction is to
                // stay, so that SQLite need not be able to undo this statement alone.
                let sql = "INSERT OR ROLLBACK INTO main.cdrs SELECT * FROM \(name).cdrs"
                schemas.append(Schema(name: name, move: StatementBox(try Statement(db, sql))))
            }
        } catch {
            Self.detach(names, from: db)
            throw error
        }
    }

    /// Takes the databases away from their connection; outside any transaction. One that can't go stays until
    /// the connection ends, and what it reads is never freed; whoever attaches it again is told.
    func detach(_ db: Database) {
        let gone = Self.detach(schemas.map(\.name), from: db)
        for (place, image) in lent.enumerated() where gone.contains(schemas[place].name) {
            self.image.giveBack(image)
        }
        lent.removeAll()
    }

    /// - Returns: those that are gone.
    @discardableResult
    private static func detach(_ names: [String], from db: Database) -> [String] {
        names.filter { (try? db.execute(sql: "DETACH \($0)")) != nil }
    }

    /// Whether there is nothing to be moved.
    var isEmpty: Bool { count == 0 }

    /// Takes a new record.
    ///
    /// - Parameter call: a hash of its call's key.
    /// - Returns: its number; null where this transaction has room for no more.
    func insert(_ row: RowBatch.Row, of batch: borrowing RowBatch, call: UInt64) throws -> Int64? {
        if !isEmpty, image.byteCount >= ReadModelLimits.stagedBytesMax { try move() }
        if isEmpty {
            guard lent.count < schemas.count else { return nil }
            try begin()
        }
        try records.append(row, of: batch, &record)
        count += 1
        calls.insert(FilterBits(call))
        return records.lastRow
    }

    /// Whether there may be records of a call here.
    ///
    /// - Parameter call: a hash of its key.
    func mayHold(_ call: UInt64) -> Bool { !isEmpty && calls.mayHave(FilterBits(call)) }

    /// Moves what is here into the read model's table.
    ///
    /// - Returns: how many records that were.
    @discardableResult
    func move() throws -> Int {
        guard !isEmpty else { return 0 }
        try records.finish(&record)
        let schema = schemas[lent.count]
        let finished = image.take()
        do {
            try unsafe Self.give(
                (finished.memory.assumingMemoryBound(to: UInt8.self), finished.bytes), to: schema.name,
                of: connection, isGivenAway: false)
        } catch {
            image.giveBack(finished)
            throw error
        }
        lent.append(finished)
        try schema.move.statement.run()
        calls = PartFilter()
        defer { count = 0 }
        return count
    }

    /// To be called when a transaction has ended: there is room again, and what it has moved is forgotten.
    func endTransaction() throws {
        precondition(isEmpty, "what it had was moved")
        while let finished = lent.last {
            let name = schemas[lent.count - 1].name
            try unsafe Self.give(image.empty(), to: name, of: connection, isGivenAway: true)
            lent.removeLast()
            image.giveBack(finished)
        }
    }

    private func begin() throws {
        try image.begin()
        let last = try findLast.statement.step() ? findLast.statement.readInteger(0) : 0
        findLast.statement.reset()
        let part = KeyShape.part(of: last) + 1
        records.restart(after: part << ReadModelSchema.partBits - 1)
    }

    @unsafe
    private static func serialized(_ connection: SQLiteConnection, _ name: String) throws -> [UInt8] {
        var size: sqlite3_int64 = 0
        // Safety: SQLite's memory of that size, copied and freed.
        guard let bytes = unsafe sqlite3_serialize(connection, name, &size, 0) else {
            throw ReadModelError(.database, "there is no memory for new records")
        }
        defer { unsafe sqlite3_free(bytes) }
        return unsafe [UInt8](UnsafeBufferPointer(start: bytes, count: Int(size)))
    }

    /// Lets SQLite have an image as the database of that name.
    ///
    /// - Parameter isGivenAway: the memory is SQLite's from here on, and freed by it whatever comes. Else it
    ///   is read only, until another image takes its place or the database is detached.
    @unsafe
    private static func give(
        _ image: (memory: UnsafeMutablePointer<UInt8>, bytes: Int), to name: String,
        of connection: SQLiteConnection, isGivenAway: Bool
    ) throws {
        let (memory, bytes) = unsafe image
        let flags = SQLITE_DESERIALIZE_READONLY | (isGivenAway ? SQLITE_DESERIALIZE_FREEONCLOSE : 0)
        // Safety: SQLite's memory, with so many bytes.
        let status = unsafe sqlite3_deserialize(
            connection, name, memory, sqlite3_int64(bytes), sqlite3_int64(bytes),
            UInt32(flags))
        guard status == SQLITE_OK else {
            throw unsafe ReadModelError(
                .database, "new records can't be read: \(String(cString: sqlite3_errmsg(connection)))")
        }
    }
}
