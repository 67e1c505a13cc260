import Foundation
import Testing

/// The lines of `explain` for machines: as `schemas/explain.md` says, complete, and of one mind with the
/// other commands. Tried on calls that forked, were challenged, corrected, presumed to have ended, withdrawn,
/// never begun.
struct ExplainTests {
    private static let calls = [
        "forked", "challenged", "corrected", "presumed", "withdrawn", "middle", "ringing",
    ]

    private func lines(_ ledger: Ledger, _ call: String, _ kind: String? = nil) throws -> [[String: Any]] {
        try ledger.rows("explain", "\(call)@example.com").filter {
            kind == nil || $0["kind"] as? String == kind
        }
    }

    /// Each kind of line has the members that the page lists, no other, and each that is listed turns up.
    @Test func linesAreAsThePageSays() throws {
        let page = try String(
            contentsOf: BuiltProgram.repository.appendingPathComponent("schemas/explain.md"), encoding: .utf8)
        var listed: [String: Set<String>] = [:]
        for section in page.components(separatedBy: "\n### ").dropFirst() {
            let kind = try #require(section.firstMatch(of: /^`(\w+)`/)?.output.1)
            let table = try #require(section.components(separatedBy: "\n| member | |\n").last)
            let rows = table.split(separator: "\n").prefix { $0.hasPrefix("|") }
            let cells = rows.map { $0.split(separator: "|").first ?? "" }
            listed[String(kind)] = Set(
                cells.flatMap { $0.matches(of: /`(\w+)`/).map { String($0.output.1) } })
        }
        #expect(listed.count == 10)
        let ledger = try Ledger()
        try ledger.takeStories()
        var seen: Set<String> = []
        for call in Self.calls {
            for line in try lines(ledger, call) {
                let kind = try #require(line["kind"] as? String)
                seen.insert(kind)
                let members = Set(line.keys).subtracting(["kind", "callid", "from_tag"])
                #expect(members == listed[kind], "\(kind)")
            }
        }
        #expect(seen == Set(listed.keys))
    }

    /// Every field of every record is explained, with the value that `cdrs` gives.
    @Test func fieldsAreThoseOfTheRecords() throws {
        let ledger = try Ledger()
        try ledger.takeStories()
        var records = 0
        for record in try ledger.rows("cdrs") {
            records += 1
            let call = try #require(record["callid"] as? String).prefix { $0 != "@" }
            let fields = try lines(ledger, String(call), "field").filter {
                $0["to_tag"] as? String == record["to_tag"] as? String
            }
            #expect(Set(fields.compactMap { $0["field"] as? String }) == Set(record.keys))
            #expect(fields.count == record.count)
            for field in fields {
                let name = try #require(field["field"] as? String)
                #expect(
                    "\(try #require(field["value"]))" == "\(try #require(record[name]))", "\(call), \(name)")
                #expect((field["rule"] as? String)?.isEmpty == false)
            }
        }
        #expect(records == 6)
    }

    /// All events of the call, each once, in the order of time; and the deadline at each step of one call.
    @Test func eventsAreAllThereWithTheirDeadlines() throws {
        let ledger = try Ledger()
        try ledger.takeStories()
        for call in Self.calls {
            let events = try lines(ledger, call, "event")
            let logged = try ledger.rows("events", "--callid", "\(call)@example.com")
            #expect(
                Set(events.compactMap { $0["position"] as? Int })
                    == Set(logged.compactMap { $0["position"] as? Int }))
            #expect(events.count == logged.count)
            let times = events.compactMap { $0["time"] as? Int }
            #expect(times == times.sorted())
        }
        let start = 1_772_700_200_000_000
        let deadlines = try lines(ledger, "corrected", "event").map { event in
            let all = event["deadlines"] as? [[String: Any]] ?? []
            return all.map { "\($0["kind"] ?? "") \(((($0["at"] as? Int) ?? 0) - start) / 1_000)" }
        }
        #expect(
            deadlines == [
                ["unanswered 900000"], ["unanswered 900000"], ["session_expiry 93000"],
                ["session_expiry 93000"],
                ["session_expiry 138050"], [], [], [],
            ])
    }

    /// A call that is open is judged as of the time that was asked for.
    @Test func whatIsOpenIsJudgedAsOfATime() throws {
        let ledger = try Ledger()
        try ledger.takeFixture()
        for (time, isHung) in [("2026-03-04T06:05:02.999999Z", false), ("2026-03-04T06:05:03Z", true)] {
            let rows = try ledger.rows("explain", "open@example.com", "--as-of", time)
            let leg = try #require(rows.first { $0["kind"] as? String == "leg" })
            #expect(leg["hung"] as? Bool == isHung)
            #expect(rows.contains { $0["code"] as? String == "hung_call" } == isHung)
        }
    }

    /// An event of a type that is not known yet can close a gap, and is named for it.
    @Test func revisionsNameWhatIsNotKnown() throws {
        let ledger = try Ledger()
        func line(_ source: String, _ number: Int, _ event: String) -> String {
            #"{"source":"\#(source)","epoch":1,"seq":\#(number),"event":\#(event)}"#
        }
        let call = #""callid":"c","from_tag":"f","cseq":1"#
        let gap = #""gap_source":"p","gap_epoch":1,"from_seq":3,"to_seq":3"#
        _ = try ledger.take(
            [
                line("p", 1, #"{"type":"dialog.trying","time":1000000,\#(call)}"#),
                line(
                    "p", 2, #"{"type":"dialog.failed","time":2000000,\#(call),"sip_code":486,"by":"callee"}"#),
                line("ledger", 1, #"{"type":"ledger.gap","time":3000000,\#(gap)}"#),
                line("p", 3, #"{"type":"x.n\u0065w","time":2500000}"#),
            ].joined(separator: "\n"))
        let rows = try ledger.rows("cdrs", "--revisions", "--callid", "c")
        #expect(rows.last?["made_by_type"] as? String == "x.new")
        #expect(rows.last?["made_by"] as? Int == 4)
    }

    /// Revisions of records that were corrected, withdrawn and came back, each with what did it.
    @Test func revisionsTellWhatChangedAndWhatDidIt() throws {
        let ledger = try Ledger()
        try ledger.takeStories()
        let rows = try ledger.rows("cdrs", "--revisions", "--callid", "withdrawn@example.com")
        #expect(
            rows.map { $0["revision_kind"] as? String } == ["first", "withdrawal", "return", "correction"])
        #expect(rows.map { $0["revision"] as? Int } == [1, 2, 3, 4])
        #expect(
            rows.map { $0["made_by_type"] as? String } == [
                nil, "dialog.trying", "dialog.failed", "ledger.policy",
            ])
        // What ends one revision makes the next.
        for (row, next) in zip(rows, rows.dropFirst()) {
            #expect(row["superseded_by"] as? Int == next["made_by"] as? Int)
        }
        #expect(rows.map { $0["withdrawn"] as? Bool } == [true, false, false, false])
        #expect(rows[1]["record"] is NSNull)
        #expect(rows.last?["superseded_by"] is NSNull)
        for (before, now) in [(rows[0], rows[2]), (rows[2], rows[3])] {
            let old = try #require(before["record"] as? [String: Any])
            let new = try #require(now["record"] as? [String: Any])
            let changed = new.keys.filter { "\(old[$0] ?? "")" != "\(new[$0] ?? "")" }
            let changes = try #require(now["changes"] as? [[String: Any]])
            #expect(Set(changes.compactMap { $0["field"] as? String }) == Set(changed))
            for change in changes {
                let field = try #require(change["field"] as? String)
                #expect("\(change["old"] ?? "")" == "\(old[field] ?? "")")
                #expect("\(change["new"] ?? "")" == "\(new[field] ?? "")")
            }
        }
        let last = try #require(ledger.rows("cdrs", "--callid", "withdrawn@example.com").first)
        #expect(last["revision"] as? Int == 4)
        // Found by what it used to say, and shown whole.
        let found = try ledger.rows("cdrs", "--revisions", "--disposition", "congestion")
        #expect(found.count == 4)
        #expect(Set(found.compactMap { $0["callid"] as? String }) == ["withdrawn@example.com"])
        #expect(try ledger.rows("cdrs", "--revisions", "--source", "ber/w1").count == 7)
        #expect(try ledger.rows("cdrs", "--revisions", "--user-agent", "nobody").isEmpty)
        #expect(try ledger.rows("cdrs", "--revisions").count == 17)
    }
}
