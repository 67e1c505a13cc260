import Foundation
import Glibc
import Testing

/// `rebuild --policy FILE --diff` says what `rebuild --policy FILE` would change, and changes nothing:
/// neither in an idle ledger, nor under a service, nor after a crash, nor where nothing can be written.
@Suite(.serialized)
struct PolicyDifferenceTests {
    /// Three policies over time: the built-in one, one that holds, one that rounds.
    private static let history =
        HungCalls.policy(#"{"id":"hold","hung_call":"hold"}"#, from: 30, seq: 1)
        + HungCalls.policy(#"{"id":"ceil","hung_call":"timeout","round_ms":60000}"#, from: 60, seq: 2)

    private static func ledger(calls: Int = 96) throws -> Ledger {
        let ledger = try Ledger()
        let taken = try ledger.take(HungCalls.lines(calls) + history)
        #expect(taken.status == 0, "\(taken.errors)")
        return ledger
    }

    private static let others = [
        #"{"id":"built","hung_call":"last_proof"}"#, #"{"id":"expiry","hung_call":"session_expiry"}"#,
        #"{"id":"long","hung_call":"timeout","round_ms":1}"#, #"{"id":"hold","hung_call":"hold"}"#,
        #"{"id":"rough","round_ms":7000,"round":"nearest","minimum_ms":120000}"#,
    ]

    /// Held against the records before and after, field by field.
    @Test(arguments: others)
    func saysWhatARebuildChanges(text: String) throws {
        let ledger = try Self.ledger()
        let file = try ledger.files.write(text, to: "other.json")
        let before = try Self.records(ledger)
        let state = try DirectoryState(ledger.data)
        let rows = try ledger.rows("rebuild", "--policy", file, "--diff")
        #expect(try DirectoryState(ledger.data) == state)
        #expect(try ledger.run("rebuild", "--policy", file).status == 0)
        let after = try Self.records(ledger)

        let calls = rows.filter { $0["kind"] as? String == "call" }
        #expect(Self.keys(calls) == Self.keys(before.filter { record in Self.differs(record, after) }))
        for call in calls {
            let (old, new) = (try #require(Self.find(call, before)), try #require(Self.find(call, after)))
            for name in ["billable_ms", "billing_basis", "policy"] {
                #expect(Self.text(call["old_" + name]) == Self.text(old[name]), "\(name) of \(call)")
                #expect(Self.text(call["new_" + name]) == Self.text(new[name]), "\(name) of \(call)")
            }
            for name in ["from_uri", "to_uri", "started_at", "ended_at", "termination"] {
                #expect(Self.text(call[name]) == Self.text(old[name]), "\(name) of \(call)")
            }
            let difference = (new["billable_ms"] as? Int ?? 0) - (old["billable_ms"] as? Int ?? 0)
            #expect(call["difference_ms"] as? Int == difference)
        }
        func sum(_ records: [[String: Any]]) -> Int {
            records.reduce(0) { $0 + ($1["billable_ms"] as? Int ?? 0) }
        }
        let total = try #require(rows.last)
        #expect(total["kind"] as? String == "total")
        #expect(total["old_billable_ms"] as? Int == sum(before))
        #expect(total["new_billable_ms"] as? Int == sum(after))
        #expect(total["records"] as? Int == before.count)
        func held(_ records: [[String: Any]]) -> Int { records.filter { $0["billable_ms"] is NSNull }.count }
        let (newly, released) = (total["held"] as? Int ?? 0, total["released"] as? Int ?? 0)
        #expect(newly - released == held(after) - held(before))
        #expect(newly == 0 || text.contains("hold"))
        // Each way to sum comes to the same.
        for name in [
            "records", "changed", "old_billable_ms", "new_billable_ms", "difference_ms", "held", "released",
        ] {
            for kind in ["termination", "basis"] {
                let parts = rows.filter { $0["kind"] as? String == kind }.map { $0[name] as? Int ?? 0 }
                #expect(parts.reduce(0, +) == total[name] as? Int, "\(name) by \(kind)")
            }
            if name == "changed" || name == "difference_ms" || name == "held" || name == "released" {
                #expect(calls.reduce(0) { $0 + ($1[name] as? Int ?? 0) } == total[name] as? Int, "\(name)")
            }
        }
        #expect(
            Set(rows.filter { $0["kind"] as? String == "termination" }.map { Self.text($0["termination"]) })
                == Set(before.map { Self.text($0["termination"]) }))
    }

    @Test func everyFormatSaysTheSame() throws {
        let ledger = try Self.ledger()
        let file = try ledger.files.write(Self.others[2], to: "other.json")
        let rows = try ledger.rows("rebuild", "--policy", file, "--diff")
        let csv = try ledger.run("rebuild", "--policy", file, "--diff", "--format", "csv")
        #expect(csv.status == 0)
        let lines = csv.text.split(separator: "\r\n")
        #expect(lines.count == rows.count + 1)
        #expect(
            lines[0].hasPrefix("kind,callid,from_tag,to_tag,from_uri,to_uri,started_at,ended_at,termination,")
        )
        #expect(lines.last?.hasPrefix("total,") == true)
        let table = try ledger.run("rebuild", "--policy", file, "--diff", "--format", "table")
        #expect(table.status == 0)
        let total = try #require(rows.last)
        let changed = try #require(total["changed"] as? Int)
        #expect(table.text.contains("\(changed) of 96 records billed otherwise"))
        #expect(table.text.contains("session_timeout"))
        #expect(table.errors.contains("as of position \(96 / 8 * 30 + 2) of the log"), "\(table.errors)")
        #expect(table.errors.contains("long:"))
    }

    /// Where the same policy bills already, nothing changes, and that is said.
    @Test func thePolicyInForceChangesNothing() throws {
        let ledger = try Ledger()
        try ledger.takeFixture()
        let same = #"{"id":"default","hung_call":"last_proof","round_ms":1000,"round":"up","minimum_ms":0}"#
        let file = try ledger.files.write(same, to: "same.json")
        let rows = try ledger.rows("rebuild", "--policy", file, "--diff")
        #expect(!rows.contains { $0["kind"] as? String == "call" })
        #expect(rows.last?["changed"] as? Int == 0)
        #expect(rows.last?["difference_ms"] as? Int == 0)
        let table = try ledger.run("rebuild", "--policy", file, "--diff", "--format", "table")
        #expect(table.text.contains("no record is billed otherwise"))
    }

    /// A read model that bills all calls by one policy is what there is now.
    @Test func aFixedPolicyIsWhatBillsNow() throws {
        let ledger = try Self.ledger()
        let now = try ledger.files.write(Self.others[2], to: "now.json")
        let then = try ledger.files.write(Self.others[3], to: "then.json")
        #expect(try ledger.run("rebuild", "--policy", now, "--grace", "7").status == 0)
        let outcome = try ledger.run("rebuild", "--policy", then, "--diff")
        #expect(outcome.errors.contains("long:"))
        let rows = try ledger.rows("rebuild", "--policy", then, "--diff").filter {
            $0["kind"] as? String == "call"
        }
        #expect(!rows.isEmpty)
        #expect(rows.allSatisfy { ($0["old_policy"] as? String)?.hasPrefix("long:") == true })
    }

    /// A read model that is behind, is of another version or isn't there makes no difference: the log
    /// decides.
    @Test func theReadModelInUseDecidesNothing() throws {
        let ledger = try Self.ledger()
        let file = try ledger.files.write(Self.others[3], to: "other.json")
        let expected = try ledger.run("rebuild", "--policy", file, "--diff").output
        let readModel = ledger.data + "/read-model.sqlite"
        let change = """
            import sqlite3, sys
            db = sqlite3.connect(sys.argv[1])
            db.executescript("UPDATE cdrs SET billable_ms = 1; DELETE FROM cdrs WHERE leg = 1 AND rowid % 2;"
                "UPDATE meta SET value = -7 WHERE name IN ('next_position', 'schema_version')")
            db.commit()
            """
        #expect(try BuiltProgram.run("/usr/bin/python3", ["-c", change, readModel]).status == 0)
        #expect(try ledger.run("rebuild", "--policy", file, "--diff").output == expected)
        try FileManager.default.removeItem(atPath: readModel)
        let state = try DirectoryState(ledger.data)
        #expect(try ledger.run("rebuild", "--policy", file, "--diff").output == expected)
        #expect(try DirectoryState(ledger.data) == state)
        // One that is none can't say what bills now.
        try Data("garbage".utf8).write(to: URL(fileURLWithPath: readModel))
        let outcome = try ledger.run("rebuild", "--policy", file, "--diff")
        #expect(outcome.status == 3)
        #expect(outcome.errors.contains("read-model.sqlite can't be read as a read model"))
    }

    @Test func worksBesideAServiceAndAfterACrash() throws {
        let ledger = try Self.ledger()
        let file = try ledger.files.write(Self.others[3], to: "other.json")
        let expected = try ledger.run("rebuild", "--policy", file, "--diff").output
        let service = try Service(ledger)
        let beside = try ledger.run("rebuild", "--policy", file, "--diff")
        #expect(beside.status == 0, "\(beside.errors)")
        #expect(beside.output == expected)
        let played = try BuiltProgram.run(["simulate", "--endpoint", service.endpoint, "--calls", "50"])
        #expect(played.status == 0, "\(played.errors)")
        #expect(try ledger.rows("rebuild", "--policy", file, "--diff").count > 5)
        #expect(service.end(SIGKILL) == 128 + SIGKILL)
        // What the crash has left is not tidied up either.
        let state = try DirectoryState(ledger.data)
        #expect(state.names.contains("read-model.sqlite-wal"))
        #expect(try ledger.run("rebuild", "--policy", file, "--diff").status == 0)
        #expect(try DirectoryState(ledger.data) == state)
    }

    /// As another user, to whom all of it is read-only.
    @Test func worksWhereNothingCanBeWritten() throws {
        let ledger = try Self.ledger()
        let file = try ledger.files.write(Self.others[3], to: "other.json")
        let expected = try ledger.run("rebuild", "--policy", file, "--diff").output
        func change(_ mode: String) throws {
            let changed = try BuiltProgram.run("/usr/bin/chmod", ["-R", mode, ledger.files.root.path])
            #expect(changed.status == 0, "\(changed.errors)")
        }
        try change("a+rX,a-w")
        defer { #expect(throws: Never.self) { try change("u+w") } }
        let asNobody = ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        let command = [BuiltProgram.path, "rebuild", "--data", ledger.data, "--policy", file, "--diff"]
        let whole = geteuid() == 0 ? asNobody + command : command
        let outcome = try BuiltProgram.run(whole[0], Array(whole.dropFirst()))
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.output == expected)
    }

    static let wrong: [(text: String, says: String)] = [
        (
            "{\"id\":\"x\",\n\"hung_call\":\"never\"}",
            "line 2: “hung_call” is “never”: it is one of last_proof,"
        ),
        (
            "{\"id\":\"x\",\n\n\"round_ms\":0}",
            "line 3: “round_ms” is 0: it is a whole number from 1 to 86400000"
        ),
        ("{\"id\":\"x\",\"minimum_ms\":1.5}", "line 1: “minimum_ms” is 1.5: it is a whole number from 0 to"),
        ("{\"id\":\"x\",\"round\":true}", "line 1: “round” is true: it is a text in quotes"),
        ("{\"hung_call\":\"hold\"}", "“id” is missing"),
        ("{\"id\":\"x\",\n\"colour\":1}", "line 2: there is no key “colour”: it is one of id, hung_call"),
        ("{\"id\":\"x\",\n\"id\":\"y\"}", "line 2: “id” stands there a second time"),
        ("{\"id\":\"x\"\n\"round\":\"up\"}", "line 2: “,” or “}” is expected"),
        ("{\"id\":\"x\",}", "line 1: a key in quotes is expected"),
        ("[]", "line 1: it begins with “{”"),
        ("", "line 1: it begins with “{”"),
        ("{\"id\":\"x\"} y", "line 1: there is more behind"),
        ("{\"id\":\"\\ud800\"}", "half a character"),
        ("{\"id\":[1]}", "line 1: “id” holds a list or an object"),
        ("{\"id\":\"x\",\"round_ms\":01}", "“round_ms” is 01, which is no JSON value"),
        ("{\"id\":\"" + String(repeating: "x", count: 9_000) + "\"}", "8192 at most"),
    ]

    @Test(arguments: wrong.indices)
    func aWrongPolicyIsNamedWithLineAndWhatMayStandThere(place: Int) throws {
        let (text, says) = Self.wrong[place]
        let ledger = try Ledger()
        try ledger.takeFixture()
        let file = try ledger.files.write(text, to: "wrong.json")
        for more in [["--diff"], []] {
            let outcome = try BuiltProgram.run(["rebuild", "--data", ledger.data, "--policy", file] + more)
            #expect(outcome.status == 2)
            #expect(outcome.errors.contains(says), "\(outcome.errors)")
            #expect(outcome.errors.contains("wrong.json"))
            #expect(outcome.output.isEmpty)
        }
    }
}

extension PolicyDifferenceTests {
    private static func records(_ ledger: Ledger) throws -> [[String: Any]] { try ledger.rows("cdrs") }

    private static func key(_ row: [String: Any]) -> String {
        ["callid", "from_tag", "to_tag"].map { text(row[$0]) }.joined(separator: " ")
    }

    private static func keys(_ rows: [[String: Any]]) -> [String] { rows.map(key) }

    private static func find(_ row: [String: Any], _ rows: [[String: Any]]) -> [String: Any]? {
        rows.first { key($0) == key(row) }
    }

    private static func differs(_ record: [String: Any], _ others: [[String: Any]]) -> Bool {
        let other = find(record, others)
        return ["billable_ms", "billing_basis"].contains { text(record[$0]) != text(other?[$0]) }
    }

    private static func text(_ value: Any?) -> String { value.map { "\($0)" } ?? "absent" }
}
