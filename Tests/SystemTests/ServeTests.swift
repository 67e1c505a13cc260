import Foundation
import Ingest
import Testing

/// The service: how it starts and ends, what it refuses, what it concludes by itself.
struct ServeTests {
    @Test(arguments: [SIGTERM, SIGINT])
    func endsInGoodOrder(signal: Int32) throws {
        let ledger = try Ledger()
        let service = try Service(ledger)
        let played = try BuiltProgram.run([
            "simulate", "--endpoint", service.endpoint, "--calls", "200", "--seed", "3",
        ])
        #expect(played.status == 0, "\(played.errors)")
        let began = ContinuousClock.now
        #expect(service.end(signal) == 0, "\(service.errors)")
        #expect(began.duration(to: .now) < .seconds(5))
        #expect(service.output.contains("ended in good order"))
        // What was acknowledged is there, and the read model has it.
        let status = try #require(try ledger.rows("status").first)
        #expect(status["behind"] as? Int == 0)
        let verified = try ledger.run("verify")
        #expect(verified.status == 0, "\(verified.errors)")
    }

    @Test func tellsWhereItListensAndWhatToDoNext() throws {
        let ledger = try Ledger()
        let service = try Service(ledger)
        #expect(service.output.contains("data directory \(ledger.data)"))
        #expect(service.output.contains("tollbook cdrs --data \(ledger.data)"))
        #expect(service.endpoint.wholeMatch(of: /tcp:\/\/127\.0\.0\.1:\d+/) != nil)
        #expect(service.end() == 0)
    }

    /// Who can't write the read model goes on taking events, and catches up once it can; tried with somebody
    /// who holds SQLite's lock, whom the service can't tell from a disk that has no room.
    @Test func aReadModelThatCannotBeWrittenStopsNothing() throws {
        let ledger = try Ledger()
        let service = try Service(ledger)
        let files = try TemporaryDirectory()
        let script = """
            import os, sqlite3, sys, time
            held = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
            held.execute("BEGIN IMMEDIATE")
            print("held", flush=True)
            while not os.path.exists(sys.argv[2]): time.sleep(0.02)
            held.execute("ROLLBACK")
            """
        let holder = try RunningProgram(
            "/usr/bin/python3", ["-c", script, ledger.data + "/read-model.sqlite", files.path("let-go")],
            input: nil, environment: [:], files: TemporaryDirectory())
        try eventually("the lock is held") { !holder.output.isEmpty || !holder.isRunning }
        let played = try BuiltProgram.run([
            "simulate", "--endpoint", service.endpoint, "--calls", "50", "--seed", "3",
        ])
        #expect(played.status == 0, "\(played.errors)")
        try eventually("it is said") { service.errors.contains("the read model can't be written") }
        #expect(try ledger.rows("cdrs").isEmpty)
        try files.write("", to: "let-go")
        #expect(holder.wait() == 0, "\(holder.errors)")
        try eventually("what came is taken in") { try ledger.rows("status").first?["behind"] as? Int == 0 }
        #expect(service.errors.contains("the read model is written again"))
        #expect(try !ledger.rows("cdrs").isEmpty)
        #expect(service.end() == 0, "\(service.errors)")
        #expect(try ledger.run("verify").status == 0)
    }

    @Test func aSecondInstanceIsRefused() throws {
        let ledger = try Ledger()
        let service = try Service(ledger)
        let arguments = ["serve", "--router", "tcp://127.0.0.1:*", "--pull", "none", "--sub", "none"]
        let second = try BuiltProgram.run(arguments + ["--data", ledger.data])
        #expect(second.status == 3)
        #expect(second.errors.contains("another process has the ledger in \(ledger.data)"))
        for command in [["rebuild"], ["import", Ledger.fixture]] {
            let outcome = try BuiltProgram.run(command + ["--data", ledger.data])
            #expect(outcome.status == 3)
            #expect(outcome.errors.contains("another process has the ledger"))
        }
        // Reading goes on beside it.
        #expect(try ledger.run("cdrs").status == 0)
        #expect(service.end() == 0)
    }

    @Test func aPortInUseIsNamed() throws {
        let ledger = try Ledger()
        let service = try Service(ledger)
        let other = try Ledger()
        let second = try other.run("serve", "--router", service.endpoint, "--pull", "none", "--sub", "none")
        #expect(second.status == 3)
        #expect(second.errors.contains("\(service.endpoint) is in use"))
        #expect(service.end() == 0)
    }

    @Test func aPolicyThatCannotBeReadIsNamed() throws {
        let ledger = try Ledger()
        let missing = try ledger.run("serve", "--policy", "/nowhere/policy.json")
        #expect(missing.status == 3)
        #expect(missing.errors.contains("/nowhere/policy.json"))
        let file = try ledger.files.write(#"{"id":"x","hung_call":"never"}"#, to: "policy.json")
        let wrong = try ledger.run("serve", "--policy", file)
        #expect(wrong.status == 2)
        #expect(wrong.errors.contains("line 1: “hung_call” is “never”"))
        #expect(wrong.errors.contains("last_proof, session_expiry, timeout, hold"))
        #expect(!FileManager.default.fileExists(atPath: ledger.data))
    }

    @Test func everyWrongSettingIsNamedAtOnce() throws {
        let ledger = try Ledger()
        let text =
            #"{"credit":0,"colour":"red","gap_timeout":"soon","router":"tcp://0.0.0.0:5590","grace":60}"#
        let file = try ledger.files.write(text, to: "config.json")
        let outcome = try ledger.run(
            "serve", "--config", file, "--segment-bytes", "70000", environment: ["TOLLBOOK_LIFETIME": "long"])
        #expect(outcome.status == 2)
        for says in [
            "“credit”", "“colour”", "“gap_timeout”", "“router”", "--segment-bytes", "TOLLBOOK_LIFETIME",
        ] {
            #expect(outcome.errors.contains(says), "\(says) in \(outcome.errors)")
        }
        #expect(!outcome.errors.contains("“grace”"))
        let noJSON = try ledger.files.write("credit: 5", to: "config.yaml")
        #expect(try ledger.run("serve", "--config", noJSON).status == 2)
        #expect(try ledger.run("serve", "--config", "/nowhere/config.json").status == 3)
    }

    /// Flags go before the environment, the environment before the file.
    @Test func placesOfSettingsHaveTheirPrecedence() throws {
        func level(_ arguments: [String], _ environment: [String: String]) throws -> String {
            let outcome = try BuiltProgram.run(["serve"] + arguments, environment: environment)
            #expect(outcome.status == 2)
            return String(try #require(outcome.errors.firstMatch(of: /“level-(\w+)”/)?.output.1))
        }
        let files = try TemporaryDirectory()
        let file = try files.write(#"{"log_level":"level-file"}"#, to: "config.json")
        let variables = ["TOLLBOOK_LOG_LEVEL": "level-environment"]
        #expect(try level(["--config", file], [:]) == "file")
        #expect(try level(["--config", file], variables) == "environment")
        #expect(try level(["--config", file, "--log-level", "level-flag"], variables) == "flag")
    }

    @Test func messagesThatMakeNoSenseAreAnsweredAndChangeNothing() throws {
        let ledger = try Ledger()
        let service = try Service(ledger)
        let lines = "{}\n"
        for (header, payload, code) in [
            (#"{"v":1,"op":"dance","source":"a","epoch":1}"#, nil, "op"),
            (#"{"v":1,"op":"batch","source":"a","epoch":1,"first_seq":1,"count":2}"#, lines, "count"),
            (#"{"v":1,"op":"#, nil, "header"),
        ] as [(String, String?, String)] {
            let answer = try ask(service.endpoint, header, payload)
            #expect(answer["op"] as? String == "error", "\(header): \(answer)")
            #expect((answer["code"] as? String)?.contains(code) == true, "\(header): \(answer)")
            #expect((answer["reason"] as? String)?.isEmpty == false)
        }
        #expect(service.end() == 0)
        #expect(try ledger.rows("events").isEmpty)
    }

    private func ask(_ endpoint: String, _ header: String, _ payload: String?) throws -> [String: Any] {
        let socket = try ZeroMQSocket(.dealer, in: ZeroMQContext())
        try socket.connect(endpoint)
        // Once the connection stands, the queue takes the message.
        try eventually("the message leaves") {
            let text = Array(header.utf8)
            return try socket.send(text.span, more: payload != nil) == .sent
        }
        if let payload {
            let text = Array(payload.utf8)
            _ = try socket.send(text.span)
        }
        let message = ZeroMQMessage()
        try eventually("an answer comes") { try socket.receive(into: message) }
        let bytes = message.withBytes { span in span.indices.map { span[$0] } }
        return try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
    }

    /// What outlived its deadline is presumed ended, once, also over a restart; time is stated while dialogs
    /// are open.
    @Test func theWatchdogPresumesEndsOnce() throws {
        let ledger = try Ledger()
        try ledger.takeFixture()
        #expect(try ledger.rows("dialogs").count == 2)
        for round in 1...2 {
            let service = try Service(ledger)
            try eventually("nothing is open, round \(round)") { try ledger.rows("dialogs").isEmpty }
            #expect(service.end() == 0)
        }
        let events = try ledger.rows("events").compactMap { $0["event"] as? [String: Any] }
        let expired = events.filter { $0["type"] as? String == "ledger.expired" }
        #expect(expired.count == 2)
        #expect(events.contains { $0["type"] as? String == "ledger.tick" })
        let leg = try #require(expired.first { $0["to_tag"] as? String == "b5" })
        // Answered at 3703 s with 600 s; the end is presumed 60 s after.
        #expect(leg["deadline"] as? Int == 1_772_604_303_000_000)
        #expect(leg["time"] as? Int == 1_772_604_363_000_000)
        let call = try #require(expired.first { $0["to_tag"] == nil })
        #expect(call["deadline"] as? Int == 1_772_603_790_000_000 + 900_000_000)
        let records = try ledger.rows("cdrs")
        #expect(records.contains { $0["termination"] as? String == "unterminated" })
        #expect(records.contains { $0["disposition"] as? String == "unknown" })
        #expect(try ledger.run("verify").status == 0)
    }

    @Test func aChangeOfPolicyIsAnEventOfTheLog() throws {
        let ledger = try Ledger()
        let strict = try ledger.files.write(#"{"id":"strict","hung_call":"hold"}"#, to: "strict.json")
        let policies = { try ledger.rows("events").compactMap { $0["event"] as? [String: Any] } }
        for (arguments, count) in [([], 0), (["--policy", strict], 1), (["--policy", strict], 1)]
            as [([String], Int)]
        {
            let service = try Service(ledger, "tcp://127.0.0.1:*", arguments)
            // The projector starts with it; afterwards there is nothing to wait for.
            if count > 0 { try eventually("the policy is in the log") { try policies().count >= 1 } }
            #expect(service.end() == 0)
            #expect(try policies().filter { $0["type"] as? String == "ledger.policy" }.count == count)
        }
        #expect(try policies().first?["policy"] as? String == #"{"id":"strict","hung_call":"hold"}"#)
        #expect((try ledger.rows("status").first?["policy"] as? String)?.hasPrefix("strict:") == true)
    }

    @Test func otherSettingsNeedARebuild() throws {
        let ledger = try Ledger()
        try ledger.takeFixture()
        let refused = try ledger.run("serve", "--grace", "5", "--router", "tcp://127.0.0.1:*")
        #expect(refused.status == 3)
        #expect(refused.errors.contains("tollbook rebuild"))
        #expect(try ledger.run("rebuild", "--grace", "5").status == 0)
        let service = try Service(ledger, "tcp://127.0.0.1:*", ["--grace", "5"])
        try eventually("nothing is open") { try ledger.rows("dialogs").isEmpty }
        #expect(service.end() == 0)
        let expired = try ledger.rows("events").compactMap { $0["event"] as? [String: Any] }
            .first { $0["to_tag"] as? String == "b5" && $0["type"] as? String == "ledger.expired" }
        #expect(expired?["time"] as? Int == 1_772_604_308_000_000)
    }
}
