import Foundation
import Testing

/// The service compresses full segments while it is at work, and nobody sees a difference but the disk.
struct CompressionTests {
    private static let small = ["--segment-bytes", "65536"]

    /// A ledger with a few small segments, all plain.
    private static func filled() throws -> Ledger {
        let ledger = try Ledger()
        let service = try Service(
            ledger, "tcp://127.0.0.1:*", small, environment: ["TOLLBOOK_COMPRESSION_LEVEL": "0"])
        let played = try BuiltProgram.run([
            "simulate", "--endpoint", service.endpoint, "--calls", "300", "--seed", "4",
        ])
        #expect(played.status == 0, "\(played.errors)")
        #expect(service.end() == 0)
        return ledger
    }

    private static func files(_ ledger: Ledger, _ suffix: String) throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: ledger.data + "/log")
            .filter { $0.hasSuffix(suffix) }.count
    }

    @Test func theServiceCompressesWhatIsFull() throws {
        let ledger = try Self.filled()
        let events = try ledger.run("events").output
        let before = try Self.files(ledger, ".segment")
        #expect(before > 4)
        let service = try Service(
            ledger, "tcp://127.0.0.1:*", Self.small + ["--log-level", "info"])
        try eventually("full segments are compressed") {
            try Self.files(ledger, ".segment.zst") >= before - 1
        }
        #expect(service.end() == 0)
        #expect(service.errors.contains("compressed \(ledger.data)/log/0000000001"), "\(service.errors)")
        // The watchdog has stated something meanwhile, and may have filled another one.
        let compressed = try Self.files(ledger, ".segment.zst")
        let segments = compressed + (try Self.files(ledger, ".segment"))
        let status = try #require(try ledger.rows("status").first)
        let (packed, plain) = (status["compressed_bytes"] as? Int, status["compressed_from_bytes"] as? Int)
        #expect(try #require(packed) > 0)
        #expect(plain == compressed * 65_536)
        let table = try ledger.run("status", "--format", "table").text
        #expect(table.contains("\(compressed) of \(segments) segments, ratio "), "\(table)")
        #expect(try ledger.run("events").output.starts(with: events))
        let verified = try ledger.run("verify")
        #expect(verified.status == 0)
        #expect(verified.errors.contains("\(compressed) segments are compressed"), "\(verified.errors)")
        #expect(try ledger.run("rebuild", "--check").status == 0)
    }

    @Test func aDamagedBlockIsNamed() throws {
        let ledger = try Self.filled()
        let service = try Service(ledger, "tcp://127.0.0.1:*", Self.small)
        try eventually("full segments are compressed") { try Self.files(ledger, ".segment") == 1 }
        #expect(service.end() == 0)
        let name = try #require(
            try FileManager.default.contentsOfDirectory(atPath: ledger.data + "/log")
                .filter { $0.hasSuffix(".segment.zst") }.sorted().dropFirst().first)
        let path = ledger.data + "/log/" + name
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        bytes[200] ^= 1
        try bytes.write(to: URL(fileURLWithPath: path))
        for command in [["verify"], ["events"], ["rebuild"]] {
            let outcome = try BuiltProgram.run(command + ["--data", ledger.data])
            #expect(outcome.status != 0)
            #expect(outcome.errors.contains("\(name) at byte 128"), "\(command): \(outcome.errors)")
            #expect(outcome.errors.contains("compressed block of positions"))
        }
    }

    @Test func levelZeroLeavesSegmentsPlain() throws {
        let wrong = try BuiltProgram.run(["serve", "--compression-level", "20"])
        #expect(wrong.status == 2 && wrong.errors.contains("0 to 19"), "\(wrong.errors)")
        let ledger = try Self.filled()
        #expect(try Self.files(ledger, ".segment.zst") == 0)
        #expect(try Self.files(ledger, ".segment") > 4)
    }
}
