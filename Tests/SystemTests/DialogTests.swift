import Foundation
import Testing

/// What `dialogs` selects, and by when it judges.
struct DialogTests {
    private func callIDs(_ ledger: Ledger, _ arguments: String...) throws -> [String] {
        let outcome = try BuiltProgram.run(["dialogs", "--data", ledger.data] + arguments)
        #expect(outcome.status == 0, "\(arguments): \(outcome.errors)")
        return try outcome.lines.map { line in
            let row = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            return String(try #require(row?["callid"] as? String).prefix { $0 != "@" })
        }
    }

    /// An open leg hangs from its deadline on, which is 05:05:03 + 1 h; one that has ended hung whatever the
    /// time is.
    @Test func aLegIsASuspectFromItsDeadlineOn() throws {
        let ledger = try Ledger()
        try ledger.takeFixture()
        #expect(try callIDs(ledger, "--suspect") == ["hung"])
        #expect(try callIDs(ledger, "--suspect", "--as-of", "2026-03-04T06:05:02.999999Z") == ["hung"])
        // Unproven for 10 minutes, the other for less than three.
        #expect(try callIDs(ledger, "--suspect", "--as-of", "2026-03-04T06:05:03Z") == ["open", "hung"])
        #expect(try callIDs(ledger, "--suspect", "--as-of", "2026-03-04T04:00:00Z") == ["hung"])
    }

    @Test func filtersSelect() throws {
        let ledger = try Ledger()
        try ledger.takeFixture()
        let late = ["--as-of", "2026-03-04T07:00:00Z"]
        func suspects(_ arguments: String...) throws -> [String] {
            let all = ["dialogs", "--suspect", "--data", ledger.data] + late + arguments
            let outcome = try BuiltProgram.run(all)
            #expect(outcome.status == 0, "\(arguments): \(outcome.errors)")
            return outcome.lines.map { $0.contains("open@example.com") ? "open" : "hung" }
        }
        #expect(try suspects() == ["open", "hung"])
        #expect(try suspects("--callid", "hung@example.com") == ["hung"])
        #expect(try suspects("--callid", "open@example.com") == ["open"])
        #expect(try suspects("--callid", "answered@example.com") == [])
        // Half open: the open call starts at 05:55:00.
        #expect(try suspects("--since", "2026-03-04T05:55:00Z") == ["open"])
        #expect(try suspects("--since", "1772603700000001") == [])
        #expect(try suspects("--until", "2026-03-04T05:55:00Z") == ["hung"])
        #expect(try suspects("--source", "fra/w0") == ["open"])
        #expect(try suspects("--source", "ber/w1") == ["hung"])
        #expect(try suspects("--source", "ber") == [])
        #expect(try suspects("--user-agent", "ACME 1.2") == ["open"])
        #expect(try suspects("--user-agent", "ACME") == [])
        // Of what is open two calls are there, one without a user agent.
        #expect(try callIDs(ledger) == ["open", "ringing"])
        #expect(try callIDs(ledger, "--user-agent", "ACME 1.2") == ["open"])
        #expect(try callIDs(ledger, "--user-agent", "") == ["ringing"])
        #expect(try callIDs(ledger, "--since", "2026-03-04T05:56:30Z") == ["ringing"])
        #expect(try callIDs(ledger, "--until", "2026-03-04T05:56:30Z") == ["open"])
        #expect(try callIDs(ledger, "--source", "ber/w1") == [])
    }
}
