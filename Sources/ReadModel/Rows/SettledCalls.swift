internal import Events
internal import GRDB
internal import Projections

/// Finds the calls that have left memory: their records in the read model, their events in the log.
final class SettledCalls: EarlierCalls {
    private var findRecords: Statement
    private var findWithdrawn: Statement
    private let events: CallEvents
    private let writer: RowWriter

    init(_ db: Database, events: CallEvents, writer: RowWriter) throws {
        let names = CallRecord.columns.map(\.name).joined(separator: ", ")
        findRecords = try Statement(db, "SELECT \(names) FROM cdrs WHERE callid = ? AND from_tag = ?")
        findWithdrawn = try Statement(
            db,
            """
            SELECT to_tag, max(revision) + 1 FROM cdr_revisions
            WHERE callid = ? AND from_tag = ? AND withdrawn = 1 GROUP BY to_tag
            """)
        self.events = events
        self.writer = writer
    }

    func earlier(callID: [UInt8], fromTag: [UInt8], after pending: inout RowBatch) throws -> EarlierCall? {
        if !pending.isEmpty { try writer.write(&pending) }
        var positions: Set<UInt64> = []
        let records = try records(callID: callID, fromTag: fromTag, positions: &positions)
        guard !positions.isEmpty else { return nil }
        let state = try events.state(at: positions.sorted().map { Position(rawValue: $0) })
        return EarlierCall(state: state, records: records)
    }

    /// Every record that a call ever had, withdrawn ones too.
    func records(
        callID: [UInt8], fromTag: [UInt8], positions: inout Set<UInt64>
    ) throws -> [EarlierCall.Record] {
        let revisionColumn = Int32(CallRecord.revisedColumnCount)
        var records: [EarlierCall.Record] = []
        findRecords.bind(callID)
        findRecords.bind(fromTag)
        while try findRecords.step() {
            records.append(
                EarlierCall.Record(
                    toTag: findRecords.readBytes(2), revision: findRecords.readInteger(revisionColumn),
                    content: findRecords.hash(columns: CallRecord.revisedColumnCount)))
            for position in PositionList.parse(findRecords.readBytes(revisionColumn + 1)) {
                positions.insert(position)
            }
        }
        findRecords.reset()
        findWithdrawn.bind(callID)
        findWithdrawn.bind(fromTag)
        while try findWithdrawn.step() {
            let toTag = findWithdrawn.readBytes(0)
            if !records.contains(where: { $0.toTag == toTag }) {
                records.append(
                    EarlierCall.Record(toTag: toTag, revision: findWithdrawn.readInteger(1), content: nil))
            }
        }
        findWithdrawn.reset()
        return records
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
