package import Events
internal import GRDB
internal import Projections

/// Which dialogs are asked for.
package struct DialogFilter: Sendable {
    /// On `started_at`, half open.
    package var since: Timestamp?
    package var until: Timestamp?
    package var callID: String?
    package var source: String?
    /// The caller's, the whole of its name; `""` for calls that have none.
    package var userAgent: String?

    package init() {}

    /// What is asked of rows of `cdrs`, behind another condition.
    var condition: (sql: String, arguments: StatementArguments) {
        var filter = CallRecordFilter()
        (filter.since, filter.until, filter.callID) = (since, until, callID)
        (filter.source, filter.userAgent) = (source, userAgent)
        let (sql, arguments) = filter.condition
        return (sql.replacing(" WHERE ", with: " AND ", maxReplacements: 1), arguments)
    }

    /// Whether an open call is asked for, its user agent aside.
    func admits(_ fold: borrowing CallFold, _ sources: SourceRegistry) -> Bool {
        let start = fold.startedAt
        if let since, start < since { return false }
        if let until, start >= until { return false }
        guard let source else { return true }
        return fold.facts.contains { fact in
            let name = sources.source(fact.sourceEpoch)
            return !name.isLedger && name.description == source
        }
    }

    func admits(userAgent found: TextSlice?, of fold: borrowing CallFold) -> Bool {
        guard let userAgent else { return true }
        return (fold.string(found) ?? "").utf8.elementsEqual(userAgent.utf8)
    }
}
