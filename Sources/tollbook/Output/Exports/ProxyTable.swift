/// A table of a proxy's own, as its SQL schema defines it, and what a record puts into each column.
///
/// `id` is left out: the database numbers its rows by itself.
struct ProxyTable: Sendable {
    enum Kind: Sendable {
        /// What tells one call from another: never cut, since it would then stand for others too.
        case key(max: Int)
        /// Words for people, cut to the length that the column has.
        case words(max: Int)
        /// `YYYY-MM-DD hh:mm:ss`, UTC.
        case time
        /// Whole, up to the greatest number that each of the proxy's databases takes.
        case number(max: Int64)
        /// Milliseconds that are written as seconds with three decimals.
        case seconds(max: Int64)
    }

    struct Column: Sendable {
        let name: String
        let kind: Kind
        let value: @Sendable (AnswerFields) -> Value
    }

    enum Value: Sendable {
        case text(String)
        /// Microseconds since 1970, milliseconds, or a plain number: what the column's kind says.
        case integer(Int64)
    }

    let name: String
    let columns: [Column]
    /// Which records have a row in it.
    let takes: @Sendable (AnswerFields) -> Bool

    init(_ name: String, _ columns: [Column], takes: @escaping @Sendable (AnswerFields) -> Bool) {
        self.name = name
        self.columns = columns
        self.takes = takes
    }
}

extension ProxyTable.Column {
    static func key(_ name: String, max: Int) -> Self {
        Self(name: name, kind: .key(max: max)) { .text($0.plain(name)) }
    }

    static func words(_ name: String, _ field: String, max: Int) -> Self {
        Self(name: name, kind: .words(max: max)) { .text($0.plain(field)) }
    }

    /// A record is one of an INVITE.
    static let method = Self(name: "method", kind: .words(max: 16)) { _ in .text("INVITE") }
    static let sipCode = Self.words("sip_code", "sip_code", max: 3)

    static func time(_ name: String, _ field: String) -> Self {
        Self(name: name, kind: .time) { .integer($0.integer(field) ?? 0) }
    }

    /// - Parameter unit: microseconds that the column counts as one.
    static func number(_ name: String, _ field: String, unit: Int64) -> Self {
        Self(name: name, kind: .number(max: Int64(Int32.max))) { .integer(($0.integer(field) ?? 0) / unit) }
    }
}

/// The tables of one proxy, and the records that go into them.
struct ProxyTables: Sendable {
    /// As the first line of an export names it.
    let title: String
    let tables: [ProxyTable]

    private static let isAnswered: @Sendable (AnswerFields) -> Bool = { $0.integer("leg") != 0 }
    private static let isMissed: @Sendable (AnswerFields) -> Bool = { $0.integer("leg") == 0 }

    /// `acc` of version 7 and `missed_calls` of version 5, as OpenSIPS 3 makes them.
    static let opensips: ProxyTables = {
        let transaction: [ProxyTable.Column] = [
            .method, .key("from_tag", max: 64), .key("to_tag", max: 64), .key("callid", max: 64), .sipCode,
            .words("sip_reason", "sip_reason", max: 32),
        ]
        let setup: [ProxyTable.Column] = [
            .number("setuptime", "setup_us", unit: 1_000_000), .time("created", "started_at"),
        ]
        let durations: [ProxyTable.Column] = [
            .number("duration", "duration_us", unit: 1_000_000),
            .number("ms_duration", "duration_us", unit: 1_000),
        ]
        return ProxyTables(
            title: "OpenSIPS, tables acc (version 7) and missed_calls (version 5)",
            tables: [
                ProxyTable(
                    "acc", transaction + [.time("time", "answered_at")] + durations + setup,
                    takes: isAnswered),
                ProxyTable(
                    "missed_calls", transaction + [.time("time", "ended_at")] + setup, takes: isMissed),
            ])
    }()

    /// `acc` of version 5, `acc_cdrs` of version 2 and `missed_calls` of version 4, as Kamailio 5.6 makes
    /// them.
    static let kamailio: ProxyTables = {
        let transaction: [ProxyTable.Column] = [
            .method, .key("from_tag", max: 128), .key("to_tag", max: 128), .key("callid", max: 255), .sipCode,
            .words("sip_reason", "sip_reason", max: 128),
        ]
        let duration = ProxyTable.Column(name: "duration", kind: .seconds(max: 9_999_999_999)) {
            .integer(($0.integer("duration_us") ?? 0) / 1_000)
        }
        return ProxyTables(
            title: "Kamailio 5.6, tables acc (version 5), acc_cdrs (version 2) and missed_calls (version 4)",
            tables: [
                ProxyTable("acc", transaction + [.time("time", "answered_at")], takes: isAnswered),
                ProxyTable(
                    "acc_cdrs",
                    [.time("start_time", "answered_at"), .time("end_time", "ended_at"), duration],
                    takes: isAnswered),
                ProxyTable("missed_calls", transaction + [.time("time", "ended_at")], takes: isMissed),
            ])
    }()
}
