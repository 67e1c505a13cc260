import Foundation
import Testing

/// What files bring in, whole or spoilt, once or often.
struct ImportTests {
    private static func trying(_ callID: String, time: Int = 1_772_600_000_000_000) -> String {
        #"{"type":"dialog.trying","time":\#(time),"callid":"\#(callID)","from_tag":"f","cseq":1}"#
    }

    /// The contents of the log without what tells when it came, and where it stands.
    private static func identities(_ ledger: Ledger) throws -> Set<String> {
        Set(
            try ledger.run("events").lines.map { line in
                String(line).replacing(/^\{"position":\d+,"received_at":\d+,/, with: "{")
            })
    }

    @Test func importingAgainAddsNothing() throws {
        let ledger = try Ledger()
        try ledger.takeFixture()
        let before = try ledger.run("events").output
        let records = try ledger.run("cdrs").output
        let again = try ledger.run("import", Ledger.fixture)
        #expect(again.status == 0)
        #expect(again.errors.contains("0 events added, 26 were there already"))
        // From a pipe as well, and as `events` prints it.
        let piped = try ledger.run("import", "-", input: before)
        #expect(piped.errors.contains("26 were there already"))
        #expect(try ledger.run("events").output == before)
        #expect(try ledger.run("cdrs").output == records)
    }

    @Test func bareEventsAreKnownByTheFileTheyCameIn() throws {
        let ledger = try Ledger()
        let text = Self.trying("a") + "\n\n" + Self.trying("b") + "\n"
        #expect(try ledger.take(text).errors.contains("2 events added"))
        let events = try ledger.rows("events")
        // SHA-256 of the bytes; numbers are those of the lines.
        #expect(Set(events.compactMap { $0["source"] as? String }).count == 1)
        #expect((events[0]["source"] as? String)?.wholeMatch(of: /import:[0-9a-f]{16}/) != nil)
        #expect(events.map { $0["seq"] as? Int } == [1, 3])
        #expect(try ledger.take(text).errors.contains("0 events added, 2 were there already"))
        // One byte more is another file.
        #expect(try ledger.take(text + "\n").errors.contains("2 events added"))
    }

    @Test func anyOrderOfLinesGivesTheSameRecords() throws {
        let first = try Ledger()
        try first.takeFixture()
        let expected = try Self.records(first)
        let lines = try String(contentsOfFile: Ledger.fixture, encoding: .utf8).split(separator: "\n")
        for seed in 1...3 {
            var random = Seeded(state: UInt64(seed))
            let shuffled = try Ledger()
            // In two files, the second with some of the first.
            let mixed = lines.shuffled(using: &random)
            try shuffled.take(mixed.prefix(15).joined(separator: "\n") + "\n")
            try shuffled.take(mixed.dropFirst(10).joined(separator: "\n"))
            #expect(try Self.identities(shuffled) == Self.identities(first), "seed \(seed)")
            #expect(try Self.records(shuffled) == expected, "seed \(seed)")
        }
    }

    /// Lines stand in the log as they stand in the file, whatever sources they are of: what tells how a
    /// record came is the same in a copy.
    @Test func aCopyOfALogTellsWhatTheLogTells() throws {
        let first = try Ledger()
        let file = first.files.path("traffic.ndjson")
        let made = try BuiltProgram.run([
            "simulate", "--out", file, "--calls", "300", "--seed", "5", "--faults", "some", "--start",
            "2026-03-01T00:00:00Z",
        ])
        #expect(made.status == 0, "\(made.errors)")
        #expect(try first.run("import", file).status == 0)
        let events = try first.run("events")
        let copy = try Ledger()
        #expect(try copy.run("import", "-", input: events.output).status == 0)
        let withoutArrival = { (ledger: Ledger) in
            try ledger.run("events").text.replacing(/"received_at":\d+/, with: "")
        }
        #expect(try withoutArrival(copy) == withoutArrival(first))
        for question in [["cdrs"], ["cdrs", "--revisions"], ["audit"], ["timers"]] {
            let told = try BuiltProgram.run(question + ["--data", first.data])
            #expect(told.status == 0 && told.lines.count > 0)
            #expect(try BuiltProgram.run(question + ["--data", copy.data]).output == told.output)
        }
        // The sources are mixed, and stay so.
        let sources = events.lines.compactMap { $0.firstMatch(of: /"source":"([^"]+)"/)?.output.1 }
        let changes = zip(sources, sources.dropFirst()).count { $0 != $1 }
        #expect(changes > 100, "\(changes)")
    }

    /// Records without what tells how they came.
    private static func records(_ ledger: Ledger) throws -> [String] {
        try ledger.run("cdrs").lines.map { String($0).replacing(/,"revision":.*$/, with: "") }
    }

    static let spoilt: [(what: String, line: String, reason: String)] = [
        ("no JSON", #"{"type":"dialog.trying","#, "not_json"),
        ("no object", "[1]", "not_an_object"),
        ("two objects", trying("a") + trying("b"), "not_json"),
        (
            "a wrong type", #"{"type":"dialog.trying","time":"1","callid":"a","from_tag":"f","cseq":1}"#,
            "wrong_type:time"
        ),
        (
            "a wrong type of a field that is not expected there",
            #"{"type":"dialog.acked","time":1,"callid":"a","from_tag":"f","to_tag":"t","min_se":"9"}"#,
            "wrong_type:min_se"
        ),
        (
            "a missing field", #"{"type":"dialog.trying","time":1,"callid":"a","from_tag":"f"}"#,
            "missing_field:cseq"
        ),
        (
            "a key twice",
            #"{"type":"dialog.trying","time":1,"callid":"a","from_tag":"f","cseq":1,"cseq":1}"#,
            "duplicate_key"
        ),
        (
            "a code out of its range",
            #"{"type":"dialog.early","time":1,"callid":"a","from_tag":"f","cseq":1,"sip_code":200}"#,
            "out_of_range:sip_code"
        ),
        (
            "a lone surrogate",
            #"{"type":"dialog.trying","time":1,"callid":"\ud800","from_tag":"f","cseq":1}"#, "lone_surrogate"
        ),
        ("the ledger's own type", #"{"type":"ledger.tick","time":1}"#, "reserved"),
        (
            "a time in two days", trying("a", time: Int(Date().timeIntervalSince1970 + 172_800) * 1_000_000),
            "future"
        ),
    ]

    /// One bad line takes its number, is kept with its bytes, and is in nobody's way.
    @Test(arguments: spoilt.indices)
    func aSpoiltLineIsKeptAndHindersNoOther(place: Int) throws {
        let (what, line, reason) = Self.spoilt[place]
        let ledger = try Ledger()
        let outcome = try ledger.take([Self.trying("x"), line, Self.trying("y")].joined(separator: "\n"))
        #expect(outcome.status == 0, "\(what): \(outcome.errors)")
        #expect(outcome.errors.contains("2 events added, 1 rejected"), "\(what): \(outcome.errors)")
        #expect(outcome.errors.contains(reason), "\(what): \(outcome.errors)")
        let rejected = try Self.rejections(ledger)
        #expect(rejected.count == 1)
        #expect(rejected.first?.reason.hasPrefix(reason) == true, "\(what): \(rejected)")
        #expect(rejected.first?.raw == Data(line.utf8), "\(what)")
        #expect(rejected.first?.number == 2)
    }

    @Test func linesThatNoTextCanHoldAreKeptToo() throws {
        let tooLong = Data((Self.trying("x").dropLast() + #","pad":""#).utf8)
        let padding = 65_537 - tooLong.count - 2
        let long = tooLong + Data(repeating: UInt8(ascii: "p"), count: padding) + Data(#""}"#.utf8)
        #expect(long.count == 65_537)
        let invalid =
            Data(#"{"type":"dialog.trying","time":1,"callid":""#.utf8) + [0xC3, 0x28]
            + Data(#"","from_tag":"f","cseq":1}"#.utf8)
        for (line, reason) in [(long, "too_long"), (invalid, "invalid_utf8")] {
            let ledger = try Ledger()
            try (line + Data("\n".utf8)).write(to: ledger.files.url("lines"))
            // A spoilt line alone in its file tells not what file it is: a good one beside it does.
            let outcome = try ledger.run(
                "import", "-", input: Data((Self.trying("x") + "\n").utf8) + line + Data("\n".utf8))
            #expect(outcome.errors.contains("1 events added, 1 rejected"), "\(outcome.errors)")
            let rejected = try Self.rejections(ledger)
            #expect(rejected.first?.reason.hasPrefix(reason) == true)
            #expect(rejected.first?.raw == line)
        }
        // One byte less is an event.
        let ledger = try Ledger()
        let fitting = tooLong + Data(repeating: UInt8(ascii: "p"), count: padding - 1) + Data(#""}"#.utf8)
        #expect(try ledger.run("import", "-", input: fitting).errors.contains("1 events added\n"))
    }

    private static func rejections(_ ledger: Ledger) throws -> [(reason: String, raw: Data?, number: Int?)] {
        try ledger.rows("events").compactMap { row in
            let event = try #require(row["event"] as? [String: Any])
            guard event["type"] as? String == "ledger.rejected" else { return nil }
            return (
                event["reason"] as? String ?? "",
                (event["raw"] as? String).flatMap { Data(base64Encoded: $0) },
                event["of_seq"] as? Int
            )
        }
    }

    @Test func anUnknownTypeIsKeptAndIgnored() throws {
        let ledger = try Ledger()
        let line = #"{"type":"x.new","time":1772600000000000,"callid":"a","from_tag":"f","more":[1,{}]}"#
        #expect(try ledger.take(line).errors.contains("1 events added"))
        let text = try ledger.run("events").text
        #expect(text.contains(#""event":\#(line)}"#))
        #expect(try ledger.rows("cdrs").isEmpty)
        #expect(try ledger.rows("dialogs").isEmpty)
        #expect(try ledger.run("events", "--callid", "a").output.isEmpty, "it belongs to no call")
    }

    @Test func whatCannotBeReadChangesNothing() throws {
        let ledger = try Ledger()
        let outcome = try ledger.run("import", Ledger.fixture, ledger.files.path("nothing"))
        #expect(outcome.status == 3)
        #expect(outcome.errors.contains("nothing was imported"))
        #expect(!FileManager.default.fileExists(atPath: ledger.data))
        #expect(try ledger.run("import", ledger.files.root.path).errors.contains("is a directory"))
    }

    /// A line that can't even be kept as rejected makes the import say no, after everything else is in.
    @Test func aLineThatIsTooLongIsNotPassedOver() throws {
        let ledger = try Ledger()
        let long = #"{"a":"\#(String(repeating: "a", count: 2_200_000))"}"#
        let file = try ledger.files.write(long + "\n" + #"{"type":"x","time":1}"# + "\n", to: "long.ndjson")
        let outcome = try ledger.run("import", file)
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("long.ndjson:1: an event of 2200008 bytes"), "\(outcome.errors)")
        #expect(outcome.errors.contains("1 line is not in the ledger"), "\(outcome.errors)")
        #expect(try ledger.rows("events").count == 1)
    }

    /// Wherever the damage is, and be it in the only segment there is.
    @Test func verifyingDamageEndsWithOne() throws {
        let ledger = try Ledger()
        try ledger.takeStories()
        let names = try FileManager.default.contentsOfDirectory(atPath: ledger.data + "/log")
        let name = try #require(names.first { $0.hasSuffix(".segment") })
        let url = URL(fileURLWithPath: ledger.data + "/log/" + name)
        var bytes = try Data(contentsOf: url)
        bytes[5_000] ^= 1
        try bytes.write(to: url)
        for flags in [[], ["--log-only"]] {
            let outcome = try BuiltProgram.run(["verify", "--data", ledger.data] + flags)
            #expect(outcome.status == 1, "\(outcome.errors)")
            #expect(outcome.errors.contains("\(name) at byte"), "\(outcome.errors)")
        }
    }
}

/// A random generator that gives the same numbers for the same seed (splitmix64).
struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
