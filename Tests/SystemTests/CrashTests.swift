import Foundation
import Testing

/// Killing the service, at any moment, loses and doubles nothing that was acknowledged.
@Suite(.serialized)
struct CrashTests {
    /// The events of a simulation, by identity.
    private static func events(_ text: String) throws -> [String: String] {
        var events: [String: String] = [:]
        for line in text.split(separator: "\n") where !line.contains(#""source":"ledger""#) {
            let match = try #require(
                line.firstMatch(of: /"source":("[^"]+","epoch":\d+,"seq":\d+),"event":(.*)\}$/))
            let identity = String(match.output.1)
            #expect(events[identity] == nil, "\(identity) is there twice")
            events[identity] = String(match.output.2)
        }
        return events
    }

    @Test func killingTheServiceLosesAndDoublesNothing() throws {
        let ledger = try Ledger()
        let traffic = [
            "--calls", "1500", "--seed", "11", "--start", "2026-03-01T00:00:00Z", "--duplicated", "0.02",
        ]
        let wanted = try Self.events(
            try BuiltProgram.run(["simulate", "--out", "-", "--duplicated", "0"] + traffic.dropLast(2)).text)
        var service = try Service(ledger)
        let endpoint = service.endpoint
        let player = try RunningProgram(
            ["simulate", "--endpoint", endpoint, "--rate", "2500"] + traffic, files: TemporaryDirectory())
        for round in 1...2 {
            let share = wanted.count * round / 4
            try eventually("a part has come, round \(round)") {
                try ledger.run("events", "--from", "\(share)").status == 0
            }
            #expect(service.end(SIGKILL) == 128 + SIGKILL)
            service = try Service(ledger, endpoint)
        }
        #expect(player.wait() == 0, "\(player.errors)")
        // Once more, with everything acknowledged.
        service.end(SIGKILL)
        let kept = try Self.events(try ledger.run("events").text)
        #expect(kept.count == wanted.count)
        #expect(kept == wanted)
        let verified = try ledger.run("verify")
        #expect(verified.status == 0, "\(verified.errors)")
        // The records are those of an undisturbed import of the same events.
        let undisturbed = try Ledger()
        let file = undisturbed.files.path("wanted.ndjson")
        #expect(
            try BuiltProgram.run(["simulate", "--out", file, "--duplicated", "0"] + traffic.dropLast(2))
                .status == 0)
        #expect(try undisturbed.run("import", file).status == 0)
        let plain = { (ledger: Ledger) in
            try ledger.run("cdrs").lines.filter { !$0.contains(#""ended_by":"ledger""#) }
                .map { String($0).replacing(/,"revision":.*$/, with: "") }
        }
        #expect(try plain(ledger) == plain(undisturbed))
    }

    /// A comparison while the service writes looks at one moment of it.
    @Test func checkingBesideTheServiceFindsNoDifference() throws {
        let ledger = try Ledger()
        let service = try Service(ledger)
        let player = try RunningProgram(
            [
                "simulate", "--endpoint", service.endpoint, "--calls", "1000", "--rate", "4000", "--faults",
                "some",
            ],
            files: TemporaryDirectory())
        var checks = 0
        while player.isRunning || checks == 0 {
            let check = try ledger.run("rebuild", "--check")
            #expect(check.status == 0, "\(check.errors)")
            checks += 1
        }
        #expect(player.wait() == 0, "\(player.errors)")
        #expect(service.end() == 0)
        #expect(try ledger.run("rebuild", "--check").status == 0)
    }

    /// A read model that somebody has changed is found out, row and column, and made anew.
    @Test func aChangedReadModelIsFoundOut() throws {
        let ledger = try Ledger()
        try ledger.takeFixture()
        let file = ledger.data + "/read-model.sqlite"
        let before = try ledger.run("cdrs").output
        let change =
            "UPDATE cdrs SET billable_ms = 1 WHERE callid LIKE 'hung%'; DELETE FROM findings WHERE code = 'hung_call'"
        #expect(
            try BuiltProgram.run(
                "/usr/bin/python3",
                [
                    "-c",
                    """
                    import sqlite3, sys
                    db = sqlite3.connect(sys.argv[1])
                    db.executescript(sys.argv[2])
                    db.commit()
                    """, file, change,
                ]
            ).status == 0)
        for command in [["rebuild", "--check"], ["verify"]] {
            let found = try BuiltProgram.run(command + ["--data", ledger.data])
            #expect(found.status == 1)
            #expect(found.errors.contains("billable_ms is 1, rebuilt 1000"), "\(found.errors)")
            #expect(found.errors.contains("hung_call"))
            #expect(found.errors.contains("2 rows differ"))
        }
        #expect(try ledger.run("rebuild").status == 0)
        #expect(try ledger.run("rebuild", "--check").status == 0)
        #expect(try ledger.run("cdrs").output == before)
    }

    /// What is there stays, and what the attempt took of the disk is free again.
    @Test func aRebuildThatFailsLeavesNothingBehind() throws {
        let ledger = try Ledger()
        let file = ledger.files.path("traffic.ndjson")
        #expect(
            try BuiltProgram.run(["simulate", "--out", file, "--calls", "400", "--seed", "3"]).status == 0)
        #expect(try ledger.run("import", file, "--segment-bytes", "262144").status == 0)
        let before = try ledger.run("cdrs").output
        let directory = { try FileManager.default.contentsOfDirectory(atPath: ledger.data).sorted() }
        let names = try directory()
        // The first segment is sealed: opening the log does not look into it.
        let log = ledger.data + "/log"
        let first = try #require(
            try FileManager.default.contentsOfDirectory(atPath: log).filter { $0.contains(".segment") }.min())
        let place = URL(fileURLWithPath: log + "/" + first)
        let whole = try Data(contentsOf: place)
        var damaged = whole
        damaged[5_000] ^= 1
        try damaged.write(to: place)
        #expect(try ledger.run("status").status == 0)
        let failed = try ledger.run("rebuild")
        #expect(failed.status == 3 && failed.errors.contains(first), "\(failed.errors)")
        #expect(try directory() == names)
        #expect(try ledger.run("cdrs").output == before)
        try whole.write(to: place)
        #expect(try ledger.run("rebuild").status == 0)
        #expect(try ledger.run("cdrs").output == before)
    }
}
