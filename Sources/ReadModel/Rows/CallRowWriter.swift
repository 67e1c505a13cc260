internal import EventLog
package import Events
internal import GRDB
package import Projections

/// Writes what a `CallBook` concludes into the read model's tables, and finds what it has put away.
///
/// All calls come inside one write transaction of the projector's.
package final class CallRowWriter: CallRows {
    private var insertRecord: Statement
    private var replaceRecord: Statement
    private var deleteRecord: Statement
    private var insertRevision: Statement
    private var insertFinding: Statement
    private var deleteFindings: Statement
    private var findRecords: Statement
    private var findRevisions: Statement
    private let events: CallEvents
    /// Whether there may be records of calls that are not in memory: not in a fresh read model's first calls.
    package var mayHaveEarlier: Bool

    init(_ db: Database, events: CallEvents, mayHaveEarlier: Bool) throws {
        let columns = CallRecord.columns + LegTimer.columns
        let names = columns.map(\.name).joined(separator: ", ")
        let places = columns.map { _ in "?" }.joined(separator: ", ")
        insertRecord = try Statement(db, "INSERT INTO cdrs (\(names)) VALUES (\(places))")
        replaceRecord = try Statement(
            db,
            """
            UPDATE cdrs SET (\(names)) = (\(places))
            WHERE callid = ?1 AND from_tag = ?2 AND to_tag = ?3
            """)
        deleteRecord = try Statement(db, "DELETE FROM cdrs WHERE callid = ? AND from_tag = ? AND to_tag = ?")
        insertRevision = try Statement(db, "INSERT INTO cdr_revisions VALUES (?, ?, ?, ?, ?, ?, ?)")
        insertFinding = try Statement(db, "INSERT INTO findings VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
        deleteFindings = try Statement(db, "DELETE FROM findings WHERE callid = ? AND from_tag = ?")
        findRecords = try Statement(
            db, "SELECT to_tag, revision, positions FROM cdrs WHERE callid = ? AND from_tag = ?")
        findRevisions = try Statement(
            db,
            """
            SELECT to_tag, max(revision + withdrawn) FROM cdr_revisions
            WHERE callid = ? AND from_tag = ? GROUP BY to_tag
            """)
        self.events = events
        self.mayHaveEarlier = mayHaveEarlier
    }

    package func put(
        _ revision: RecordRevision, of fold: borrowing CallFold, common: borrowing CallCommon
    ) throws {
        if let old = revision.old {
            if !revision.isSameRevision {
                try supersede(
                    toTag: fold.toTag(revision.record), old: old, revision: revision.revision - 1,
                    by: revision.position, isWithdrawn: false, of: fold)
            }
            try Self.run(&replaceRecord, revision, fold, common)
        } else {
            try Self.run(&insertRecord, revision, fold, common)
        }
    }

    package func withdraw(
        toTag: [UInt8], old: [UInt8], revision: Int64, by position: Position, of fold: borrowing CallFold
    ) throws {
        try supersede(toTag: toTag, old: old, revision: revision, by: position, isWithdrawn: true, of: fold)
        deleteRecord.text(fold.bytes[fold.callID.range])
        deleteRecord.text(fold.bytes[fold.fromTag.range])
        deleteRecord.bytes(toTag)
        try deleteRecord.run()
    }

    package func replaceFindings(_ findings: [Finding], of fold: borrowing CallFold, hadSome: Bool) throws {
        if hadSome {
            deleteFindings.text(fold.bytes[fold.callID.range])
            deleteFindings.text(fold.bytes[fold.fromTag.range])
            try deleteFindings.run()
        }
        var positions: [UInt8] = []
        for finding in findings {
            insertFinding.word(finding.code.rawValue)
            insertFinding.word(finding.code.severity.name)
            insertFinding.text(fold.bytes[fold.callID.range])
            insertFinding.text(fold.bytes[fold.fromTag.range])
            if let toTag = finding.toTag {
                insertFinding.text(fold.bytes[toTag.range])
            } else {
                insertFinding.word("")
            }
            insertFinding.integer(finding.at.rawValue)
            positions.removeAll(keepingCapacity: true)
            CallCommon.append(finding.positions, to: &positions)
            insertFinding.json(positions[...])
            insertFinding.json(finding.detail[...])
            try insertFinding.run()
        }
    }

    package func earlier(callID: [UInt8], fromTag: [UInt8]) throws -> EarlierCall? {
        guard mayHaveEarlier else { return nil }
        var revisions: [(toTag: [UInt8], revision: Int64)] = []
        var positions: Set<UInt64> = []
        findRecords.bytes(callID)
        findRecords.bytes(fromTag)
        while try findRecords.step() {
            revisions.append((findRecords.readBytes(0), findRecords.readInteger(1)))
            for position in PositionList.parse(findRecords.readBytes(2)) { positions.insert(position) }
        }
        findRecords.reset()
        guard !positions.isEmpty else { return nil }
        revisions = try self.revisions(callID: callID, fromTag: fromTag, standing: revisions)
        let state = try events.state(at: positions.sorted().map { Position(rawValue: $0) })
        return EarlierCall(state: state, revisions: revisions)
    }

    /// The last revision of each record of a call that ever was, withdrawn ones too.
    func revisions(
        callID: [UInt8], fromTag: [UInt8], standing: [(toTag: [UInt8], revision: Int64)]? = nil
    ) throws -> [(toTag: [UInt8], revision: Int64)] {
        var revisions = standing ?? []
        if standing == nil {
            findRecords.bytes(callID)
            findRecords.bytes(fromTag)
            while try findRecords.step() {
                revisions.append((findRecords.readBytes(0), findRecords.readInteger(1)))
            }
            findRecords.reset()
        }
        findRevisions.bytes(callID)
        findRevisions.bytes(fromTag)
        while try findRevisions.step() {
            let toTag = findRevisions.readBytes(0)
            if !revisions.contains(where: { $0.toTag == toTag }) {
                revisions.append((toTag, findRevisions.readInteger(1)))
            }
        }
        findRevisions.reset()
        return revisions
    }

    private func supersede(
        toTag: [UInt8], old: [UInt8], revision: Int64, by position: Position, isWithdrawn: Bool,
        of fold: borrowing CallFold
    ) throws {
        insertRevision.text(fold.bytes[fold.callID.range])
        insertRevision.text(fold.bytes[fold.fromTag.range])
        insertRevision.bytes(toTag)
        insertRevision.integer(revision)
        insertRevision.integer(Int64(position.rawValue))
        insertRevision.integer(isWithdrawn ? 1 : 0)
        insertRevision.json(ColumnBytes.object(old)[...])
        try insertRevision.run()
    }

    private static func run(
        _ statement: inout Statement, _ revision: RecordRevision, _ fold: borrowing CallFold,
        _ common: borrowing CallCommon
    ) throws {
        revision.record.write(to: &statement, of: fold, common: common, policy: revision.policy)
        statement.integer(revision.revision)
        statement.json(common.positions[...])
        if let timer = revision.timer {
            statement.json(timer.marks[...])
            statement.integer(orNull: timer.expiresAt?.rawValue)
            statement.integer(timer.isHung ? 1 : 0)
            statement.integer(timer.overrun)
            statement.integer(timer.unproven)
        } else {
            for _ in LegTimer.columns { statement.null() }
        }
        try statement.run()
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
