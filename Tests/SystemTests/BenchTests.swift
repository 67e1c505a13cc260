import Foundation
import Testing

/// Each benchmark measures what it says: small runs through the program as it was built, whose counts are
/// known beforehand. How fast it was is nobody's business here.
struct BenchTests {
    /// The rows of a benchmark as objects; the last one holds the medians.
    private func rows(_ arguments: String...) throws -> [[String: Any]] {
        let scratch = try TemporaryDirectory()
        let outcome = try BuiltProgram.run(
            ["bench"] + arguments + ["--scratch", scratch.root.path, "--format", "ndjson"])
        #expect(outcome.status == 0, "\(arguments): \(outcome.errors)")
        let left = try FileManager.default.contentsOfDirectory(atPath: scratch.root.path)
        #expect(left == [], "a benchmark leaves nothing behind")
        return try outcome.lines.map { line in
            try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        }
    }

    private func number(_ row: [String: Any], _ name: String) throws -> Int {
        try #require(row[name] as? Int, "\(name) in \(row)")
    }

    @Test(arguments: ["decode", "append", "commit", "fold"])
    func loopPassesEveryEventInEveryRun(loop: String) throws {
        let rows = try rows(loop, "--events", "4096", "--runs", "3")
        #expect(rows.map { $0["run"] as? String } == ["1", "2", "3", "median"])
        for row in rows {
            #expect(row["bench"] as? String == loop)
            #expect(try number(row, "events") == 4_096)
            #expect(try number(row, "ns_per_event") >= 0)
            #expect(row["allocations"] is NSNull, "nobody counts them here")
        }
        let times = try rows.prefix(3).map { try number($0, "ns_per_event") }.sorted()
        #expect(try number(rows[3], "ns_per_event") == times[1])
    }

    @Test(arguments: [(1, 200), (64, 64), (256, 8)])
    func ingestAcknowledgesEveryEvent(batch: Int, window: Int) throws {
        let rows = try rows(
            "ingest", "--batch", "\(batch)", "--window", "\(window)", "--events", "16384", "--runs", "1")
        #expect(rows.count == 2)
        #expect(try number(rows[0], "events") == 16_384)
        #expect(try number(rows[0], "events_per_second") > 0)
        #expect(try number(rows[0], "ack_p50_ns") <= number(rows[0], "ack_p99_ns"))
        #expect(try number(rows[0], "events_per_sync") <= batch * window * 2)
    }

    @Test func latencyCountsAHundredOfEachATurn() throws {
        let row = try rows("latency", "--rounds", "2", "--runs", "1")[0]
        #expect(try number(row, "samples") == 200)
        #expect(try number(row, "bytes") / 64 > 200)
        let above = try number(row, "ack_p99_ns") - number(row, "sync_p99_ns")
        #expect(try number(row, "above_p99_ns") == above)
    }

    @Test func rebuildMakesARecordOfEachCall() throws {
        let row = try rows("rebuild", "--calls", "500", "--runs", "1")[0]
        #expect(try number(row, "cdrs") == 500)
        #expect(try number(row, "events") == 2_000)
        #expect(try number(row, "read_model_bytes") > 500 * 100)
    }

    @Test func verifyReadsWhatSha256sumReads() throws {
        let row = try rows("verify", "--calls", "500", "--runs", "1")[0]
        #expect(try number(row, "bytes") > 2_000 * 200)
        let share = try number(row, "bytes_per_second") * 1_000 / number(row, "sha256sum_bytes_per_second")
        #expect(try number(row, "permille_of_sha256sum") == share)
    }

    @Test func compressTellsWhatEventsTake() throws {
        let row = try rows("compress", "--calls", "1000", "--runs", "1")[0]
        #expect(try (5_000..<100_000).contains(number(row, "bytes_per_thousand_events")))
        for figure in ["plain_bytes_per_second", "read_bytes_per_second", "permille_of_plain_verify"] {
            #expect(try number(row, figure) > 0)
        }
    }

    @Test func memoryIsMeasuredWithEveryDialogOpen() throws {
        let row = try rows("memory", "--dialogs", "300")[0]
        #expect(try number(row, "open_dialogs") == 300)
        #expect(try number(row, "memory_bytes") > number(row, "memory_at_start_bytes") / 2)
        #expect(try number(row, "bytes_per_dialog") == 0, "300 dialogs don't take 150 MB")
    }

    @Test func restartAcknowledgesAgainAndAgain() throws {
        let rows = try rows("restart", "--events", "2000", "--dialogs", "100", "--runs", "2")
        #expect(rows.count == 3)
        #expect(try number(rows[1], "events") == 2_000)
        #expect(try number(rows[1], "open_dialogs") == 100)
        #expect(try number(rows[1], "first_ack_ns") > number(rows[1], "listening_ns"))
    }

    @Test func sustainedKeepsToItsRate() throws {
        let row = try rows("sustained", "--rate", "1000", "--seconds", "2")[0]
        let rate = try number(row, "events_per_second")
        // A whole window may be acknowledged later, and no more is sent than was asked for.
        #expect(rate > 0 && rate <= 1_100, "\(rate)")
        #expect(try number(row, "behind_median_ns") <= number(row, "behind_max_ns"))
        let beside = try rows(
            "sustained", "--rate", "1000", "--seconds", "2", "--calls-before", "500", "--runs", "2")
        #expect(beside.count == 3)
        for row in beside {
            // What was there before does not count, be it of the run before.
            for figure in ["events_per_second", "projected_per_second"] {
                let rate = try number(row, figure)
                #expect(rate > 0 && rate <= 1_100, "\(figure): \(rate)")
            }
        }
    }

    @Test func logHoldsWhatItsCopyHolds() throws {
        let files = try TemporaryDirectory()
        let outcome = try BuiltProgram.run([
            "bench", "log", "--calls", "300", "--data", files.path("data"), "--ndjson", files.path("copy"),
        ])
        #expect(outcome.status == 0, "\(outcome.errors)")
        let events = try BuiltProgram.run(["events", "--data", files.path("data")])
        let copy = try String(contentsOfFile: files.path("copy"), encoding: .utf8).split(separator: "\n")
        #expect(copy.count == 1_200)
        for (line, event) in zip(copy, events.lines) {
            #expect(event.hasSuffix(#""event":\#(line)}"#))
        }
    }

    @Test func corpusIsLinesOfEvents() throws {
        let files = try TemporaryDirectory()
        let path = files.path("events.ndjson")
        #expect(try BuiltProgram.run(["bench", "corpus", "--events", "4096", path]).status == 0)
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
        #expect(lines.count == 4_096)
        for line in lines.prefix(100) {
            let event = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            #expect(event?["callid"] is String)
        }
    }

    @Test(arguments: [
        ["ingest", "--batch", "3"], ["ingest", "--window", "0"], ["decode", "--events", "1"],
        ["verify", "--runs", "0"], ["compress", "--level", "20"], ["corpus", "--events", "5", "x"],
        ["sustained", "--rate", "0"], ["sustained", "--calls-before", "-1"],
        ["restart", "--events", "10", "--dialogs", "100"], ["memory", "--dialogs", "0"],
    ])
    func whatMakesNoSenseIsRefused(arguments: [String]) throws {
        let outcome = try BuiltProgram.run(["bench"] + arguments)
        #expect(outcome.status == 2)
        #expect(outcome.errors.contains("--"), "\(outcome.errors)")
    }

    @Test func noPlaceForTheScratchDirectoryIsSaid() throws {
        let outcome = try BuiltProgram.run(["bench", "decode", "--events", "256", "--scratch", "/nowhere"])
        #expect(outcome.status == 3)
        #expect(outcome.errors.contains("--scratch"), "\(outcome.errors)")
    }
}
