import EventLog
import Events
import Foundation
import Testing

@testable import Ingest

/// Files into a log: identities kept, nothing added twice, nothing lost, whatever order the lines come in.
@Suite(.serialized)
struct ImporterTests {
    static let clock = TestClock()
    static let bare = Importer.bareSource(sha256: [0x0F, 0xFE, 1, 2, 3, 4, 5, 6, 7])

    /// Imports texts as files and returns the report.
    static func load(
        _ files: String..., into directory: TemporaryDirectory, pieces: Int = 7
    ) throws -> ImportReport {
        let log = try LogDirectory.open(directory.path)
        defer { log.close() }
        var importer = try Importer(log: log, clock: clock.read)
        for (place, text) in files.enumerated() {
            importer.begin("file\(place)", bare: bare)
            let bytes = Array(text.utf8)
            var start = 0
            while start < bytes.count {
                let end = min(bytes.count, start + pieces)
                try importer.take(bytes[start..<end].span)
                start = end
            }
            try importer.endFile()
        }
        return try importer.finish()
    }

    static func line(_ number: Int64, _ event: String? = nil, epoch: Int64 = 7, _ source: String = "p")
        -> String
    {
        #"{"source":"\#(source)","epoch":\#(epoch),"seq":\#(number),"event":\#(event ?? Sample.event(number))}"#
            + "\n"
    }

    /// The log as `events` would print it, sorted.
    static func content(_ directory: TemporaryDirectory) throws -> [String] {
        let log = try LogDirectory.openReadOnly(directory.path)
        defer { log.close() }
        var fetcher = log.fetcher()
        var result: [String] = []
        var position = Position.first
        while position < log.durable.next {
            let event = try fetcher.event(at: position)
            var bytes: [UInt8] = []
            for offset in 0..<event.bytes.count { bytes.append(event.bytes[offset]) }
            result.append(
                line(
                    event.sequence.rawValue, String(decoding: bytes, as: UTF8.self),
                    epoch: event.source.epoch.rawValue, event.source.source.description))
            position = position.advanced(by: 1)
        }
        return result.sorted()
    }

    static func frames(_ directory: TemporaryDirectory) throws -> [String] {
        let ledger = try TestLedger(in: directory)
        defer { ledger.stop() }
        return try ledger.frames()
    }

    @Test func keepsIdentitiesInWhateverOrderAndJoinsWhatFollows() throws {
        let directory = TemporaryDirectory()
        let text =
            [3, 1, 2, 4, 5, 9].map { Self.line($0) }.joined()
            + #" {"position":8,"received_at":3,"event":\#(Sample.event(1)),"seq":1,"epoch":8,"source":"q"}"#
            + "\r\n\n  \n"
            + Self.line(10)
        let report = try Self.load(text, into: directory)
        #expect(report.events == 8)
        #expect(report.lines == 8)
        let frames = ["p/7 3-3", "p/7 1-2", "p/7 4-5", "p/7 9-9", "q/8 1-1", "p/7 10-10"]
        #expect(try Self.frames(directory) == frames)
    }

    @Test(arguments: [1, 3, 64, 100_000])
    func cutsMakeNoDifference(_ pieces: Int) throws {
        let directory = TemporaryDirectory()
        let text = (1...50).map { Self.line($0) }.joined()
        #expect(try Self.load(String(text.dropLast()), into: directory, pieces: pieces).events == 50)
        #expect(try Self.content(directory) == (1...50).map { Self.line($0) }.sorted())
    }

    @Test func aSecondImportAddsNothing() throws {
        let directory = TemporaryDirectory()
        let text =
            (1...300).map { Self.line($0) }.joined() + Self.line(301, #"{"type":"dialog.acked"}"#)
            + Self.line(1, epoch: 8)
        let first = try Self.load(text, into: directory)
        #expect(first.events == 301)
        #expect(first.rejected == 1)
        #expect(first.faults.map(\.description) == ["file0: p/7/301: missing_field:time"])
        let before = try Self.content(directory)
        let second = try Self.load(text, into: directory)
        #expect(second.events == 0 && second.rejected == 0 && second.conflicts == 0)
        #expect(second.duplicates == 302)
        #expect(try Self.content(directory) == before)
    }

    @Test func theSameFileTwiceInOneRunAddsNothingEither() throws {
        let directory = TemporaryDirectory()
        let text = (1...20).map { Self.line($0) }.joined()
        let report = try Self.load(text, text, into: directory)
        #expect(report.events == 20)
        #expect(report.duplicates == 20)
        #expect(try Self.load(Self.line(5) + Self.line(5), into: directory).duplicates == 2)
    }

    @Test func otherBytesUnderANumberAreAConflictOnce() throws {
        let directory = TemporaryDirectory()
        _ = try Self.load(Self.line(1), into: directory)
        let other = Self.line(1, Sample.event(1, "other"))
        #expect(try Self.load(other, into: directory).conflicts == 1)
        #expect(try Self.load(other + other, into: directory).duplicates == 2)
        #expect(try Self.frames(directory) == ["p/7 1-1", "conflict p/7 1-1"])
    }

    @Test func concludesNoGaps() throws {
        let directory = TemporaryDirectory()
        _ = try Self.load(Self.line(5) + Self.line(9), into: directory)
        #expect(try Self.frames(directory) == ["p/7 5-5", "p/7 9-9"])
    }

    @Test func bareEventsAreNumberedByTheirLines() throws {
        let directory = TemporaryDirectory()
        let text = "\n" + Sample.event(1) + "\nno json\n  \n" + Sample.event(2) + "\n" + #"{"time":1}"#
        let report = try Self.load(text, into: directory)
        #expect(report.events == 2)
        #expect(report.rejected == 2)
        #expect(report.faults.map(\.description) == ["file0:3: not_json", "file0:6: missing_field:type"])
        let name = "import:0ffe010203040506"
        #expect(Self.bare.description == name)
        #expect(
            try Self.frames(directory) == [
                "\(name)/1 2-2", "rejected \(name)/1 3-3", "\(name)/1 5-5", "rejected \(name)/1 6-6",
            ])
        let again = try Self.load(text, into: directory)
        #expect(again.duplicates == 4 && again.events == 0 && again.rejected == 0)
    }

    @Test func whateverHasNoIdentityIsABareEvent() throws {
        let directory = TemporaryDirectory()
        let report = try Self.load("x\n" + Self.line(1) + "y\n" + Sample.event(1) + "\n", into: directory)
        #expect(report.events == 2 && report.rejected == 2 && report.unreadable == 0)
        let name = "import:0ffe010203040506"
        #expect(
            Set(try Self.frames(directory)) == [
                "rejected \(name)/1 1-1", "p/7 1-1", "rejected \(name)/1 3-3", "\(name)/1 4-4",
            ])
        #expect(report.faults.map { String($0.description.prefix(8)) } == ["file0:1:", "file0:3:"])
    }

    @Test func theLedgersOwnEntriesKeepWhatTheyAreAbout() throws {
        // A ledger that has seen everything: events, a rejection, a conflict, a gap, a tick.
        let origin = TemporaryDirectory()
        let ledger = try TestLedger(in: origin)
        var peer = try TestPeer(.dealer, ledger.service.routerEndpoints[0])
        _ = try peer.ask(Sample.batch(1, 3), Sample.event(1) + "\nbad\n" + Sample.event(3) + "\n")
        _ = try peer.ask(Sample.batch(1, 1), Sample.lines(1...1, "other"))
        _ = try peer.ask(#"{"v":1,"op":"skip","source":"p","epoch":7,"from_seq":4,"to_seq":6,"reason":"x"}"#)
        _ = try peer.ask(Sample.batch(7, 1), Sample.lines(7...7))
        try ledger.service.append([Array(#"{"type":"ledger.tick","time":1}"#.utf8)]) { _ in }
        let frames = try ledger.frames()
        ledger.stop()
        let content = try Self.content(origin)
        #expect(content.count == 7)

        for order in [content, content.reversed()] {
            let copy = TemporaryDirectory()
            let report = try Self.load(order.joined(), into: copy)
            #expect(report.events == 7, "\(report)")
            #expect(try Self.content(copy) == content)
            #expect(
                Set(try Self.frames(copy)).isSuperset(
                    of: frames.filter { !$0.hasPrefix("p/") && !$0.hasPrefix("ledger") }))
            let again = try Self.load(content.joined(), into: copy)
            #expect(again.duplicates == 7 && again.events == 0, "\(again)")
            // What the copy knows of the source is what the original knows.
            let restored = try TestLedger(in: copy)
            var other = try TestPeer(.dealer, restored.service.routerEndpoints[0])
            #expect(try other.ask(Sample.hello())?.contains(#""next_seq":8"#) == true)
            #expect(try other.ask(Sample.batch(2, 1), "bad\n") == Sample.ack(7), "known by its bytes")
            #expect(try other.ask(Sample.batch(1, 1), Sample.lines(1...1, "other")) == Sample.ack(7))
            #expect(restored.wait { $0.duplicates == 2 })
            restored.stop()
        }
    }

    @Test func whatOnlyTheLedgerMaySayIsRejectedFromOthers() throws {
        let directory = TemporaryDirectory()
        let report = try Self.load(
            Self.line(1, #"{"type":"ledger.tick","time":1}"#)
                + Self.line(1, Sample.event(1), epoch: 9, "ledger"), into: directory)
        #expect(report.rejected == 2)
        #expect(Set(try Self.frames(directory)) == ["rejected p/7 1-1", "rejected ledger/9 1-1"])
    }

    @Test func eventsStandInTheOrderOfTheirLines() throws {
        let directory = TemporaryDirectory()
        var text = ""
        var order: [String] = []
        for number: Int64 in 1...5 {
            for source in 1...300 {
                text += Self.line(number, Sample.event(number), "s\(source)")
                order.append("s\(source)/7 \(number)-\(number)")
            }
        }
        #expect(try Self.load(text, into: directory, pieces: 4_096).events == 1_500)
        #expect(try Self.frames(directory) == order)
    }

    /// What is said of an event before it comes counts, wherever the file has others of its source.
    @Test func aRejectionBeforeItsEventMakesThatAConflict() throws {
        let entry =
            #"{"type":"ledger.rejected","time":1,"reason":"not_json","raw":"eA==","of_source":"p""#
            + #","of_epoch":7,"of_seq":7}"#
        let rejected = Self.line(1, entry, "ledger")
        for others in ["", Self.line(9)] {
            let directory = TemporaryDirectory()
            let report = try Self.load(rejected + Self.line(7) + others, into: directory)
            #expect(report.conflicts == 1 && report.events == (others.isEmpty ? 1 : 2), "\(report)")
        }
    }

    /// What came with white space around it, as from a source that ends its lines with CRLF, comes out of
    /// `events` with it and goes into a copy with it.
    @Test(arguments: ["\r", " ", "\t "])
    func aCopyKeepsTheBytesOfAnEvent(_ space: String) throws {
        let directory = TemporaryDirectory()
        let lines = (1...2).map { Self.line($0, space + Sample.event($0) + space) }
        #expect(try Self.load(lines.joined(), into: directory).events == 2)
        #expect(try Self.content(directory) == lines)
        // Whoever writes an envelope with spaces of his own means the value.
        let loose = Self.line(1, Sample.event(1)).replacing(",", with: ", ").replacing(":", with: ": ")
            .replacing("\"event\"", with: #""\u0065vent""#)
        #expect(try Self.load(loose, into: directory).conflicts == 1)
    }

    @Test func aBareLineKeepsItsBytes() throws {
        let directory = TemporaryDirectory()
        #expect(try Self.load(Sample.event(1) + "\r\n\r\n", into: directory).events == 1)
        #expect(try Self.content(directory)[0].contains("}\r}"))
    }

    /// Two lines that lost the break between them are no envelope: rejected with all their bytes.
    @Test func whatFollowsAnEnvelopeIsNotDropped() throws {
        let pair = Self.line(1).dropLast() + Self.line(2)
        let twice = Self.line(1).dropLast(2) + #","seq":9}"# + "\n"
        for line in [pair, Self.line(1).dropLast() + " x\n", twice] {
            let directory = TemporaryDirectory()
            let report = try Self.load(String(line), into: directory)
            #expect(report.events == 0 && report.rejected == 1, "\(line)")
            #expect(try Self.frames(directory) == ["rejected import:0ffe010203040506/1 1-1"])
        }
    }

    /// An entry of the ledger's own from the last epoch there is leaves a ledger that still opens.
    @Test func theLastEpochOfTheLedgerIsNoEnd() throws {
        let directory = TemporaryDirectory()
        let tick = Self.line(1, #"{"type":"ledger.tick","time":1}"#, epoch: .max, "ledger")
        #expect(try Self.load(tick, into: directory).events == 1)
        #expect(try Self.load("no json\n", into: directory).rejected == 1)
        let ledger = try TestLedger(in: directory)
        ledger.stop()
        #expect(try ledger.frames().count == 2)
    }

    @Test func lineThatAreTooLongAreNamed() throws {
        let directory = TemporaryDirectory()
        let text =
            Self.line(1) + String(repeating: "a", count: Limits.importLineBytesMax + 1) + "\n" + Self.line(2)
        let report = try Self.load(text, into: directory, pieces: 65_536)
        #expect(report.events == 2 && report.unreadable == 1)
        let big = Self.line(3, #"{"a":"\#(String(repeating: "a", count: Limits.batchBytesMax))"}"#)
        #expect(try Self.load(big, into: directory, pieces: 65_536).unreadable == 1)
        let bad = Self.line(3, #"{"a":"\#(String(repeating: "a", count: 65_536))"}"#)
        #expect(try Self.load(bad, into: directory, pieces: 65_536).rejected == 1)
    }
}
