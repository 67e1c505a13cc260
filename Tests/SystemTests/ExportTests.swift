import Foundation
import GRDB
import Testing

/// What `cdrs --format opensips` and `kamailio` write loads as it stands into the tables that those proxies
/// make for themselves, with the same number of rows, values that are the records' own, and lengths that the
/// columns have.
struct ExportTests {
    private static let proxies = ["opensips", "kamailio"]

    /// Calls of every kind, and the fixture's.
    private static func ledger() throws -> Ledger {
        let ledger = try Ledger()
        try ledger.takeFixture()
        let taken = try ledger.take(HungCalls.lines(40) + awkward)
        #expect(taken.status == 0 && !taken.errors.contains("rejected"), "\(taken.errors)")
        return ledger
    }

    @Test(arguments: proxies)
    func loadsIntoTheProxysOwnTables(proxy: String) throws {
        let ledger = try Self.ledger()
        let export = try ledger.run("cdrs", "--format", proxy)
        #expect(export.status == 0, "\(export.errors)")
        let database = try Self.loaded(export.text, proxy)
        let records = try ledger.rows("cdrs")
        #expect(records.count > 45)
        let answered = records.filter { $0["leg"] as? Int != 0 }
        let missed = records.filter { $0["leg"] as? Int == 0 }
        #expect(!missed.isEmpty)
        #expect(records.contains { ($0["duration_us"] as? Int ?? 0) > 1_000_000_000_000_000 })
        #expect(missed.contains { $0["sip_code"] is NSNull })

        var wanted = ["acc": answered.map(Self.transaction), "missed_calls": missed.map(Self.transaction)]
        for (table, part) in [("acc", answered), ("missed_calls", missed)] {
            for (place, record) in part.enumerated() {
                wanted[table]?[place]["time"] = Self.time(record[table == "acc" ? "answered_at" : "ended_at"])
                guard proxy == "opensips" else { continue }
                wanted[table]?[place]["created"] = Self.time(record["started_at"])
                wanted[table]?[place]["setuptime"] = Self.clamped(record["setup_us"], 1_000_000)
                guard table == "acc" else { continue }
                wanted[table]?[place]["duration"] = Self.clamped(record["duration_us"], 1_000_000)
                wanted[table]?[place]["ms_duration"] = Self.clamped(record["duration_us"], 1_000)
            }
        }
        if proxy == "kamailio" {
            wanted["acc_cdrs"] = answered.map { record in
                let milliseconds = min((record["duration_us"] as? Int ?? 0) / 1_000, 9_999_999_999)
                return [
                    "start_time": Self.time(record["answered_at"]), "end_time": Self.time(record["ended_at"]),
                    "duration": "\(Double(milliseconds) / 1_000)",
                ]
            }
        }
        let lengths = proxy == "opensips" ? 32 : 128
        for (table, rows) in wanted {
            let found = try Self.rows(database, table)
            #expect(found.count == rows.count, "\(table)")
            for (row, wanted) in zip(found, rows) {
                var wanted = wanted
                if let reason = wanted["sip_reason"] {
                    var cut = String.UnicodeScalarView()
                    cut.append(contentsOf: reason.unicodeScalars.prefix(lengths))
                    wanted["sip_reason"] = String(cut)
                }
                #expect(row == wanted, "\(table)")
            }
        }
    }

    /// Lengths are those that the schema declares; only what tells calls apart may be longer, and that is
    /// said.
    @Test(arguments: proxies)
    func fitsTheColumns(proxy: String) throws {
        let ledger = try Self.ledger()
        let export = try ledger.run("cdrs", "--format", proxy)
        let database = try Self.loaded(export.text, proxy)
        var longer: [String] = []
        try database.read { db in
            for table in ["acc", "missed_calls"] {
                for column in try db.columns(in: table) {
                    guard let max = column.type.firstMatch(of: /CHAR\((\d+)\)/).flatMap({ Int($0.output.1) })
                    else { continue }
                    let count = try Int.fetchOne(
                        db, sql: "SELECT count(*) FROM \(table) WHERE length(\"\(column.name)\") > \(max)")
                    if let count, count > 0 { longer.append("\(table).\(column.name) \(count)") }
                }
            }
        }
        #expect(longer == (proxy == "opensips" ? ["acc.callid 1", "missed_calls.callid 1"] : []))
        for line in longer {
            let column = line.split(separator: " ")[0]
            #expect(export.errors.contains("1 value is longer than the 64 characters of \(column)"))
        }
        #expect(export.errors.isEmpty == longer.isEmpty, "\(export.errors)")
    }

    @Test(arguments: proxies)
    func filtersApply(proxy: String) throws {
        let ledger = try Self.ledger()
        func counts(_ filter: [String]) throws -> [Int] {
            let export = try BuiltProgram.run(["cdrs", "--data", ledger.data, "--format", proxy] + filter)
            #expect(export.status == 0, "\(export.errors)")
            let database = try Self.loaded(export.text, proxy)
            return try ["acc", "missed_calls"].map { try Self.rows(database, $0).count }
        }
        #expect(try counts(["--callid", "busy@example.com"]) == [0, 1])
        #expect(try counts(["--callid", "answered@example.com"]) == [1, 0])
        #expect(try counts(["--termination", "no_ack"]) == [5, 0])
        #expect(try counts(["--user", "nobody"]) == [0, 0])
    }

    /// In the middle of an export nothing is loaded: there is one transaction, ended by its last line.
    @Test(arguments: proxies)
    func halfAnExportLoadsNothing(proxy: String) throws {
        let ledger = try Self.ledger()
        let export = try ledger.run("cdrs", "--format", proxy)
        #expect(export.text.hasSuffix("\nCOMMIT;\n"))
        let database = try Self.empty(proxy)
        try database.writeWithoutTransaction { db in
            try db.execute(sql: String(export.text.dropLast("COMMIT;\n".count)))
            #expect(try Int.fetchOne(db, sql: "SELECT count(*) FROM acc") ?? 0 > 0)
            // As when whoever was loading goes away.
            try db.execute(sql: "ROLLBACK")
        }
        #expect(try Self.rows(database, "acc").isEmpty)
    }

    @Test func whatAProxyHasNoTableForIsRefused() throws {
        for arguments in [
            ["cdrs", "--format", "kamailio", "--revisions"], ["audit", "--format", "kamailio"],
            ["dialogs", "--format", "opensips"],
        ] {
            let outcome = try BuiltProgram.run(arguments)
            #expect(outcome.status == 2, "\(arguments)")
            #expect(outcome.output.isEmpty)
        }
    }
}

extension ExportTests {
    /// Calls whose texts and times try what a file of SQL and its columns can hold.
    private static var awkward: String {
        var lines: [String] = []
        func call(
            _ callID: String, _ reason: String, answered: Bool, seconds: Int64 = 2,
            from start: Int64 = 1_772_700_000_999_999
        ) {
            let key: [String: Any] = ["callid": callID, "from_tag": "f'\\\"", "cseq": 1]
            var events = [key.merging(["type": "dialog.trying", "time": start]) { $1 }]
            if answered {
                let leg = key.merging(["to_tag": "t--;"]) { $1 }
                events.append(
                    leg.merging([
                        "type": "dialog.confirmed", "time": start + 1_500_000, "sip_code": 200,
                        "sip_reason": reason,
                    ]) { $1 })
                events.append(
                    leg.merging([
                        "type": "dialog.terminated", "time": start + seconds * 1_000_000, "by": "caller",
                        "cseq": NSNull(),
                    ]) { $1 })
            } else {
                events.append(
                    key.merging([
                        "type": "dialog.failed", "time": start + seconds * 1_000_000, "sip_code": 603,
                        "by": "callee", "sip_reason": reason,
                    ]) { $1 })
            }
            for event in events {
                lines.append(
                    String(
                        decoding: (try? JSONSerialization.data(withJSONObject: event)) ?? Data(),
                        as: UTF8.self))
            }
        }
        for (number, answered) in [true, false].enumerated() {
            call("it's; DROP TABLE acc; --\(number)", #"'; \' \\ \n " */ /*!"#, answered: answered)
            call("line\r\nbreak\tand \u{1}\(number)", "é 😀 e\u{301} \u{202E}", answered: answered)
            call(
                "long-" + String(repeating: "ü", count: 100) + "\(number)",
                String(repeating: "é", count: 300), answered: answered)
            // A clock that began in 1970: more than the columns count.
            call("forever-\(number)", "", answered: answered, seconds: 1_772_700_000, from: 0)
        }
        // Nobody saw how this one ended: it has no code.
        lines.append(
            #"{"source":"ledger","epoch":7,"seq":1,"event":{"type":"ledger.expired","time":1772700001000000,"#
                + #""callid":"unseen","from_tag":"f","deadline":1772700000000000}}"#)
        return lines.joined(separator: "\n") + "\n"
    }

    private static func empty(_ proxy: String) throws -> DatabaseQueue {
        let database = try DatabaseQueue()
        let schema = BuiltProgram.repository.appendingPathComponent(
            "Tests/SystemTests/Fixtures/\(proxy)-acc.sql")
        try database.write { try $0.execute(sql: String(contentsOf: schema, encoding: .utf8)) }
        return database
    }

    private static func loaded(_ sql: String, _ proxy: String) throws -> DatabaseQueue {
        let database = try empty(proxy)
        try database.writeWithoutTransaction { try $0.execute(sql: sql) }
        return database
    }

    /// Every column but `id`, as text, in the order of loading.
    private static func rows(_ database: DatabaseQueue, _ table: String) throws -> [[String: String]] {
        try database.read { db in
            try Row.fetchAll(db, sql: "SELECT * FROM \(table) ORDER BY id").map { row in
                var values: [String: String] = [:]
                for (column, value) in row where column != "id" {
                    values[column] = value.isNull ? "null" : "\(value.storage.value ?? "")"
                }
                return values
            }
        }
    }

    private static func transaction(_ record: [String: Any]) -> [String: String] {
        [
            "method": "INVITE", "callid": record["callid"] as? String ?? "",
            "from_tag": record["from_tag"] as? String ?? "", "to_tag": record["to_tag"] as? String ?? "",
            "sip_code": (record["sip_code"] as? Int).map(String.init) ?? "",
            "sip_reason": record["sip_reason"] as? String ?? "",
        ]
    }

    private static func time(_ value: Any?) -> String {
        let format = DateFormatter()
        format.locale = Locale(identifier: "en_US_POSIX")
        format.timeZone = TimeZone(identifier: "UTC")
        format.dateFormat = "yyyy-MM-dd HH:mm:ss"
        let seconds = ((value as? Int) ?? 0) / 1_000_000
        return format.string(from: Date(timeIntervalSince1970: Double(seconds)))
    }

    private static func clamped(_ value: Any?, _ unit: Int) -> String {
        "\(min((value as? Int ?? 0) / unit, Int(Int32.max)))"
    }
}
