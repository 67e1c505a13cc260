internal import Events
internal import Foundation
internal import GRDB
internal import Projections

/// Reads records in the order of (started_at, callid, from_tag, to_tag, id), however many there are, without
/// sorting all of them.
///
/// The index by start begins with the part of the table, so that it has no such order by itself. Read is one
/// window of time after another, each looked for in all parts and sorted; windows grow and shrink so that
/// each has some thousands of records. No more than those are ever sorted at once: where a window has more,
/// the next begins behind the last of them.
struct RecordsByStart {
    private let db: Database
    let sql: String
    private let arguments: StatementArguments
    private let filter: CallRecordFilter
    private let columnCount: Int
    private let lastPart: Int64

    /// Records of a window at most.
    private let recordsMax: Int
    /// Microseconds that the first window is long.
    private static let firstStep: Int64 = 60_000_000

    private struct Key {
        var startedAt: Int64
        /// Call-ID, From tag, To tag, as bytes: they may hold a NUL.
        var texts: [Data]
        var id: Int64
    }

    /// - Parameters:
    ///   - columns: what is read of a record.
    ///   - recordsMax: how many are sorted at once; null for what is fastest.
    init(
        _ db: Database, columns: [String], _ filter: CallRecordFilter = CallRecordFilter(),
        recordsMax: Int? = nil
    ) throws {
        self.db = db
        self.filter = filter
        lastPart = KeyShape.part(of: try Int64.fetchOne(db, sql: "SELECT max(id) FROM cdrs") ?? 0)
        // Each window is looked for in every part.
        self.recordsMax = recordsMax ?? max(ReadModelLimits.recordsSortedMax, 8 * Int(lastPart))
        columnCount = columns.count
        let (conditions, arguments) = filter.partsBesidesTime
        self.arguments = arguments
        // No bytes may come as null.
        let text = "ifnull(CAST(? AS TEXT), '')"
        sql = """
            SELECT \(columns.joined(separator: ", ")), started_at, callid, from_tag, to_tag, id
            FROM cdrs
            WHERE started_at >= ? AND started_at <= ?
            AND (started_at, callid, from_tag, to_tag, id) > (?, \(text), \(text), \(text), ?)
            \(conditions.map { "AND " + $0 }.joined(separator: " "))
            ORDER BY started_at, callid, from_tag, to_tag, id LIMIT ?
            """
    }

    /// Hands over one record after another, in their order.
    func readAll(_ body: (Row) throws -> Void) throws {
        let until = filter.until?.rawValue
        guard until != .min else { return }
        let end = until.map { $0 - 1 } ?? .max
        let since = filter.since?.rawValue ?? .min
        guard since <= end else { return }
        // Behind no record.
        var last = Key(startedAt: .min, texts: Array(repeating: Data(), count: 3), id: 0)
        if filter.callID != nil {
            // A call is looked for by its Call-ID; what comes of that needs no windows.
            while try read(since...end, behind: &last, body) == recordsMax {}
            return
        }
        var step = Self.firstStep
        var from = try firstStart(at: since)
        while let start = from, start <= end {
            let (sum, isOver) = start.addingReportingOverflow(step - 1)
            let window = start...min(isOver ? .max : sum, end)
            let count = try read(window, behind: &last, body)
            if count == recordsMax {
                from = last.startedAt
                step = max(1, step / 4)
                continue
            }
            if window.upperBound == end { return }
            let next = window.upperBound + 1
            from = count == 0 ? try firstStart(at: next) : next
            if count < recordsMax / 4, step < .max / 4 { step *= 4 }
        }
    }

    /// Reads a window's records behind one; returns how many there were.
    private func read(
        _ window: ClosedRange<Int64>, behind last: inout Key, _ body: (Row) throws -> Void
    ) throws -> Int {
        var bound: StatementArguments = [window.lowerBound, window.upperBound, last.startedAt]
        bound += StatementArguments(last.texts)
        bound += [last.id]
        bound += arguments
        bound += [recordsMax]
        let rows = try Row.fetchCursor(db, sql: sql, arguments: bound)
        var count = 0
        while let row = try rows.next() {
            count += 1
            try body(row)
            if count == recordsMax {
                last = Key(
                    startedAt: row[columnCount],
                    texts: (1...3).map { row[columnCount + $0] as Data }, id: row[columnCount + 4])
            }
        }
        return count
    }

    /// When the first record from a time on starts; null where there is none.
    private func firstStart(at time: Int64) throws -> Int64? {
        let find = try db.cachedStatement(
            sql: """
                SELECT started_at FROM cdrs WHERE id >> \(ReadModelSchema.partBits) = ? AND started_at >= ?
                ORDER BY started_at LIMIT 1
                """)
        var first: Int64?
        for part in 0...lastPart {
            if let start = try Int64.fetchOne(find, arguments: [part, time]) {
                first = min(first ?? start, start)
            }
        }
        return first
    }
}
