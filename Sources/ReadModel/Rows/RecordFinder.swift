internal import Events
internal import GRDB
internal import Projections

/// What the read model holds of a call that has left memory.
struct KnownCall: Sendable {
    /// Every record that it ever had, withdrawn ones too.
    var records: [EarlierCall.Record] = []
    /// Where its events stand in the log; empty for a call without a record.
    var positions: Set<UInt64> = []
    /// The To tags and row numbers of the records that stand.
    var rows: [(toTag: [UInt8], number: Int64)] = []
}

/// The call's key, as bytes: a Call-ID may hold a NUL.
struct CallName: Sendable {
    let callID: [UInt8]
    let fromTag: [UInt8]
}

/// Looks calls up among the records. Used inside a transaction of whoever writes them.
final class RecordFinder {
    private var findRecords: Statement
    private var findWithdrawn: Statement
    private var findTouched: Statement
    private var findEnded: Statement
    private var findLast: Statement
    private let parts: CallParts

    /// The records of a call in a part.
    static let findingRecords = """
        SELECT \(CallRecord.columns.map(\.name).joined(separator: ", ")), id FROM cdrs
        WHERE id >> \(ReadModelSchema.partBits) = ? AND callid = ? AND from_tag = ?
        """

    init(_ db: Database, _ parts: CallParts) throws {
        self.parts = parts
        findRecords = try Statement(db, Self.findingRecords)
        findWithdrawn = try Statement(
            db,
            """
            SELECT to_tag, max(revision) + 1 FROM cdr_revisions
            WHERE callid = ? AND from_tag = ? AND withdrawn = 1 GROUP BY to_tag
            """)
        findTouched = try Statement(
            db,
            """
            SELECT DISTINCT callid, from_tag FROM cdrs
            WHERE started_at <= ?1 AND started_at >= ?4 AND ended_at >= ?2
            AND EXISTS (SELECT 1 FROM json_each(cdrs.sources) WHERE value = ?3)
            ORDER BY callid, from_tag
            """)
        findEnded = try Statement(
            db,
            """
            SELECT started_at, id, callid, from_tag FROM cdrs
            WHERE id >> \(ReadModelSchema.partBits) = ?6
            AND started_at >= ?1 AND (started_at, id) > (?1, ?2) AND ended_at >= ?3 AND ended_at < ?4
            ORDER BY started_at, id LIMIT ?5
            """)
        findLast = try Statement(db, "SELECT max(id) FROM cdrs")
    }

    func call(_ name: CallName) throws -> KnownCall {
        var call = KnownCall()
        for part in try parts.candidates(RowBatch.hash(of: [name.callID, name.fromTag])) {
            try read(name, in: part, into: &call)
        }
        findWithdrawn.bind(name.callID)
        findWithdrawn.bind(name.fromTag)
        while try findWithdrawn.step() {
            let toTag = findWithdrawn.readBytes(0)
            if !call.records.contains(where: { $0.toTag == toTag }) {
                call.records.append(
                    EarlierCall.Record(toTag: toTag, revision: findWithdrawn.readInteger(1), content: nil))
            }
        }
        findWithdrawn.reset()
        return call
    }

    private func read(_ name: CallName, in part: Int64, into call: inout KnownCall) throws {
        let revisionColumn = Int32(CallRecord.revisedColumnCount)
        findRecords.integer(part)
        findRecords.bind(name.callID)
        findRecords.bind(name.fromTag)
        while try findRecords.step() {
            let toTag = findRecords.readBytes(2)
            call.rows.append((toTag, findRecords.readInteger(Int32(CallRecord.columns.count))))
            call.records.append(
                EarlierCall.Record(
                    toTag: toTag, revision: findRecords.readInteger(revisionColumn),
                    content: findRecords.hash(columns: CallRecord.revisedColumnCount)))
            for position in PositionList.parse(findRecords.readBytes(revisionColumn + 1)) {
                call.positions.insert(position)
            }
        }
        findRecords.reset()
    }

    /// The calls that follow a page; none behind the last.
    ///
    /// - Parameter longest: microseconds that no call was longer than.
    func page(after page: CallPage, longest: Int64) throws -> CallPage {
        let last = try findLast.step() ? findLast.readInteger(0) : 0
        findLast.reset()
        var next = page
        next.calls.removeAll(keepingCapacity: true)
        while next.part <= KeyShape.part(of: last) {
            try read(&next, longest: longest)
            if !next.calls.isEmpty { return next }
            next.part += 1
            next.last = nil
        }
        return next
    }

    /// Reads what follows of the page's part.
    private func read(_ page: inout CallPage, longest: Int64) throws {
        findEnded.integer(page.last?.startedAt ?? page.span.from.rawValue - longest)
        findEnded.integer(page.last?.row ?? 0)
        findEnded.integer(page.span.from.rawValue)
        findEnded.integer(page.span.until?.rawValue ?? Int64.max)
        findEnded.integer(Int64(CallPage.recordsMax))
        findEnded.integer(page.part)
        while try findEnded.step() {
            page.last = (findEnded.readInteger(0), findEnded.readInteger(1))
            page.append(findEnded.readBytes(2), findEnded.readBytes(3))
        }
        findEnded.reset()
    }

    /// The calls with a record whose source and time a gap touches.
    ///
    /// - Parameter longest: microseconds that no call was longer than.
    func calls(touchedBy gap: Gap, longest: Int64) throws -> [CallName] {
        findTouched.integer(gap.before?.rawValue ?? Int64.max)
        findTouched.integer(gap.after?.rawValue ?? Int64.min)
        findTouched.bind(gap.sourceEpoch.source.description)
        findTouched.integer(gap.after.map { $0.rawValue - longest } ?? Int64.min)
        var calls: [CallName] = []
        while try findTouched.step() {
            calls.append(CallName(callID: findTouched.readBytes(0), fromTag: findTouched.readBytes(1)))
        }
        findTouched.reset()
        return calls
    }
}

/// Some of the calls of which a record ended within a time, and where the next ones begin.
struct CallPage: Sendable {
    let span: PolicyHistory.Span
    fileprivate(set) var calls: [CallName] = []
    /// The part of the table that was read last.
    fileprivate var part: Int64 = 0
    /// The last record of it that was read: its `started_at` and its row; null before the first.
    fileprivate var last: (startedAt: Int64, row: Int64)?

    /// Records that are read at a time.
    static let recordsMax = 1_024

    init(endedIn span: PolicyHistory.Span) {
        self.span = span
    }

    /// The legs of a call stand side by side, so that most calls come once.
    fileprivate mutating func append(_ callID: [UInt8], _ fromTag: [UInt8]) {
        if let last = calls.last, last.callID == callID, last.fromTag == fromTag { return }
        calls.append(CallName(callID: callID, fromTag: fromTag))
    }
}

/// Reads the JSON lists of positions that records hold.
enum PositionList {
    static func parse(_ text: [UInt8]) -> [UInt64] {
        var positions: [UInt64] = []
        var value: UInt64?
        for byte in text {
            if byte >= 0x30, byte <= 0x39 {
                value = (value ?? 0) * 10 + UInt64(byte - 0x30)
            } else if let finished = value {
                positions.append(finished)
                value = nil
            }
        }
        return positions
    }
}
