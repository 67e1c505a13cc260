import Foundation
import Testing

/// What the commands print of a few calls that are kept in `Fixtures`, byte for byte, in every format.
///
/// `TOLLBOOK_REWRITE_GOLDEN=1 swift test --filter GoldenTests` writes the files anew; read the difference
/// before committing it.
struct GoldenTests {
    static let answers: [(name: String, arguments: [String])] = [
        ("cdrs", ["cdrs"]), ("dialogs", ["dialogs"]),
        ("suspects", ["dialogs", "--suspect", "--as-of", "2026-03-04T06:30:00Z"]), ("timers", ["timers"]),
        ("timers-by-hour", ["timers", "--by", "hour"]), ("timers-by-source", ["timers", "--by", "source"]),
        ("timers-by-user-agent", ["timers", "--by", "user-agent"]), ("audit", ["audit"]),
        ("revisions", ["cdrs", "--revisions"]), ("events", ["events"]),
        ("explain-answered", ["explain", "answered@example.com"]),
        ("explain-small", ["explain", "small@example.com"]),
        ("explain-hung", ["explain", "hung@example.com"]),
        ("explain-open", ["explain", "open@example.com"]),
    ]

    /// Of the calls in `Fixtures/stories.ndjson`: forks, retries, corrections, presumptions, a gap, a policy.
    static let stories: [(name: String, arguments: [String])] =
        [("stories-revisions", ["cdrs", "--revisions"])]
        + ["forked", "challenged", "corrected", "presumed", "withdrawn", "middle", "ringing"].map {
            ("explain-\($0)", ["explain", "\($0)@example.com"])
        }

    @Test(arguments: ["ndjson", "csv", "table"])
    func answersAreAsTheyWere(format: String) throws {
        for (answers, take) in [(Self.answers, Ledger.takeFixture), (Self.stories, Ledger.takeStories)] {
            let ledger = try Ledger()
            try take(ledger)()
            for (name, arguments) in answers where !(format == "csv" && name.hasPrefix("explain")) {
                let outcome = try BuiltProgram.run(
                    arguments + ["--data", ledger.data, "--format", format], environment: ["COLUMNS": "120"])
                #expect(outcome.status == 0, "\(name): \(outcome.errors)")
                try compare(Self.withoutArrival(outcome.text), "\(name).\(format)")
            }
        }
    }

    @Test(arguments: ["opensips", "kamailio"])
    func exportsAreAsTheyWere(proxy: String) throws {
        let ledger = try Ledger()
        try ledger.takeFixture()
        let outcome = try ledger.run("cdrs", "--format", proxy)
        #expect(outcome.status == 0, "\(outcome.errors)")
        try compare(outcome.text, "cdrs-\(proxy).sql")
    }

    /// When an event was received differs from run to run.
    private static func withoutArrival(_ text: String) -> String {
        text.replacing(/"received_at":\d+/, with: "\"received_at\":0")
            .replacing(/(?m)^(\d+),\d{16},/, with: { "\($0.output.1),0," })
            .replacing(/(?m)^( *\d+  )\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/) {
                "\($0.output.1)0000-00-00T00:00:00.000Z"
            }
    }

    private func compare(_ text: String, _ name: String) throws {
        let url = BuiltProgram.repository.appendingPathComponent("Tests/SystemTests/Golden/\(name)")
        if ProcessInfo.processInfo.environment["TOLLBOOK_REWRITE_GOLDEN"] != nil {
            try Data(text.utf8).write(to: url)
            return
        }
        let golden = try String(contentsOf: url, encoding: .utf8)
        #expect(text == golden, "\(name) is not as it was")
    }

    /// Without `--format` a program gets NDJSON.
    @Test func ndjsonIsTheStandardElsewhere() throws {
        let ledger = try Ledger()
        try ledger.takeFixture()
        let plain = try ledger.run("cdrs")
        let stated = try ledger.run("cdrs", "--format", "ndjson")
        #expect(plain.output == stated.output)
    }

    /// However narrow the terminal: no line is wider, and nothing is cut without a mark.
    @Test(arguments: [80, 118, 132, 200])
    func tablesFit(columns: Int) throws {
        for (answers, take) in [(Self.answers, Ledger.takeFixture), (Self.stories, Ledger.takeStories)] {
            let ledger = try Ledger()
            try take(ledger)()
            for (name, arguments) in answers {
                let outcome = try BuiltProgram.run(
                    arguments + ["--data", ledger.data, "--format", "table"],
                    environment: ["COLUMNS": "\(columns)"])
                for line in outcome.lines where !line.hasPrefix("no room for") {
                    #expect(line.count <= columns, "\(name): \(line)")
                }
            }
        }
    }

    /// What a stranger's user agent says must not reach a terminal as it is.
    @Test func tablesHoldNoControlCharacters() throws {
        let ledger = try Ledger()
        try ledger.takeFixture()
        for (_, arguments) in Self.answers {
            let outcome = try BuiltProgram.run(arguments + ["--data", ledger.data, "--format", "table"])
            #expect(
                !outcome.text.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" || $0.value == 0x7F })
        }
    }
}
