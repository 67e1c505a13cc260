internal import GRDB
internal import Projections

/// Writes batches of rows into the read model's tables: one prepared statement for each operation.
///
/// All calls come inside a transaction of the writing thread's, but for those that say otherwise.
final class RowWriter {
    /// By the operation's raw value.
    private var statements: [StatementBox] = []
    private var prunings: [StatementBox] = []
    private let subtractFindings: StatementBox
    private let setMeta: Int
    /// Whether statistics have changed since the last commit.
    private var hasStatistics = false
    /// Microseconds from start to end of the longest call that was ever recorded: how far back a span of time
    /// can reach into the records.
    private(set) var longest: Int64
    private var longestWritten: Int64

    /// The numbers of records that were written lately, by a hash of their key; 0 for none. The statements
    /// look whether it is that record.
    private var recent = [Int64](repeating: 0, count: ReadModelLimits.recentRecordsMax)
    private var byNumber: [RowBatch.Operation: StatementBox] = [:]

    private let parts: CallParts
    /// Null until there were many new records in a transaction.
    private var staged: StagedRecords?
    private let stagedRecordsMin: Int
    /// New records of this transaction, and whether they are staged: the last one had many.
    private var newRecords = 0
    private var stages = false

    private static let startedAt = CallRecord.columns.firstIndex { $0.name == "started_at" } ?? 0
    private static let endedAt = CallRecord.columns.firstIndex { $0.name == "ended_at" } ?? 0

    /// - Parameter stagedRecordsMin: new records of a transaction from which the next one's are staged.
    init(
        _ db: Database, _ parts: CallParts, stagedRecordsMin: Int = ReadModelLimits.stagedRecordsMin
    ) throws {
        self.parts = parts
        self.stagedRecordsMin = stagedRecordsMin
        longest = try ReadModelDatabase.meta(db, "longest_call_us")
        longestWritten = longest
        setMeta = Int(RowBatch.Operation.setMeta.rawValue)
        for operation in RowBatch.Operation.allCases {
            statements.append(StatementBox(try Statement(db, operation.sql)))
        }
        for operation in [RowBatch.Operation.supersede, .replaceRecord, .deleteRecord] {
            byNumber[operation] = StatementBox(
                try Statement(db, operation.sql + " AND id = ?\(RowBatch.Operation.numberPlace)"))
        }
        for bucket in ["hour", "source", "user_agent"] {
            let sql = "DELETE FROM statistics_\(bucket) WHERE calls = 0"
            prunings.append(StatementBox(try Statement(db, sql)))
        }
        prunings.append(StatementBox(try Statement(db, "DELETE FROM finding_sums WHERE calls = 0")))
        subtractFindings = StatementBox(try Statement(db, Self.subtracting))
    }

    /// Takes a call's findings out of the sums, before they are deleted.
    private static let subtracting = """
        INSERT INTO finding_sums
        SELECT user_agent, code, severity, -count(*), -1 FROM findings
        WHERE callid = ?1 AND from_tag = ?2 GROUP BY user_agent, code
        UNION ALL SELECT DISTINCT user_agent, '', '', 0, -1 FROM findings
        WHERE callid = ?1 AND from_tag = ?2
        ON CONFLICT DO UPDATE SET findings = findings + excluded.findings, calls = calls + excluded.calls
        """

    /// Writes a batch's rows in their order.
    func write(_ batch: borrowing RowBatch) throws {
        for row in batch.rows {
            switch row.operation {
            case .insertRecord, .replaceRecord: measure(row, of: batch)
            case .addByHour, .deleteFindings: hasStatistics = true
            default: break
            }
            if row.operation == .deleteFindings { try subtractFindings.statement.run(row, of: batch) }
            try write(row, of: batch)
        }
    }

    /// A record that was written lately is found by its number, any other by its key.
    private func write(_ row: RowBatch.Row, of batch: borrowing RowBatch) throws {
        let statement = statements[Int(row.operation.rawValue)]
        switch row.operation {
        case .insertRecord: try insert(row, of: batch)
        case .supersede, .replaceRecord, .deleteRecord:
            if let staged, !staged.isEmpty { try move(batch.hash(of: row, count: 2)) }
            guard let known = byNumber[row.operation] else { preconditionFailure("made in init") }
            let number = recent[place(row, of: batch)]
            if number > 0, try known.statement.run(row, of: batch, number: number) > 0 { return }
            try statement.statement.run(row, of: batch)
        default: try statement.statement.run(row, of: batch)
        }
    }

    private func insert(_ row: RowBatch.Row, of batch: borrowing RowBatch) throws {
        newRecords += 1
        let call = batch.hash(of: row, count: 2)
        let number: Int64
        if stages, let stagedNumber = try staged?.insert(row, of: batch, call: call) {
            number = stagedNumber
        } else {
            let statement = statements[Int(row.operation.rawValue)]
            try statement.statement.run(row, of: batch)
            number = statement.statement.insertedRow
        }
        recent[place(row, of: batch)] = number
        try parts.add(number, call)
    }

    /// To be called before a transaction begins.
    func begin(_ db: Database) throws {
        // A few are bound sooner than they are laid out, and must not make a part of their own each time.
        stages = newRecords >= stagedRecordsMin
        newRecords = 0
        if stages, staged == nil { staged = try StagedRecords(db) }
    }

    /// To be called when a transaction has been committed.
    func committed() throws { try staged?.endTransaction() }

    /// To be called before a call's records are looked for.
    func move(_ call: CallName) throws {
        try move(RowBatch.hash(of: [call.callID, call.fromTag]))
    }

    /// - Parameter call: a hash of its key.
    private func move(_ call: UInt64) throws {
        if staged?.mayHold(call) == true { try moveAll() }
    }

    /// To be called before any records are looked for.
    func moveAll() throws {
        guard let staged, !staged.isEmpty else { return }
        // Each move begins a part: one of few records is to be filled by those that follow.
        if try staged.move() < stagedRecordsMin { stages = false }
    }

    /// Gives up what it holds besides statements; outside any transaction.
    func stop(_ db: Database) { staged?.detach(db) }

    /// Where `recent` has a record with this row's key, unless another has taken the place.
    private static func place(_ hash: UInt64) -> Int {
        Int(truncatingIfNeeded: hash) & (ReadModelLimits.recentRecordsMax - 1)
    }

    /// Takes note of the number of a record that was found.
    func note(_ number: Int64, of call: CallName, toTag: [UInt8]) {
        recent[Self.place(RowBatch.hash(of: [call.callID, call.fromTag, toTag]))] = number
    }

    private func place(_ row: RowBatch.Row, of batch: borrowing RowBatch) -> Int {
        Self.place(batch.hash(of: row, count: 3))
    }

    /// What has to be done before a commit, besides the rows.
    func finish() throws {
        try staged?.move()
        if hasStatistics {
            for pruning in prunings { try pruning.statement.run() }
            hasStatistics = false
        }
        if longest != longestWritten {
            statements[setMeta].statement.bind("longest_call_us")
            statements[setMeta].statement.integer(longest)
            try statements[setMeta].statement.run()
            longestWritten = longest
        }
    }

    /// Takes note of records that others have written.
    func note(longest other: Int64) { longest = max(longest, other) }

    private func measure(_ row: RowBatch.Row, of batch: borrowing RowBatch) {
        guard case .integer(let start) = batch.cells[row.cells.lowerBound + Self.startedAt],
            case .integer(let end) = batch.cells[row.cells.lowerBound + Self.endedAt]
        else { return }
        longest = max(longest, end - start)
    }
}

extension RowBatch.Operation {
    /// The parameter behind all cells of any row about a record.
    fileprivate static let numberPlace = CallRecord.columns.count + LegTimer.columns.count + 1

    /// The statement that carries it out; its parameters are the row's cells.
    fileprivate var sql: String {
        let columns = CallRecord.columns + LegTimer.columns
        let names = columns.map(\.name).joined(separator: ", ")
        let places = columns.indices.map { "?\($0 + 1)" }.joined(separator: ", ")
        return switch self {
        case .insertRecord: "INSERT INTO cdrs (\(names)) VALUES (\(places))"
        case .replaceRecord: Self.replacing
        case .supersede: Self.superseding
        case .insertRevision: "INSERT INTO cdr_revisions VALUES (?, ?, ?, ?, ?, ?, ?, NULL)"
        case .deleteRecord: "DELETE FROM cdrs WHERE \(Self.itsKey)"
        case .insertFinding: "INSERT INTO findings VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)"
        case .deleteFindings: "DELETE FROM findings WHERE callid = ? AND from_tag = ?"
        case .addFindings:
            """
            INSERT INTO finding_sums VALUES (?, ?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET findings = findings + excluded.findings, calls = calls + excluded.calls
            """
        case .keepOpenCalls: "INSERT INTO open_calls VALUES (?, ?, ?)"
        case .keepMarks: "INSERT OR REPLACE INTO call_marks VALUES (?, ?)"
        case .dropOpenCalls: "DELETE FROM open_calls WHERE round < ?"
        case .addByHour: Self.adding("hour")
        case .addBySource: Self.adding("source")
        case .addByUserAgent: Self.adding("user_agent")
        case .setSource: "INSERT OR REPLACE INTO sources VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        case .setGap: "INSERT OR REPLACE INTO gaps VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        case .insertPolicy: "INSERT INTO policies VALUES (?, ?, ?, ?, ?)"
        case .insertSourceEpoch: "INSERT INTO source_epochs VALUES (?, ?, ?)"
        case .setMeta: "INSERT OR REPLACE INTO meta VALUES (?, ?)"
        }
    }

    private static var superseding: String {
        let members = CallRecord.columns.prefix(CallRecord.revisedColumnCount).map { column in
            column.kind == .json
                ? "'\(column.name)', json(\(column.name))" : "'\(column.name)', \(column.name)"
        }.joined(separator: ", ")
        return """
            INSERT INTO cdr_revisions
            SELECT callid, from_tag, to_tag, revision, ?4, ?5, json_object(\(members)), NULL FROM cdrs
            WHERE \(itsKey)
            """
    }

    /// The record that a row is about, by its first three cells.
    private static let itsKey = "callid = ?1 AND from_tag = ?2 AND to_tag = ?3"

    private static var replacing: String {
        let names = (CallRecord.columns + LegTimer.columns).map(\.name)
        let changes = names.indices.dropFirst(3).map { "\(names[$0]) = ?\($0 + 1)" }
        return "UPDATE cdrs SET \(changes.joined(separator: ", ")) WHERE \(itsKey)"
    }

    private static func adding(_ bucket: String) -> String {
        let names = TimerStatistics.Counter.allCases.map(\.name)
        let places = names.map { _ in "?" }.joined(separator: ", ")
        let sums = names.map { "\($0) = \($0) + excluded.\($0)" }.joined(separator: ", ")
        return """
            INSERT INTO statistics_\(bucket) VALUES (?, \(places))
            ON CONFLICT DO UPDATE SET \(sums)
            """
    }
}
