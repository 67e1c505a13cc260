import EventLog
import Events
import Glibc
import Testing

/// Logs that earlier versions wrote, whole and damaged, as `Tests/Fixtures/README.md` has them.
@Suite("Logs of earlier versions")
struct FixtureTests {
    private static let second = "0000000002-00000000000000000144.segment"
    private static let third = "0000000003-00000000000000000333.segment"
    private static let live = "0000000004-00000000000000000596.segment"

    /// The folder of the fixtures, from this file's own place.
    private static var folder: String {
        let parts = #filePath.split(separator: "/").dropLast(2)
        return "/" + parts.joined(separator: "/") + "/Fixtures/log-format-1"
    }

    private static func read(_ path: String) throws -> [UInt8] {
        let file = try DiskStorage().open(path, .read)
        return try file.read(try file.size(), at: 0)
    }

    /// A copy of the log with some files changed for those of other folders.
    private static func copy(_ overlays: String..., without removed: [String] = []) throws -> Place {
        let storage = DiskStorage()
        let place = Place.temporary()
        try storage.makeDirectory(place.data)
        try storage.makeDirectory(place.data + "/log")
        var files: [String: [UInt8]] = [:]
        for overlay in ["plain"] + overlays {
            let names = try #require(try storage.entries(of: folder + "/" + overlay))
            #expect(!names.isEmpty)
            for name in names {
                files[name] = try read(folder + "/" + overlay + "/" + name)
                // A compressed segment takes the plain one's place.
                if name.hasSuffix(".zst") { files[String(name.dropLast(4))] = nil }
            }
        }
        for name in removed { #expect(files.removeValue(forKey: name) != nil) }
        for (name, bytes) in files { try place.replace(place.data + "/log/" + name, with: bytes) }
        return place
    }

    /// All payloads, one after the other.
    private static func payloads(_ log: LogDirectory) throws -> [UInt8] {
        var reader = try log.reader()
        var bytes: [UInt8] = []
        while let frame = try reader.next() { bytes += frame.payload.array }
        return bytes
    }

    private static func expected() throws -> [UInt8] { try read(folder + "/events.ndjson") }

    @Test("A log is read whole, goes on, and is compressed, byte by byte what it was")
    func whole() throws {
        let place = try Self.copy()
        let wanted = try Self.expected()
        for log in [try place.openReadOnly(), try place.open()] {
            #expect(log.durable.next.rawValue == 1_157)
            #expect(log.sources.sources.count >= 5)
            #expect(try Self.payloads(log) == wanted)
            let report = try LogVerifier(log).run()
            #expect(report.events == 1_156 && report.frames == 27 && report.badSummaries.isEmpty)
            if log.isReadOnly { continue }
            let ledger = Ledger(log)
            try ledger.append(Ledger.source("new"), count: 1)
            try ledger.commit()
            try log.compress()
            #expect(place.compressedPaths.count == 3)
            #expect(try Self.payloads(log) == wanted + ledger.entries[0].line + [UInt8(0x0A)])
            #expect(try LogVerifier(log).run().events == 1_157)
            log.close()
        }
    }

    @Test("Segments that an earlier version compressed are read as the plain ones")
    func compressed() throws {
        let place = try Self.copy("compressed")
        #expect(place.compressedPaths.count == 3 && place.segmentPaths.count == 1)
        let log = try place.openReadOnly()
        #expect(try Self.payloads(log) == (try Self.expected()))
        // Its files go with the place.
        let plainPlace = try Self.copy()
        defer { withExtendedLifetime(plainPlace) {} }
        let plainLog = try plainPlace.openReadOnly()
        #expect(log.sources == plainLog.sources)
        let report = try LogVerifier(log).run()
        #expect(report.events == 1_156 && report.compressedSegments == 3 && report.badSummaries.isEmpty)
        var fetcher = log.fetcher()
        var plain = plainLog.fetcher()
        for position in stride(from: UInt64(1), through: 1_156, by: 31) {
            let event = try fetcher.event(at: Position(rawValue: position))
            let other = try plain.event(at: Position(rawValue: position))
            #expect(event.bytes.array == other.bytes.array && event.source == other.source)
        }
    }

    @Test("A log that is damaged is refused, with file, byte and reason, and isn't changed")
    func damaged() throws {
        let cases: [(place: Place, file: String, offset: Int?, says: String)] = [
            (try Self.copy("flipped-bit"), "/" + Self.second, 36_704, "checksum is wrong, at position 253"),
            (try Self.copy("torn"), "/" + Self.live, 49_224, "acknowledged up to position 1157"),
            (try Self.copy("another-log"), "/" + Self.second, 0, "belongs elsewhere"),
            (try Self.copy(without: [Self.second]), "", nil, "missing"),
            (try Self.copy(without: [Self.live]), "/" + Self.live, 0, "the segment is missing"),
            (try Self.copy(without: ["identity"]), "", 0, "`identity` is missing"),
            (
                try Self.copy("compressed", "flipped-block"), "/" + Self.second + ".zst", 4_765,
                "positions 253 to 332: its checksum is wrong"
            ),
            (
                try Self.copy("compressed", "flipped-table"), "/" + Self.third + ".zst", 11_195,
                "table of blocks"
            ),
        ]
        for (place, file, offset, says) in cases {
            let before = place.names.sorted()
            let error = #expect(throws: LogError.self) {
                _ = try Self.payloads(try place.openReadOnly())
            }
            #expect(error?.code == .damaged && error?.path == place.data + "/log" + file, "\(says)")
            #expect(error?.offset == offset, "\(says)")
            #expect(error?.detail.contains(says) == true, "\(error?.detail ?? "")")
            #expect(place.names.sorted() == before)
        }
    }

    @Test("A group that a crash left torn is dropped, and nothing before it")
    func torn() throws {
        let place = try Self.copy("torn", without: ["end"])
        let wanted = try Self.expected()
        let outside = try place.openReadOnly()
        #expect(outside.durable.next.rawValue == 1_050)
        let log = try place.open()
        #expect(log.recovery.droppedBytes > 0 && log.recovery.offset == 49_224)
        let read = try Self.payloads(log)
        #expect(wanted.starts(with: read))
        #expect(try Self.payloads(outside) == read)
        log.close()
        #expect(try LogVerifier(try place.openReadOnly()).run().events == 1_049)
    }
}
