import EventLog
import Events
import Testing

/// The bytes of format 1, as `schemas/log-format.md` shows them. A log that was written by an older tollbook
/// has to be read for ever: whoever changes these bytes gives the format a new number, and keeps this test
/// for the old one.
@Suite("Format 1")
struct FormatTests {
    private static let identity =
        "54626f6c4c6f670a010000000000000001000000000000000200000000000000"
        + "0000000000000000fae025516f748a5c"
    private static let header =
        "54626f6c5365670a010000000010000001000000000000000200000000000000"
        + "010000000000000001000000000000000000010000000000f124f5e7dc55890d"
    private static let frames =
        "546246724b000000f19d33ca912f5ccd01000700480000000100000000000000"
        + "01000000001000000700000000000000010000000000000041420f0000000000"
        + "70726f78792d31007b7d0a000000000054624672700000007fa2719c1cc00ffb"
        + "0201060768000000020000000000000001000000001000000900000000000000"
        + "010000000000000041420f00000000006c656467657200000700000000000000"
        + "0200000000000000020000000000000070726f78792d31007b2272223a317d0a"

    private static func hex(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }

    private static func bytes(_ hex: String) -> [UInt8] {
        let digits = Array(hex.utf8)
        return stride(from: 0, to: digits.count, by: 2).map {
            UInt8(String(decoding: digits[$0..<$0 + 2], as: UTF8.self), radix: 16) ?? 0
        }
    }

    /// A log of two frames: an event, and a rejection of the next.
    private static func write(_ place: Place) throws {
        let log = try place.open()
        let ledger = Ledger(log)
        let source = Ledger.source("proxy-1", 7)
        try ledger.lay(source, first: 1, lines: [Array("{}".utf8)])
        let subject = FrameSubject(
            source: source, first: SequenceNumber(rawValue: 2), last: SequenceNumber(rawValue: 2))
        try ledger.lay(
            Ledger.source("ledger", 9), first: 1, lines: [Array("{\"r\":1}".utf8)], kind: .rejected,
            about: subject)
        try ledger.commit()
        log.close()
    }

    @Test("A log is written byte by byte as the format has it")
    func writesTheFormat() throws {
        let place = Backend.simulated.makePlace()
        try Self.write(place)
        let segment = try place.storage.open(place.segmentPaths[0], .read).read(1 << 16, at: 0)
        let identity = try place.storage.open(place.data + "/log/identity", .read).read(100, at: 0)
        #expect(place.segmentPaths == ["/data/log/0000000001-00000000000000000001.segment"])
        #expect(Self.hex(identity) == Self.identity)
        #expect(Self.hex(segment[..<64]) == Self.header)
        #expect(Self.hex(segment[4096..<4096 + Self.frames.utf8.count / 2]) == Self.frames)
        #expect(segment[(4096 + Self.frames.utf8.count / 2)...].allSatisfy { $0 == 0 })
        #expect(segment[64..<4096].allSatisfy { $0 == 0 })
    }

    @Test("A log of format 1 is read")
    func readsTheFormat() throws {
        let place = Backend.simulated.makePlace()
        try Self.write(place)
        try place.damage(place.segmentPaths[0]) { bytes in
            bytes = [UInt8](repeating: 0, count: bytes.count)
            bytes.replaceSubrange(..<64, with: Self.bytes(Self.header))
            bytes.replaceSubrange(4096..<4096 + Self.frames.utf8.count / 2, with: Self.bytes(Self.frames))
        }
        try place.damage(place.data + "/log/identity") { $0 = Self.bytes(Self.identity) }
        let log = try place.openReadOnly()
        let entries = try Ledger.read(log)
        #expect(entries.map { String(decoding: $0.line, as: UTF8.self) } == ["{}", "{\"r\":1}"])
        #expect(log.sources.next(of: Ledger.source("proxy-1", 7)).rawValue == 3)
        #expect("\(log.id)" == "00000000000000010000000000000002")
    }

    @Test("A log of a later format is refused, and says so")
    func refusesLaterFormats() throws {
        let place = Backend.simulated.makePlace()
        try Self.write(place)
        // Format 2, checksum and all, as far as anybody can know it.
        try place.damage(place.data + "/log/identity") { $0 = Self.bytes(Self.identityOfFormat2) }
        let error = #expect(throws: LogError.self) { _ = try place.openReadOnly() }
        #expect(error?.code == .versionUnknown)
    }

    private static let identityOfFormat2 =
        "54626f6c4c6f670a020000000000000001000000000000000200000000000000"
        + "0000000000000000658819630a86c13d"
}
