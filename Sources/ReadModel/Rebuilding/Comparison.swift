package import EventLog
package import Events
internal import GRDB
internal import Projections

/// Holds a read model against one that is made anew from the log: the rows of each table, and where they are
/// not the same, row by row.
package enum Comparison {
    /// A row, or a column of it, that is not the same.
    package struct Difference: Sendable {
        package enum Kind: Sendable {
            /// The rebuilt read model has the row, the one in use has not.
            case missing
            /// The other way round.
            case surplus
            case column(name: String, kept: String, rebuilt: String)
        }

        package let table: String
        /// What tells the row from the others of its table.
        package let key: String
        package let kind: Kind
    }

    package struct Table: Sendable {
        package let name: String
        /// Rows of the rebuilt one.
        package let rows: Int
        /// Rows that are not the same.
        package let differences: Int
    }

    package struct Report: Sendable {
        /// Everything before this position was compared.
        package let next: Position
        package let tables: [Table]
        /// The first ones of each table.
        package let examples: [Difference]

        package var isEqual: Bool { tables.allSatisfy { $0.differences == 0 } }
    }

    /// Rebuilds into a file beside the read model, which is left as it is and may be written meanwhile: one
    /// moment of it is compared.
    ///
    /// - Parameters:
    ///   - examplesMax: how many differences of a table are told one by one.
    ///   - settledMax: how many ended calls the rebuild keeps in memory.
    ///   - progress: is told the position of the rebuild now and then.
    ///   - comparing: is told now and then how many rows have been read to compare them, of both together.
    package static func run(
        readModel path: String, log: LogDirectory, examplesMax: Int = 20,
        settledMax: Int = Projections.Limits.settledCallsInMemoryMax,
        progress: (Position) -> Void = { _ in }, comparing: (Int) -> Void = { _ in }
    ) throws -> Report {
        let reader = try ReadModelReader(path: path)
        let (recipe, next) = try reader.read { (try $0.recipe, $0.next) }
        let checkPath = path + ".check"
        let rebuild = try Rebuild(log, at: checkPath, recipe: recipe, settledMax: settledMax)
        defer { try? Rebuild.remove(checkPath) }
        try rebuild.advance(to: next, progress: progress)
        return try reader.read { snapshot in
            // What came in the meantime is little, so that the moment that is held on to stays short.
            try log.waitUntilDurable(snapshot.next)
            try rebuild.advance(to: snapshot.next, progress: progress)
            try rebuild.finish()
            let other = try DatabaseQueue(path: checkPath)
            return try other.read { rebuilt in
                try compare(
                    snapshot, ReadModelSnapshot(rebuilt), examplesMax: examplesMax, progress: comparing)
            }
        }
    }

    /// Looks first whether a table holds the same rows in both, in whatever order: to put them all in order
    /// takes many times as long, and as much room again as both tables, in TMPDIR.
    private static func compare(
        _ keptSnapshot: ReadModelSnapshot, _ rebuiltSnapshot: ReadModelSnapshot, examplesMax: Int,
        progress: (Int) -> Void
    ) throws -> Report {
        let (kept, rebuilt) = (keptSnapshot.db, rebuiltSnapshot.db)
        var tables: [Table] = []
        var examples: [Difference] = []
        var rowsRead = 0
        for table in ReadModelSchema.comparedTables {
            // Rows have other numbers where they came in another order.
            let columns = try rebuilt.columns(in: table.name).map(\.name).filter { $0 != "id" }
            let keys = table.order.split(separator: ",").map { $0.trimmed }
            let listed = (keys + columns.filter { !keys.contains($0) })
            let names = listed.map { "\"\($0)\"" }.joined(separator: ", ")
            let selection = "SELECT \(names) FROM \(table.name)"
            let sum = try RowSum(RowReading(kept, selection)) { progress(rowsRead + $0) }
            rowsRead += sum.rows
            let rebuiltSum = try RowSum(RowReading(rebuilt, selection)) { progress(rowsRead + $0) }
            rowsRead += rebuiltSum.rows
            if sum == rebuiltSum {
                tables.append(Table(name: table.name, rows: sum.rows, differences: 0))
                continue
            }
            let sql = "\(selection) ORDER BY \(table.order)"
            var merge = TableMerge(
                table: table.name, columns: listed, keyCount: keys.count, kept: try RowReading(kept, sql),
                rebuilt: try RowReading(rebuilt, sql))
            try merge.run(examplesMax: examplesMax) { progress(rowsRead + $0) }
            rowsRead += merge.rowsRead
            tables.append(Table(name: table.name, rows: merge.rows, differences: merge.differences))
            examples += merge.examples
        }
        let openCalls = try compareOpenCalls(keptSnapshot, rebuiltSnapshot, examplesMax: examplesMax)
        tables.append(openCalls.table)
        examples += openCalls.examples
        return Report(next: keptSnapshot.next, tables: tables, examples: examples)
    }
}

extension LogDirectory {
    /// A log that somebody else writes is looked at again where a read model is ahead of what was seen of it.
    fileprivate func waitUntilDurable(_ next: Position) throws {
        guard durable.next < next else { return }
        try wait(for: Position(rawValue: next.rawValue - 1), atMost: .seconds(5))
    }
}

extension Substring {
    fileprivate var trimmed: String {
        String(drop { $0 == " " })
    }
}

/// What the rows of a table are together, in whatever order they come: how many, and the sum of their hashes,
/// of 128 bits. Two tables with other rows have the same by chance alone.
struct RowSum: Equatable {
    private(set) var rows = 0
    private var low: UInt64 = 0
    private var high: UInt64 = 0

    /// - Parameter progress: is told now and then how many rows have been read.
    init(_ reading: consuming RowReading, progress: (Int) -> Void = { _ in }) throws {
        while try reading.step() {
            let hash = reading.hash()
            low &+= hash.low
            high &+= hash.high
            rows += 1
            if rows.isMultiple(of: ReadModelLimits.rowsComparedUntold) { progress(rows) }
        }
    }
}

/// Goes through the rows of one table in both read models, in the order of their keys.
private struct TableMerge: ~Copyable {
    let table: String
    let columns: [String]
    let keyCount: Int
    var kept: RowReading
    var rebuilt: RowReading
    private(set) var rows = 0
    /// Of both.
    private(set) var rowsRead = 0
    private(set) var differences = 0
    private(set) var examples: [Comparison.Difference] = []

    init(
        table: String, columns: [String], keyCount: Int, kept: consuming RowReading,
        rebuilt: consuming RowReading
    ) {
        self.table = table
        self.columns = columns
        self.keyCount = keyCount
        self.kept = kept
        self.rebuilt = rebuilt
    }

    /// - Parameter progress: is told now and then how many rows have been read.
    mutating func run(examplesMax: Int, progress: (Int) -> Void) throws {
        var hasKept = try kept.step()
        var hasRebuilt = try rebuilt.step()
        while hasKept || hasRebuilt {
            let order = hasKept && hasRebuilt ? compareKeys() : hasKept ? -1 : 1
            if order < 0 {
                note(.surplus, key: key(kept), examplesMax)
            } else if order > 0 {
                note(.missing, key: key(rebuilt), examplesMax)
            } else {
                compareColumns(examplesMax)
            }
            if order >= 0 { rows += 1 }
            rowsRead += order == 0 ? 2 : 1
            if rows.isMultiple(of: ReadModelLimits.rowsComparedUntold) { progress(rowsRead) }
            if order <= 0 { hasKept = try kept.step() }
            if order >= 0 { hasRebuilt = try rebuilt.step() }
        }
    }

    private func compareKeys() -> Int {
        for column in 0..<keyCount {
            let order = kept.compare(column, with: rebuilt)
            if order != 0 { return order }
        }
        return 0
    }

    private mutating func compareColumns(_ examplesMax: Int) {
        var isSame = true
        for column in keyCount..<columns.count where kept.compare(column, with: rebuilt) != 0 {
            if isSame { differences += 1 }
            isSame = false
            guard examples.count < examplesMax else { return }
            examples.append(
                Comparison.Difference(
                    table: table, key: key(kept),
                    kind: .column(
                        name: columns[column], kept: kept.text(column), rebuilt: rebuilt.text(column))))
        }
    }

    private mutating func note(_ kind: Comparison.Difference.Kind, key: String, _ examplesMax: Int) {
        differences += 1
        guard examples.count < examplesMax else { return }
        examples.append(Comparison.Difference(table: table, key: key, kind: kind))
    }

    private func key(_ reading: borrowing RowReading) -> String {
        var parts: [String] = []
        for column in 0..<keyCount { parts.append("\(columns[column]) \(reading.text(column))") }
        return parts.joined(separator: ", ")
    }
}
