internal import Events
internal import Foundation
internal import GRDB
internal import Projections

/// Where the rows of `open_calls` have what counts of each call that is open.
struct OpenCallIndex {
    /// A stretch of the `states` of a row.
    struct Piece {
        let row: Int64
        let bytes: Range<Int>
    }

    struct Place {
        /// The last of its packed facts, and those before them, if they are elsewhere: the last ones first.
        let last: Piece
        fileprivate(set) var earlier: [Piece] = []
        /// The records that it ever had, in the row of `last`.
        let records: Range<Int>
        let deadline: Timestamp
        let key: CallKey
    }

    /// The newest row first, and the last call of each.
    private(set) var places: [Place] = []

    /// All calls that are open, or those of these keys.
    init(_ db: Database, only keys: Set<CallKey>? = nil) throws {
        // Of each call the place that lacks its first facts; null where nothing more is looked for.
        var seen: [CallKey: Int?] = [:]
        var done = 0
        var begun = 0
        try Self.forEachRow(db) { row, calls in
            // What was said of a call at last counts, in a row as well.
            var end = 0
            for offset in stride(from: 0, to: calls.byteCount, by: OpenCallEntry.bytes) {
                let entry = OpenCallEntry(calls, at: offset)
                end += entry.stateBytes + entry.recordBytes
            }
            for offset in stride(from: 0, to: calls.byteCount, by: OpenCallEntry.bytes).reversed() {
                let entry = OpenCallEntry(calls, at: offset)
                let records = end - entry.recordBytes..<end
                end = records.lowerBound - entry.stateBytes
                if let keys, !keys.contains(entry.key) { continue }
                let piece = Piece(row: row, bytes: end..<records.lowerBound)
                if let known = seen[entry.key] {
                    guard let place = known else { continue }
                    guard entry.isOpen else { throw Self.damaged }
                    places[place].earlier.append(piece)
                    if !entry.isAddition { begun -= 1 }
                } else if entry.isOpen {
                    places.append(
                        Place(last: piece, records: records, deadline: entry.deadline, key: entry.key))
                    if entry.isAddition {
                        seen.updateValue(places.count - 1, forKey: entry.key)
                        begun += 1
                    }
                }
                if !entry.isAddition {
                    seen.updateValue(nil, forKey: entry.key)
                    done += 1
                }
            }
            return keys.map { done < $0.count } ?? true
        }
        // Of these only what was added is there.
        if begun > 0 { throw Self.damaged }
    }

    /// The calls of which any row says that they should have ended by then: all that should, and those of
    /// which an older row said so, until it goes.
    static func keys(_ db: Database, dueBy time: Timestamp) throws -> Set<CallKey> {
        var found: Set<CallKey> = []
        try forEachRow(db) { _, calls in
            for offset in stride(from: 0, to: calls.byteCount, by: OpenCallEntry.bytes) {
                let entry = OpenCallEntry(calls, at: offset)
                if entry.deadline <= time { found.insert(entry.key) }
            }
            return true
        }
        return found
    }

    /// Hands the packed facts of each place over, row by row.
    func forEachState(_ db: Database, _ body: (Place, CallState) throws -> Void) throws {
        try Self.forEachPlace(db, places[...]) { index, state, _ in try body(places[index], state) }
    }

    /// Hands each call over with the records that it ever had.
    func forEachCall(_ db: Database, _ body: (CallKey, EarlierCall) throws -> Void) throws {
        try Self.forEachPlace(db, places[...]) { index, state, bytes in
            guard let records = OpenCallRecords.records(bytes[...]) else { throw Self.damaged }
            try body(places[index].key, EarlierCall(state: state, records: records))
        }
    }

    /// The packed facts of some of the places, in their order.
    static func states(_ db: Database, _ places: ArraySlice<Place>) throws -> [CallState] {
        var found = [CallState](repeating: CallState(restoring: []), count: places.count)
        try forEachPlace(db, places) { index, state, _ in found[index - places.startIndex] = state }
        return found
    }

    private static var damaged: ReadModelError {
        ReadModelError(
            .inconsistent, "the read model's open calls are damaged: `tollbook rebuild` makes it anew")
    }

    /// Reads each row once, the newest first.
    ///
    /// - Parameter body: takes which of the places it is, its packed facts, and the bytes of its records.
    private static func forEachPlace(
        _ db: Database, _ places: ArraySlice<Place>, _ body: (Int, CallState, [UInt8]) throws -> Void
    ) throws {
        var steps: [(place: Int, number: Int, piece: Piece)] = []
        for index in places.indices {
            steps.append((index, 0, places[index].last))
            for (number, piece) in places[index].earlier.enumerated() {
                steps.append((index, number + 1, piece))
            }
        }
        // Those of one place stay in their order, the last facts first.
        steps.sort { ($1.piece.row, $0.number) < ($0.piece.row, $1.number) }
        var row: (number: Int64, states: Data)?
        var begun: [Int: (facts: [Data], records: [UInt8])] = [:]
        for step in steps {
            if row?.number != step.piece.row {
                let found = try Data.fetchOne(
                    db, sql: "SELECT states FROM open_calls WHERE round = ?", arguments: [step.piece.row])
                row = (step.piece.row, found ?? Data())
            }
            let place = places[step.place]
            let end = step.number == 0 ? place.records.upperBound : step.piece.bytes.upperBound
            guard let states = row?.states, end <= states.count else { throw damaged }
            let facts = states[step.piece.bytes]
            if step.number == 0 {
                let records = [UInt8](states[place.records])
                if place.earlier.isEmpty {
                    try body(step.place, CallState(restoring: [UInt8](facts)), records)
                } else {
                    begun[step.place] = ([Data(facts)], records)
                }
                continue
            }
            begun[step.place]?.facts.append(Data(facts))
            if step.number == place.earlier.count, let whole = begun.removeValue(forKey: step.place) {
                let bytes = whole.facts.reversed().reduce(into: [UInt8]()) { $0 += $1 }
                try body(step.place, CallState(restoring: bytes), whole.records)
            }
        }
    }

    /// - Parameter body: takes a row's number and its `calls`; says whether to go on.
    private static func forEachRow(_ db: Database, _ body: (Int64, RawSpan) throws -> Bool) throws {
        let rows = try Row.fetchCursor(db, sql: "SELECT round, calls FROM open_calls ORDER BY round DESC")
        while let row = try rows.next() {
            let calls: Data = row[1]
            guard calls.count.isMultiple(of: OpenCallEntry.bytes) else { throw damaged }
            if try !body(row[0], calls.bytes) { return }
        }
    }
}
