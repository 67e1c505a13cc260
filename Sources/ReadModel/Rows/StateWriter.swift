internal import Events
internal import GRDB
internal import Projections

/// Writes what the projector knows besides records: open calls, statistics, sources, gaps, position.
final class StateWriter {
    private var keepOpenCall: Statement
    private var dropOpenCall: Statement
    private var setMeta: Statement
    private var setSource: Statement
    private var setGap: Statement
    private var insertPolicy: Statement
    private var insertSourceEpoch: Statement
    private var findTouched: Statement
    private var findEnded: Statement
    private var addByHour: Statement
    private var addBySource: Statement
    private var addByUserAgent: Statement
    private var pruneHours: Statement
    private var pruneSources: Statement
    private var pruneUserAgents: Statement
    private var sourceEpochsWritten: Int

    init(_ db: Database) throws {
        keepOpenCall = try Statement(db, "INSERT OR REPLACE INTO open_calls VALUES (?, ?, ?, ?)")
        dropOpenCall = try Statement(db, "DELETE FROM open_calls WHERE callid = ? AND from_tag = ?")
        setMeta = try Statement(db, "INSERT OR REPLACE INTO meta VALUES (?, ?)")
        setSource = try Statement(
            db, "INSERT OR REPLACE INTO sources VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
        setGap = try Statement(db, "INSERT OR REPLACE INTO gaps VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
        insertPolicy = try Statement(db, "INSERT INTO policies VALUES (?, ?, ?, ?, ?)")
        insertSourceEpoch = try Statement(db, "INSERT INTO source_epochs VALUES (?, ?, ?)")
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
            SELECT started_at, rowid, callid, from_tag FROM cdrs
            WHERE started_at >= ?1 AND (started_at, rowid) > (?1, ?2) AND ended_at >= ?3 AND ended_at < ?4
            ORDER BY started_at, rowid LIMIT ?5
            """)
        addByHour = try Self.adding(db, "hour")
        addBySource = try Self.adding(db, "source")
        addByUserAgent = try Self.adding(db, "user_agent")
        pruneHours = try Statement(db, "DELETE FROM statistics_hour WHERE calls = 0")
        pruneSources = try Statement(db, "DELETE FROM statistics_source WHERE calls = 0")
        pruneUserAgents = try Statement(db, "DELETE FROM statistics_user_agent WHERE calls = 0")
        sourceEpochsWritten = try Int.fetchOne(db, sql: "SELECT count(*) FROM source_epochs") ?? 0
    }

    func keepOpen(_ fold: borrowing CallFold) throws {
        keepOpenCall.bind(fold.bytes[fold.callID.range])
        keepOpenCall.bind(fold.bytes[fold.fromTag.range])
        keepOpenCall.integer((fold.nextDeadline ?? .last).rawValue)
        keepOpenCall.blob(fold.bytes)
        try keepOpenCall.run()
    }

    func dropOpen(_ fold: borrowing CallFold) throws {
        dropOpenCall.bind(fold.bytes[fold.callID.range])
        dropOpenCall.bind(fold.bytes[fold.fromTag.range])
        try dropOpenCall.run()
    }

    func insert(policy: String, _ entry: PolicyHistory.Entry, at position: Position) throws {
        insertPolicy.integer(Int64(position.rawValue))
        insertPolicy.integer(entry.time.rawValue)
        insertPolicy.integer(entry.epoch.rawValue)
        insertPolicy.integer(entry.seq.rawValue)
        insertPolicy.bind(policy)
        try insertPolicy.run()
    }

    /// The calls with a record whose source and time a gap touches.
    func calls(touchedBy gap: Gap, longest: Int64) throws -> [(callID: [UInt8], fromTag: [UInt8])] {
        findTouched.integer(gap.before?.rawValue ?? Int64.max)
        findTouched.integer(gap.after?.rawValue ?? Int64.min)
        findTouched.bind(gap.sourceEpoch.source.description)
        findTouched.integer(gap.after.map { $0.rawValue - longest } ?? Int64.min)
        var calls: [(callID: [UInt8], fromTag: [UInt8])] = []
        while try findTouched.step() {
            calls.append((findTouched.readBytes(0), findTouched.readBytes(1)))
        }
        findTouched.reset()
        return calls
    }

    /// Some of the calls that are asked for, and where the next ones begin.
    struct Page {
        private(set) var calls: [(callID: [UInt8], fromTag: [UInt8])] = []
        /// The last record that was read: its `started_at` and its row.
        fileprivate var startedAt: Int64
        fileprivate var row: Int64 = 0

        /// - Parameter start: no record is looked at that started before, in microseconds.
        init(start: Int64) {
            startedAt = start
        }

        fileprivate mutating func removeAll() {
            calls.removeAll(keepingCapacity: true)
        }

        /// The legs of a call stand side by side, so that most calls come once.
        fileprivate mutating func append(_ callID: [UInt8], _ fromTag: [UInt8]) {
            if let last = calls.last, last.callID == callID, last.fromTag == fromTag { return }
            calls.append((callID, fromTag))
        }
    }

    /// Reads the next calls of which a record ended within a time, in the order of their start.
    ///
    /// - Returns: whether there are any.
    func readCalls(endedIn span: PolicyHistory.Span, _ page: inout Page) throws -> Bool {
        page.removeAll()
        findEnded.integer(page.startedAt)
        findEnded.integer(page.row)
        findEnded.integer(span.from.rawValue)
        findEnded.integer(span.until?.rawValue ?? Int64.max)
        findEnded.integer(Int64(Self.callsRevisitedMax))
        while try findEnded.step() {
            page.startedAt = findEnded.readInteger(0)
            page.row = findEnded.readInteger(1)
            page.append(findEnded.readBytes(2), findEnded.readBytes(3))
        }
        findEnded.reset()
        return !page.calls.isEmpty
    }

    /// Records that are read at a time to be judged again.
    static let callsRevisitedMax = 1_024

    func write(_ changes: StatisticsChanges, sources: SourceRegistry) throws {
        if changes.isEmpty { return }
        for (hour, statistics) in changes.byHour {
            addByHour.integer(hour)
            try Self.run(&addByHour, statistics)
        }
        for (source, statistics) in changes.bySource(sources) {
            addBySource.bind(source.description)
            try Self.run(&addBySource, statistics)
        }
        for (userAgent, statistics) in changes.byUserAgent {
            addByUserAgent.bind(userAgent)
            try Self.run(&addByUserAgent, statistics)
        }
        try pruneHours.run()
        try pruneSources.run()
        try pruneUserAgents.run()
    }

    func write(_ completeness: inout Completeness, sources: SourceRegistry) throws {
        let changes = completeness.takeChanges()
        for number in changes.accounts {
            let account = completeness.accounts[Int(number)]
            let source = sources.entries[Int(number)]
            setSource.bind(source.source.description)
            setSource.integer(source.epoch.rawValue)
            setSource.integer(account.events)
            setSource.integer(account.rejected)
            setSource.integer(account.came.first ?? 0)
            setSource.integer(account.came.last ?? 0)
            setSource.integer(orNull: account.firstAt?.rawValue)
            setSource.integer(orNull: account.lastAt?.rawValue)
            setSource.integer(orNull: account.lastHeartbeatAt?.rawValue)
            setSource.integer(orNull: account.active)
            setSource.integer(orNull: account.stoppedAt?.rawValue)
            setSource.bind(RunList.text(account.came))
            try setSource.run()
        }
        for gap in changes.gaps {
            setGap.integer(Int64(gap.position.rawValue))
            setGap.bind(gap.sourceEpoch.source.description)
            setGap.integer(gap.sourceEpoch.epoch.rawValue)
            setGap.integer(gap.numbers.lowerBound)
            setGap.integer(gap.numbers.upperBound)
            setGap.integer(orNull: gap.after?.rawValue)
            setGap.integer(orNull: gap.before?.rawValue)
            setGap.integer(gap.time.rawValue)
            let missing = completeness.missing(of: gap, sources.index(of: gap.sourceEpoch))
            setGap.integer(Int64(clamping: missing))
            try setGap.run()
        }
        while sourceEpochsWritten < sources.entries.count {
            let entry = sources.entries[sourceEpochsWritten]
            insertSourceEpoch.integer(Int64(sourceEpochsWritten))
            insertSourceEpoch.bind(entry.source.description)
            insertSourceEpoch.integer(entry.epoch.rawValue)
            try insertSourceEpoch.run()
            sourceEpochsWritten += 1
        }
    }

    func write(next: Position, asOf: Timestamp, longest: Int64) throws {
        setMeta.bind("longest_call_us")
        setMeta.integer(longest)
        try setMeta.run()
        setMeta.bind("next_position")
        setMeta.integer(Int64(next.rawValue))
        try setMeta.run()
        setMeta.bind("as_of")
        setMeta.integer(asOf.rawValue)
        try setMeta.run()
    }

    private static func adding(_ db: Database, _ bucket: String) throws -> Statement {
        let names = TimerStatistics.Counter.allCases.map(\.name)
        let places = names.map { _ in "?" }.joined(separator: ", ")
        let sums = names.map { "\($0) = \($0) + excluded.\($0)" }.joined(separator: ", ")
        return try Statement(
            db,
            """
            INSERT INTO statistics_\(bucket) VALUES (?, \(places))
            ON CONFLICT DO UPDATE SET \(sums)
            """)
    }

    private static func run(_ statement: inout Statement, _ statistics: TimerStatistics) throws {
        for counter in TimerStatistics.Counter.allCases {
            statement.integer(statistics[counter])
        }
        try statement.run()
    }
}

/// Lists of `[first, last]` runs as JSON text.
enum RunList {
    static func text(_ set: SequenceSet) -> [UInt8] {
        var parts: [String] = []
        for run in set.runs { parts.append("[\(run.first),\(run.last)]") }
        return Array("[\(parts.joined(separator: ","))]".utf8)
    }

    static func set(_ text: String) -> SequenceSet {
        var set = SequenceSet()
        let numbers = text.split { !$0.isNumber }.compactMap { Int64($0) }
        for index in stride(from: 0, to: numbers.count - 1, by: 2) {
            set.insert(numbers[index]...numbers[index + 1])
        }
        return set
    }
}
