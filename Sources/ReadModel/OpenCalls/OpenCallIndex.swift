internal import Events
internal import Foundation
internal import GRDB
internal import Projections

/// Where the rows of `open_calls` have what counts of each call that is open.
struct OpenCallIndex {
    /// A call's packed facts, within the `states` of a row.
    struct Place {
        let row: Int64
        let bytes: Range<Int>
        /// The records that it ever had, behind that.
        let records: Range<Int>
        let deadline: Timestamp
        let key: CallKey
    }

    /// The newest row first.
    private(set) var places: [Place] = []

    /// All calls that are open, or those of these keys.
    init(_ db: Database, only keys: Set<CallKey>? = nil) throws {
        var seen: Set<CallKey> = []
        try Self.forEachRow(db) { row, calls in
            var start = 0
            for offset in stride(from: 0, to: calls.byteCount, by: OpenCallEntry.bytes) {
                let entry = OpenCallEntry(calls, at: offset)
                let bytes = start..<start + entry.stateBytes
                let records = bytes.upperBound..<bytes.upperBound + entry.recordBytes
                start = records.upperBound
                if let keys, !keys.contains(entry.key) { continue }
                if seen.insert(entry.key).inserted, !bytes.isEmpty {
                    places.append(
                        Place(
                            row: row, bytes: bytes, records: records, deadline: entry.deadline, key: entry.key
                        ))
                }
            }
            return keys.map { seen.count < $0.count } ?? true
        }
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
        try Self.forEachState(db, places, body)
    }

    /// Hands each call over with the records that it ever had.
    func forEachCall(_ db: Database, _ body: (CallKey, EarlierCall) throws -> Void) throws {
        try Self.forEachPlace(db, places) { place, bytes in
            guard let records = OpenCallRecords.records(ArraySlice([UInt8](bytes[place.records]))) else {
                throw Self.damaged
            }
            let state = CallState(restoring: [UInt8](bytes[place.bytes]))
            try body(place.key, EarlierCall(state: state, records: records))
        }
    }

    private static var damaged: ReadModelError {
        ReadModelError(
            .inconsistent, "the read model's open calls are damaged: `tollbook rebuild` makes it anew")
    }

    /// The packed facts of some of the places, in their order.
    static func states(_ db: Database, _ places: ArraySlice<Place>) throws -> [CallState] {
        let byRow = places.indices.sorted {
            (places[$0].row, places[$0].bytes.lowerBound) < (places[$1].row, places[$1].bytes.lowerBound)
        }
        var found = [CallState](repeating: CallState(restoring: []), count: places.count)
        var next = byRow.makeIterator()
        try forEachState(db, byRow.map { places[$0] }) { _, state in
            if let index = next.next() { found[index - places.startIndex] = state }
        }
        return found
    }

    private static func forEachState(
        _ db: Database, _ places: [Place], _ body: (Place, CallState) throws -> Void
    ) throws {
        try forEachPlace(db, places) { place, bytes in
            try body(place, CallState(restoring: [UInt8](bytes[place.bytes])))
        }
    }

    /// Rows are read once where places of one follow each other.
    private static func forEachPlace(
        _ db: Database, _ places: [Place], _ body: (Place, Data) throws -> Void
    ) throws {
        var states: (row: Int64, bytes: Data)?
        for place in places {
            if states?.row != place.row {
                let found = try Data.fetchOne(
                    db, sql: "SELECT states FROM open_calls WHERE round = ?", arguments: [place.row])
                states = (place.row, found ?? Data())
            }
            guard let bytes = states?.bytes, place.records.upperBound <= bytes.count else {
                throw damaged
            }
            try body(place, bytes)
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
