package import EventLog
package import Events
internal import Foundation
internal import GRDB
internal import Projections

extension ReadModelSnapshot {
    /// Every call with this Call-ID, in the order of their start; none where the ledger knows no event of
    /// such a call.
    package func stories(callID: String, log: LogDirectory, asOf: Timestamp) throws -> [CallStory] {
        var fromTags: Set<StoredKey> = []
        try forEachOpenCall(callID: callID) { fold in
            fromTags.insert(StoredKey(fold.string(fold.fromTag) ?? ""))
        }
        let rows = try Row.fetchCursor(
            db, sql: "SELECT DISTINCT from_tag FROM cdrs WHERE callid = ?", arguments: [callID])
        while let row = try rows.next() { fromTags.insert(StoredKey(row.text(0) ?? "")) }
        let events = CallEvents(log: log, sources: sources)
        var fold = CallFold(settings: settings)
        var stories: [CallStory] = []
        for fromTag in fromTags {
            let positions = try positions(callID: callID, fromTag: fromTag.text)
            fold.fold(try events.state(at: positions), sources: sources)
            stories.append(try story(fold, log, asOf))
        }
        return stories.sorted {
            $0.startedAt == $1.startedAt
                ? $0.fromTag.utf8.lexicographicallyPrecedes($1.fromTag.utf8) : $0.startedAt < $1.startedAt
        }
    }

    /// A text that is told apart by its bytes.
    private struct StoredKey: Hashable {
        let text: String

        init(_ text: String) { self.text = text }

        static func == (left: StoredKey, right: StoredKey) -> Bool {
            left.text.utf8.elementsEqual(right.text.utf8)
        }

        func hash(into hasher: inout Hasher) {
            for byte in text.utf8 { hasher.combine(byte) }
        }
    }

    private func story(_ fold: borrowing CallFold, _ log: LogDirectory, _ asOf: Timestamp) throws -> CallStory
    {
        let callID = fold.string(fold.callID) ?? ""
        let fromTag = fold.string(fold.fromTag) ?? ""
        let attempt = fold.legs.first?.attempt ?? fold.finalAttempt
        var filter = CallRecordFilter()
        filter.callID = callID
        var revisions: [RecordRevision] = []
        try self.revisions(filter, log: log) { revision in
            if revision.fromTag.utf8.elementsEqual(fromTag.utf8) { revisions.append(revision) }
        }
        var findingFilter = FindingFilter()
        findingFilter.callID = callID
        var findings: [FindingRow] = []
        try self.findings(findingFilter, asOf: asOf) { finding in
            if finding.fromTag.utf8.elementsEqual(fromTag.utf8) { findings.append(finding) }
        }
        return CallStory(
            callID: callID, fromTag: fromTag, startedAt: fold.startedAt, asOf: asOf,
            isOpen: !fold.isSettled, fromURI: fold.string(fold.trying(attempt) { $0.fromURI }),
            toURI: fold.string(fold.trying(attempt) { $0.toURI }),
            userAgent: fold.string(fold.userAgent(attempt: attempt)),
            ringingAt: fold.ringing.map { fold.facts[$0].time },
            hasTrying: fold.facts[fold.start].type == .dialogTrying, events: fold.storyEvents(),
            attempts: fold.storyAttempts(), legs: fold.legs.map { fold.storyLeg($0, asOf: asOf) },
            records: try records(of: fold, filter, revisions), revisions: revisions, findings: findings,
            gaps: try gapParts(of: fold, asOf), deadlines: fold.storyDeadlines(fold.deadlines))
    }

    /// The records that stand, each with where its fields come from.
    private func records(
        of fold: borrowing CallFold, _ filter: CallRecordFilter, _ revisions: [RecordRevision]
    ) throws -> [CallStory.Record] {
        var rows: [AnswerRow] = []
        try callRecords(filter) { row in
            if row[1] == AnswerValue(fold.string(fold.fromTag)) { rows.append(row) }
        }
        let place = CallRecord.columns.firstIndex { $0.name == "ended_at" } ?? 0
        return try rows.map { values in
            guard case .text(let toTag) = values[2], case .integer(let endedAt) = values[place] else {
                throw ReadModelError(.inconsistent, "a record has no To tag or no end")
            }
            let leg = fold.legs.first { leg in
                leg.end != nil && fold.bytes[fold.toTag(leg).range].elementsEqual(toTag.utf8)
            }
            guard leg != nil || (toTag.isEmpty && fold.end != nil) else {
                throw ReadModelError(
                    .inconsistent,
                    "the events of the call make no record with the To tag “\(toTag)”, which the read model has: "
                        + "run `tollbook verify`")
            }
            let end = Timestamp(rawValue: endedAt)
            let policy = policies.policy(at: end)
            let circumstances = RecordCircumstances(
                policy: policy, policyPosition: try policyPosition(at: end),
                isPolicyFixed: policies.isFixed, gaps: gaps,
                revisedBy: revisions.filter { $0.toTag.utf8.elementsEqual(toTag.utf8) }.compactMap(\.madeBy))
            return CallStory.Record(
                leg: leg?.number ?? 0, toTag: toTag, values: values,
                origins: fold.origins(of: leg, circumstances, sources: sources), policy: policy,
                policyPosition: circumstances.policyPosition)
        }
    }

    /// Where the log states the policy that is in force at a time; null for the built-in one.
    private func policyPosition(at time: Timestamp) throws -> Position? {
        guard !policies.isFixed else { return nil }
        return try Int64.fetchOne(
            db,
            sql: """
                SELECT position FROM policies WHERE time <= ? ORDER BY time DESC, epoch DESC, seq DESC LIMIT 1
                """, arguments: [time.rawValue]
        ).map { Position(rawValue: UInt64($0)) }
    }

    /// The gaps of the call's sources whose time meets that of the call, closed ones too, in the order of the
    /// log.
    private func gapParts(of fold: borrowing CallFold, _ asOf: Timestamp) throws -> [CallStory.GapPart] {
        let last = fold.facts.map(\.time).max() ?? asOf
        let end = fold.isSettled ? last : max(last, asOf)
        var names: [String] = []
        for fact in fold.facts {
            let name = sources.source(fact.sourceEpoch)
            if !name.isLedger, !names.contains(name.description) { names.append(name.description) }
        }
        let places = names.map { _ in "?" }.joined(separator: ", ")
        let rows = try Row.fetchAll(
            db, sql: "SELECT * FROM gaps WHERE gap_source IN (\(places)) ORDER BY position",
            arguments: StatementArguments(names))
        return rows.compactMap { row in
            func time(_ column: String) -> Timestamp? {
                (row[column] as Int64?).map { Timestamp(rawValue: $0) }
            }
            let (after, before) = (time("after"), time("before"))
            if let before, fold.startedAt > before { return nil }
            if let after, end < after { return nil }
            return CallStory.GapPart(
                position: Position(rawValue: UInt64(row["position"] as Int64)), source: row["gap_source"],
                epoch: row["gap_epoch"], numbers: row["from_seq"]...row["to_seq"], after: after,
                before: before, time: Timestamp(rawValue: row["time"]), missing: row["missing"])
        }
    }
}
