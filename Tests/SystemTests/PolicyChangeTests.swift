import Events
import Foundation
import Ingest
import Testing

/// A policy that is changed while the service runs is an event of the log before it bills anything: it bills
/// what ends from then on, and a rebuild bills every call as it was billed.
@Suite(.serialized)
struct PolicyChangeTests {
    private static let hold = #"{"id":"hold","hung_call":"hold"}"#
    private static let timeout = #"{"id":"timeout","hung_call":"timeout","round_ms":60000}"#

    @Test func aHangupReadsThePolicyAgain() throws {
        let ledger = try Ledger()
        let file = try ledger.files.write(Self.hold, to: "policy.json")
        let service = try Service(ledger, "tcp://127.0.0.1:*", ["--policy", file])
        try eventually("the first policy is in the log") { try Self.policies(ledger) == [Self.hold] }
        var source = try EventSource(
            endpoint: service.endpoint,
            SourceEpoch(source: #require(SourceName("ams")), epoch: Epoch(rawValue: 1)))
        // Call 1 ends by a guess before anybody set a policy, call 2 under the first one.
        let now = Int64(Date().timeIntervalSince1970 * 1_000_000)
        try Self.send(1, endingAt: now - 3_600_000_000, &source)
        try eventually("time passes") { Int64(Date().timeIntervalSince1970 * 1_000_000) > now + 1_500_000 }
        try Self.send(9, endingAt: now + 1_000_000, &source)

        try ledger.files.write(Self.timeout, to: "policy.json")
        service.hangUp()
        try eventually("the second policy is in the log") {
            try Self.policies(ledger) == [Self.hold, Self.timeout]
        }
        let from = try #require(try Self.times(ledger).last)
        #expect(from > now + 1_000_000)
        // One that ended before the change and is told of afterwards, and one that ends at the very moment.
        try Self.send(17, endingAt: from - 1, &source)
        try Self.send(25, endingAt: from, &source)
        try eventually("four records") { try ledger.rows("cdrs").count == 4 }
        let billed = ["default", "hold", "hold", "timeout"]
        #expect(try Self.citations(ledger) == billed)
        #expect(service.errors.contains("calls are billed by timeout:"), "\(service.errors)")

        // Killed, and made anew from the log alone: the same to the letter.
        service.end(SIGKILL)
        let answers = try Self.answers(ledger)
        #expect(try ledger.run("rebuild", "--check").status == 0)
        try FileManager.default.removeItem(atPath: ledger.data + "/read-model.sqlite")
        #expect(try ledger.run("rebuild").status == 0)
        #expect(try Self.answers(ledger) == answers)
        #expect(try Self.citations(ledger) == billed)
        // The same file at the next start is no change.
        let again = try Service(ledger, "tcp://127.0.0.1:*", ["--policy", file])
        #expect(again.end() == 0)
        #expect(try Self.policies(ledger) == [Self.hold, Self.timeout])
    }

    @Test func aFileThatIsNoPolicyChangesNothing() throws {
        let ledger = try Ledger()
        let file = try ledger.files.write(Self.hold, to: "policy.json")
        let service = try Service(ledger, "tcp://127.0.0.1:*", ["--policy", file])
        try eventually("the policy is in the log") { try Self.policies(ledger) == [Self.hold] }
        for (text, says) in [
            ("{\"id\":\"hold\",\n\"hung_call\":\"release\"}", "line 2: “hung_call” is “release”"),
            ("", "line 1:"),
        ] {
            try ledger.files.write(text, to: "policy.json")
            service.hangUp()
            try eventually("the error is logged") { service.errors.contains(says) }
            #expect(service.errors.contains("the billing policy stays what it was"))
            #expect(service.errors.contains(file))
        }
        try FileManager.default.removeItem(atPath: file)
        service.hangUp()
        try eventually("the error is logged") { service.errors.contains("can't be read") }
        // The same text once more is no change; another one is, after all that.
        try ledger.files.write(Self.hold, to: "policy.json")
        service.hangUp()
        try eventually("it is read") { service.errors.contains("the billing policy hold:") }
        try ledger.files.write(Self.timeout, to: "policy.json")
        service.hangUp()
        try eventually("the new one is in the log") {
            try Self.policies(ledger) == [Self.hold, Self.timeout]
        }
        #expect(service.end() == 0)
        #expect(try ledger.run("verify").status == 0)
    }

    @Test func withoutAPolicyAHangupIsHarmless() throws {
        let ledger = try Ledger()
        let service = try Service(ledger)
        service.hangUp()
        try eventually("it says what is missing") { service.errors.contains("TOLLBOOK_POLICY") }
        #expect(service.end() == 0)
        #expect(try Self.policies(ledger).isEmpty)
    }

    /// A clock that was set back does not keep a new policy from coming into force.
    @Test func aPolicyFromTheFutureIsFollowed() throws {
        let ledger = try Ledger()
        let ahead = Int64(Date().timeIntervalSince1970 * 1_000_000) + 3_600_000_000
        let quoted = Self.hold.replacing("\"", with: "\\\"")
        try ledger.take(
            #"{"source":"ledger","epoch":1,"seq":1,"event":{"type":"ledger.policy","time":\#(ahead),"#
                + #""policy":"\#(quoted)"}}"# + "\n")
        let file = try ledger.files.write(Self.timeout, to: "policy.json")
        let service = try Service(ledger, "tcp://127.0.0.1:*", ["--policy", file])
        try eventually("the policy is in the log") { try Self.policies(ledger) == [Self.hold, Self.timeout] }
        #expect(try Self.times(ledger) == [ahead, ahead + 1])
        #expect(service.errors.contains("Check the clock"))
        #expect(service.end() == 0)
    }

    /// Two policies over time, one of them told of after what it bills: the first read model, a rebuilt one
    /// and one that was made from another order are the same but for what tells how they came.
    @Test func everyOrderOfPoliciesAndCallsBillsTheSame() throws {
        let calls = HungCalls.lines(64)
        let policies =
            HungCalls.policy(Self.hold, from: 20, seq: 1) + HungCalls.policy(Self.timeout, from: 40, seq: 2)
        var expected: [String]?
        for parts in [[policies, calls], [calls, policies], [calls + policies]] {
            let ledger = try Ledger()
            for part in parts { #expect(try ledger.take(part).status == 0) }
            let records = try ledger.run("cdrs").lines.map {
                String($0).replacing(/,"revision":.*$/, with: "")
            }
            #expect(records.count == 64)
            #expect(Set(try Self.citations(ledger)) == ["default", "hold", "timeout"])
            #expect(records == expected ?? records)
            expected = records
            let revisions = try ledger.rows("cdrs", "--revisions").filter { !($0["superseded_by"] is NSNull) }
            #expect(revisions.isEmpty == (parts[0] == policies))
            let answers = try Self.answers(ledger)
            #expect(try ledger.run("rebuild").status == 0)
            #expect(try Self.answers(ledger) == answers)
        }
    }
}

extension PolicyChangeTests {
    private static func send(_ call: Int, endingAt end: Int64, _ source: inout EventSource) throws {
        let events = HungCalls.events(of: call, endingAt: end)
        source.put(Array(events.map { $0 + "\n" }.joined().utf8), count: events.count)
        #expect(try source.drain(milliseconds: 20_000))
    }

    private static func entries(_ ledger: Ledger) throws -> [[String: Any]] {
        try ledger.rows("events").compactMap { $0["event"] as? [String: Any] }
            .filter { $0["type"] as? String == "ledger.policy" }
    }

    private static func policies(_ ledger: Ledger) throws -> [String] {
        try entries(ledger).compactMap { $0["policy"] as? String }
    }

    private static func times(_ ledger: Ledger) throws -> [Int64] {
        try entries(ledger).compactMap { ($0["time"] as? Int).map(Int64.init) }
    }

    /// The policies' ids, in the order of the records.
    private static func citations(_ ledger: Ledger) throws -> [String] {
        try ledger.rows("cdrs").compactMap {
            ($0["policy"] as? String)?.split(separator: ":").first.map(String.init)
        }
    }

    /// All that depends on what calls are billed, to the letter.
    private static func answers(_ ledger: Ledger) throws -> [String] {
        try [["cdrs"], ["cdrs", "--revisions"], ["audit"], ["timers"]].map { arguments in
            try BuiltProgram.run(arguments + ["--data", ledger.data]).text
        }
    }
}
