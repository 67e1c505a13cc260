internal import GRDB
internal import Projections

/// Which parts of the table of records may have some of a call.
///
/// The index by call begins with the part (see `ReadModelSchema.partBits`), so that a call that is looked
/// for is looked for in each: three hundred of them where there are twenty million records, and more where
/// many came at once. A filter of each part says of nearly all that the call is not there. `call_parts` has
/// those of parts before the last, and no others, or they would say of records that came later that they are
/// not there; a part that has none is looked into. Old revisions and findings have no filters: there are
/// fewer of them.
///
/// Once somebody has asked, the shelf holds a byte for each record of full parts, and up to four of others;
/// memory does, where there is no shelf or no room on it.
///
/// Used on the connection that writes the records.
final class CallParts {
    private var load: Statement
    private var scan: Statement
    private var findLast: Statement
    private var keep: Statement
    private var drop: Statement
    /// By part; null until somebody has asked.
    private var full: [Int64: FullPartFilter]?
    /// The part that is being filled; null until something was added, or somebody has asked.
    private var current: (part: Int64, filter: PartFilter)? {
        didSet { currentPart = current?.part ?? -1 }
    }
    /// Its number, -1 for none, at hand for each record without the filter being counted as used.
    private var currentPart: Int64 = -1
    /// Calls of that part which its filter has yet to get: many are put in at once.
    private var added: [UInt64] = []
    private let shelf: (any Shelf)?

    /// - Parameter shelf: for the filters of full parts; null to have them in memory.
    init(_ db: Database, shelf: (any Shelf)? = nil) throws {
        self.shelf = shelf
        load = try Statement(db, "SELECT part, calls FROM call_parts")
        scan = try Statement(
            db, "SELECT callid, from_tag FROM cdrs WHERE id >> \(ReadModelSchema.partBits) = ?")
        findLast = try Statement(db, "SELECT max(id) FROM cdrs WHERE id < ?")
        keep = try Statement(db, "INSERT INTO call_parts VALUES (?, ?)")
        drop = try Statement(db, "DELETE FROM call_parts WHERE part >= ?")
    }

    /// The parts that may have records of a call, in their order.
    ///
    /// - Parameter hash: of its Call-ID and From tag, see `RowBatch`.
    func candidates(_ hash: UInt64) throws -> [Int64] {
        insertAdded()
        let current = try makeCurrent(before: .max)
        let full = try loadFull()
        let bits = FilterBits(hash)
        return (0..<current.part).filter { full[$0]?.mayHave(bits) ?? true }
            + (current.filter.mayHave(bits) ? [current.part] : [])
    }

    /// Takes note of a record that was just inserted.
    func add(_ row: Int64, _ hash: UInt64) throws {
        let part = KeyShape.part(of: row)
        if part == currentPart {
            added.append(hash)
            if added.count == Self.addedMax { insertAdded() }
            return
        }
        insertAdded()
        // The last records were withdrawn, and their numbers are used again.
        if let current, part < current.part { (self.current, full) = (nil, nil) }
        // As it was before: this record may be the first of its part.
        var now = try makeCurrent(before: row)
        if part > now.part {
            now.filter.shrink()
            keep.blob(now.filter.bytes)
            keep.integer(now.part)
            try keep.run()
            if full != nil { full?[now.part] = FullPartFilter(now.filter, shelf) }
            now = (part, PartFilter())
            current = now
        }
        now.filter.insert(FilterBits(hash))
    }

    private static let addedMax = 1_024

    private func insertAdded() {
        if added.isEmpty { return }
        current?.filter.insert(added)
        added.removeAll(keepingCapacity: true)
    }

    /// The part that has the last record, and its filter.
    ///
    /// - Parameter row: the number of a record that is not to count.
    private func makeCurrent(before row: Int64) throws -> (part: Int64, filter: PartFilter) {
        if let current { return current }
        findLast.integer(row)
        let last = try findLast.step() ? findLast.readInteger(0) : 0
        findLast.reset()
        let part = KeyShape.part(of: last)
        drop.integer(part)
        try drop.run()
        let filter = PartFilter()
        scan.integer(part)
        while try scan.step() {
            filter.insert(FilterBits(RowBatch.hash(of: [scan.readBytes(0), scan.readBytes(1)])))
        }
        scan.reset()
        current = (part, filter)
        return (part, filter)
    }

    private func loadFull() throws -> [Int64: FullPartFilter] {
        if let full { return full }
        var loaded: [Int64: FullPartFilter] = [:]
        while try load.step() {
            loaded[load.readInteger(0)] = PartFilter(load.readBytes(1)).map { FullPartFilter($0, shelf) }
        }
        load.reset()
        full = loaded
        return loaded
    }
}
