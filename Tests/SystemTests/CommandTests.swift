import Foundation
import Testing

/// Exit statuses and messages: 0 done, 1 the answer is no, 2 usage, 3 the environment.
struct CommandTests {
    @Test func everyCommandHasHelpWithExamples() throws {
        let root = try BuiltProgram.run(["--help"])
        #expect(root.status == 0)
        let commands = root.lines.drop { !$0.hasPrefix("SUBCOMMANDS") }.compactMap { line -> String? in
            guard line.hasPrefix("  "), !line.hasPrefix("   "), !line.contains("detailed help") else {
                return nil
            }
            return line.split(separator: " ").first.map(String.init)
        }
        #expect(commands.count >= 12)
        for command in commands {
            let help = try BuiltProgram.run([command, "--help"])
            #expect(help.status == 0)
            #expect(help.text.contains("EXAMPLES"), "\(command) has no examples")
            #expect(help.text.contains("tollbook \(command)"))
        }
    }

    static let usage: [(arguments: [String], says: String)] = [
        (["cdrs", "--bogus"], "Unknown option"),
        (["cdrs", "--since", "yesterday"], "yesterday"),
        (["cdrs", "--disposition", "answerd"], "answered"),
        (["cdrs", "--format", "xml"], "ndjson"),
        (["audit", "--code", "hung"], "hung_call"),
        (["audit", "--fail-on", "fatal"], "warning"),
        (["timers", "--by", "hour", "--callid", "a"], "--by"),
        (["import"], "file"),
        (["rebuild", "--tolerance", "86401"], "--tolerance"),
        (["rebuild", "--check", "--grace", "5"], "--check"),
        (["rebuild", "--diff"], "--policy"),
        (["rebuild", "--diff", "--check", "--policy", "p.json"], "--check"),
        (["rebuild", "--diff", "--policy", "p.json", "--grace", "5"], "--grace"),
        (["simulate", "--lost", "2"], "--lost"),
        (["explain"], "callid"),
        (["explain", "a", "--format", "csv"], "table or ndjson"),
        (["serve", "--router", "none", "--pull", "none", "--sub", "none"], "nothing could ever arrive"),
        (["frobnicate"], "frobnicate"),
    ]

    @Test(arguments: usage.indices)
    func wrongUseEndsWithTwo(place: Int) throws {
        let (arguments, says) = Self.usage[place]
        let outcome = try BuiltProgram.run(arguments)
        #expect(outcome.status == 2, "\(arguments)")
        #expect(outcome.errors.contains(says), "\(arguments): \(outcome.errors)")
        #expect(outcome.output.isEmpty)
    }

    @Test(arguments: ["cdrs", "dialogs", "timers", "audit", "status", "events", "verify", "rebuild"])
    func whereThereIsNoLedgerNoneIsMade(command: String) throws {
        let ledger = try Ledger()
        let outcome = try ledger.run(command)
        #expect(outcome.status == 3)
        #expect(outcome.errors.contains("there is no ledger in \(ledger.data)"))
        #expect(outcome.errors.contains("--data"))
        #expect(!FileManager.default.fileExists(atPath: ledger.data))
    }

    /// However few findings are listed, the sums and the exit status go by all of them, and a table says how
    /// many it left out.
    @Test func auditListsNoMoreThanItIsTold() throws {
        let ledger = try Ledger()
        try ledger.takeStories()
        let all = try ledger.rows("audit").count
        #expect(all > 2)
        #expect(try ledger.rows("audit", "--limit", "2").count == 2)
        let table = try ledger.run("audit", "--format", "table", "--limit", "1")
        #expect(table.text.contains("and \(all - 1) more"), "\(table.text)")
        #expect(table.text.contains("--limit \(all)"))
        #expect(try !ledger.run("audit", "--format", "table").text.contains(" more: "))
        let none = try ledger.run("audit", "--limit", "0", "--fail-on", "error")
        #expect(none.status == 1)
        #expect(none.output.isEmpty)
        #expect(try ledger.run("audit", "--limit=-1").status == 2)
    }

    @Test(arguments: ["serve", "import"])
    func aDirectoryOfSomethingElseIsLeftAlone(command: String) throws {
        let ledger = try Ledger()
        try FileManager.default.createDirectory(atPath: ledger.data, withIntermediateDirectories: true)
        try ledger.files.write("precious", to: "data/thesis.txt")
        let outcome = try BuiltProgram.run(
            [command, "--data", ledger.data] + (command == "import" ? [Ledger.fixture] : []))
        #expect(outcome.status == 3)
        #expect(outcome.errors.contains("thesis.txt"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: ledger.data) == ["thesis.txt"])
    }

    @Test func findingsAtOrAboveFailOnEndWithOne() throws {
        let ledger = try Ledger()
        try ledger.takeFixture()
        #expect(try ledger.run("audit").status == 0)
        #expect(try ledger.run("audit", "--fail-on", "error").status == 1)
        // Only warnings are left: they are none for "error", and some for "warning" and below.
        #expect(try ledger.run("audit", "--severity", "warning", "--fail-on", "error").status == 0)
        #expect(try ledger.run("audit", "--severity", "warning", "--fail-on", "warning").status == 1)
        #expect(try ledger.run("audit", "--severity", "warning", "--fail-on", "info").status == 1)
        let none = try ledger.run("audit", "--callid", "busy@example.com", "--fail-on", "info")
        #expect(none.status == 0)
    }

    @Test func explainingAnUnknownCallEndsWithOne() throws {
        let ledger = try Ledger()
        try ledger.takeFixture()
        let outcome = try ledger.run("explain", "nobody@example.com")
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("nobody@example.com"))
    }

    /// `head` takes its lines and goes; that is nobody's mistake.
    @Test func aReaderThatGoesAwayIsNoError() throws {
        let ledger = try Ledger()
        try ledger.takeFixture()
        let many = "for i in $(seq 2000); do \"$1\" events --data \"$2\"; done"
        for command in ["\"$1\" events --data \"$2\" --format csv", many, "\"$1\" simulate --out -"] {
            let script = "set -o pipefail; { \(command); } | head -n 1"
            let outcome = try BuiltProgram.run(
                "/bin/bash", ["-c", script, "bash", BuiltProgram.path, ledger.data])
            #expect(outcome.lines.count == 1)
            #expect(outcome.errors.isEmpty, "\(outcome.errors)")
            if !command.hasPrefix("for") { #expect(outcome.status == 0) }
        }
    }

    @Test func filtersSelect() throws {
        let ledger = try Ledger()
        try ledger.takeFixture()
        func callIDs(_ arguments: String...) throws -> [String] {
            let outcome = try BuiltProgram.run(["cdrs", "--data", ledger.data] + arguments)
            return try outcome.lines.map { line in
                let row = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
                return try #require(row?["callid"] as? String)
            }
        }
        let all = ["answered", "busy", "hung", "small"].map { $0 + "@example.com" }
        #expect(try callIDs() == all)
        // Half open: the second call starts at 10 s.
        #expect(try callIDs("--since", "2026-03-04T04:53:30Z") == Array(all.dropFirst()))
        #expect(try callIDs("--until", "2026-03-04T04:53:30Z") == Array(all.prefix(1)))
        #expect(try callIDs("--since", "1772600010000001") == Array(all.dropFirst(2)))
        #expect(
            try callIDs("--since", "2026-03-04T05:53:30+01:00", "--until", "1772600010000001") == [all[1]])
        #expect(try callIDs("--user", "bob") == Array(all.prefix(2)))
        #expect(try callIDs("--user", "bo") == [])
        #expect(try callIDs("--disposition", "busy,unknown") == [all[1]])
        #expect(try callIDs("--termination", "session_timeout") == [all[2]])
        #expect(try callIDs("--source", "ber/w1") == Array(all.suffix(2)))
        #expect(try callIDs("--callid", all[3]) == [all[3]])
    }

    @Test func eventsBeginAndAreChosenAsAsked() throws {
        let ledger = try Ledger()
        try ledger.takeFixture()
        let all = try ledger.rows("events")
        #expect(all.count == 26)
        #expect(all.map { $0["position"] as? Int } == Array(1...26))
        #expect(try ledger.rows("events", "--from", "20").map { $0["position"] as? Int } == Array(20...26))
        #expect(try ledger.rows("events", "--from", "27").isEmpty)
        #expect(try ledger.run("events", "--from", "28").status == 3)
        #expect(try ledger.rows("events", "--callid", "hung@example.com").count == 4)
    }

    /// `--follow` shows what comes as it comes.
    @Test func followingGoesOnWithWhatComes() throws {
        let ledger = try Ledger()
        let lines = try String(contentsOfFile: Ledger.fixture, encoding: .utf8).split(separator: "\n")
        try ledger.take(lines.prefix(10).joined(separator: "\n"))
        let follower = try RunningProgram(
            ["events", "--data", ledger.data, "--from", "3", "--follow"], files: TemporaryDirectory())
        func shown() -> [Substring] {
            String(decoding: follower.output, as: UTF8.self).split(separator: "\n")
        }
        try eventually("what is there is shown") { shown().count == 8 }
        try ledger.take(lines.joined(separator: "\n"))
        try eventually("what came is shown") { shown().count == 24 }
        follower.kill(SIGTERM)
        #expect(follower.wait() == 128 + SIGTERM)
        #expect(shown() == Array(try ledger.run("events").lines.dropFirst(2)))
    }
}
