package import Events
internal import Projections

extension ReadModelSnapshot {
    package static let dialogColumns: [AnswerColumn] = [
        AnswerColumn("callid", .text), AnswerColumn("from_tag", .text), AnswerColumn("to_tag", .text),
        AnswerColumn("state", .text), AnswerColumn("from_uri", .text), AnswerColumn("to_uri", .text),
        AnswerColumn("user_agent", .text), AnswerColumn("started_at", .time),
        AnswerColumn("answered_at", .time),
        AnswerColumn("age_us", .duration), AnswerColumn("last_refresh_at", .time),
        AnswerColumn("last_proof_at", .time), AnswerColumn("session_interval", .seconds),
        AnswerColumn("refresher", .text), AnswerColumn("next_due_at", .time),
        AnswerColumn("expires_at", .time),
        AnswerColumn("deadline", .time), AnswerColumn("hung", .flag), AnswerColumn("sources", .structure),
    ]

    /// What is open, one row a leg or an unanswered call, in the order of (started_at, callid, from_tag,
    /// to_tag).
    package func dialogs(_ filter: DialogFilter = DialogFilter(), asOf: Timestamp? = nil) throws
        -> [AnswerRow]
    {
        let asOf = asOf ?? self.asOf
        var rows: [AnswerRow] = []
        var common = CallCommon()
        try forEachOpenCall(callID: filter.callID) { fold in
            guard filter.admits(fold, self.sources) else { return }
            common.gather(fold, sources: sources)
            let sources = AnswerValue.json(String(decoding: common.sources, as: UTF8.self))
            if fold.legs.isEmpty,
                filter.admits(userAgent: fold.userAgent(attempt: fold.finalAttempt), of: fold)
            {
                rows.append(unanswered(fold, sources, asOf))
            }
            for leg in fold.legs where leg.end == nil {
                guard filter.admits(userAgent: fold.userAgent(attempt: leg.attempt), of: fold) else {
                    continue
                }
                rows.append(row(leg, fold, sources, asOf))
            }
        }
        let start = Self.dialogColumns.firstIndex { $0.name == "started_at" } ?? 0
        return rows.sorted {
            $0[start] == $1[start]
                ? AnswerOrder.precedes($0, $1, columns: 3)
                : AnswerOrder.precedes([$0[start]], [$1[start]], columns: 1)
        }
    }

    private func unanswered(
        _ fold: borrowing CallFold, _ sources: AnswerValue, _ asOf: Timestamp
    ) -> AnswerRow {
        let attempt = fold.finalAttempt
        let hasRung = fold.facts.contains { $0.type == .dialogEarly && !$0.isRepeat && $0.cseq == attempt }
        return [
            AnswerValue(fold.string(fold.callID)), AnswerValue(fold.string(fold.fromTag)), .text(""),
            .text(hasRung ? "early" : "trying"),
            AnswerValue(fold.string(fold.trying(attempt) { $0.fromURI })),
            AnswerValue(fold.string(fold.trying(attempt) { $0.toURI })),
            AnswerValue(fold.string(fold.userAgent(attempt: attempt))), .integer(fold.startedAt.rawValue),
            .null,
            .integer(max(asOf.microseconds(since: fold.startedAt), 0)), .null, .null, .integer(0), .null,
            .null, .null,
            .integer(fold.unansweredDeadline.rawValue), .flag(false), sources,
        ]
    }

    private func row(
        _ leg: Leg, _ fold: borrowing CallFold, _ sources: AnswerValue, _ asOf: Timestamp
    ) -> AnswerRow {
        var lastRefresh: Timestamp?
        for mark in leg.marks where fold.facts[fold.marks[mark].fact].type == .refreshAccepted {
            lastRefresh = fold.marks[mark].time
        }
        let mark = leg.marks.last.map { fold.marks[$0] }
        let due: Timestamp? = mark.flatMap { mark in
            // RFC 4028 section 7.2: the refresher is to refresh once half the interval has passed.
            mark.interval > 0
                ? mark.time.advanced(by: mark.interval * Settings.microsecondsPerSecond / 2) : nil
        }
        return [
            AnswerValue(fold.string(fold.callID)), AnswerValue(fold.string(fold.fromTag)),
            AnswerValue(fold.string(fold.toTag(leg))), .text("confirmed"),
            AnswerValue(fold.string(fold.trying(leg.attempt) { $0.fromURI })),
            AnswerValue(fold.string(fold.trying(leg.attempt) { $0.toURI })),
            AnswerValue(fold.string(fold.userAgent(attempt: leg.attempt))), .integer(fold.startedAt.rawValue),
            .integer(leg.answeredAt.rawValue), .integer(max(asOf.microseconds(since: leg.answeredAt), 0)),
            AnswerValue(lastRefresh?.rawValue), .integer(leg.lastProofAt.rawValue),
            .integer(mark?.interval ?? 0),
            AnswerValue(mark?.refresher?.name), AnswerValue(due?.rawValue),
            AnswerValue(fold.expiry(of: leg)?.rawValue), .integer(fold.deadline(of: leg).rawValue),
            .flag(fold.isHung(leg, asOf: asOf)), sources,
        ]
    }
}
