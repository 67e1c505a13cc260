import Events
import Glibc
import Testing

@testable import EventLog

/// Who reads the log as it is written goes past the system's cache, in pieces that frames lie across.
@Suite("Pages that are read once")
struct SegmentPagesTests {
    /// Frames from a hundred bytes to longer than a piece, in groups of any size.
    private static func fill(_ ledger: Ledger, _ generator: inout SeededGenerator, until bytes: Int) throws {
        while ledger.tail.offset + ledger.group.byteCount < bytes {
            let longest = [200, 5_000, LogLimits.carriedBytesMax * 2, LogLimits.readOnceBytes * 3 / 2]
            let kind = Int.random(in: 0..<40, using: &generator)
            let padding = Int.random(
                in: 0..<longest[kind < 30 ? 0 : kind < 37 ? 1 : kind < 39 ? 2 : 3], using: &generator)
            try ledger.append(Ledger.source("a"), count: 1, padding: padding)
            if Int.random(in: 0..<5, using: &generator) == 0 { try ledger.commit() }
        }
    }

    @Test("Frames across the ends of pieces are whole", arguments: [Backend.disk, .simulated], 0..<2)
    func acrossPieces(_ backend: Backend, _ seed: Int) throws {
        var generator = SeededGenerator(seed: UInt64(seed))
        let place = backend.makePlace()
        let log = try place.open(segmentBytes: 8 << 20) { $0.compression = nil }
        defer { log.close() }
        let ledger = Ledger(log, capacity: 4 << 20)
        try Self.fill(ledger, &generator, until: 3 << 20)
        try ledger.commit()
        #expect(try Ledger.read(log, isReadOnce: true) == ledger.entries)
        for _ in 0..<2 {
            let index = Int.random(in: 0..<ledger.entries.count, using: &generator)
            let read = try Ledger.read(log, from: ledger.entries[index].position, isReadOnce: true)
            #expect(read == Array(ledger.entries[index...]))
        }
    }

    @Test("At the tail a reader sees each frame once it is on disk", arguments: [Backend.disk, .simulated])
    func atTheTail(_ backend: Backend) throws {
        var generator = SeededGenerator(seed: 5)
        let place = backend.makePlace()
        let log = try place.open(segmentBytes: 8 << 20) { $0.compression = nil }
        defer { log.close() }
        let ledger = Ledger(log, capacity: 4 << 20)
        var reader = try log.reader(isReadOnce: true)
        var read: [Ledger.Entry] = []
        for round in 1...60 {
            try Self.fill(ledger, &generator, until: round * 50_000)
            if round % 3 != 0 { try ledger.commit() }
            while let frame = try reader.next() { read += Ledger.entries(of: frame) }
            #expect(reader.position == log.durable.next)
        }
        #expect(read == ledger.entries.filter { $0.position < log.durable.next })
    }

    @Test("A frame stays as it is for as long as somebody holds it")
    func held() throws {
        var generator = SeededGenerator(seed: 6)
        let place = Backend.disk.makePlace()
        let log = try place.open(segmentBytes: 8 << 20) { $0.compression = nil }
        defer { log.close() }
        let ledger = Ledger(log, capacity: 4 << 20)
        try Self.fill(ledger, &generator, until: 3 << 20)
        try ledger.commit()
        var reader = try log.reader(isReadOnce: true)
        var frames: [LogFrame] = []
        while let frame = try reader.next() { frames.append(frame) }
        #expect(frames.flatMap(Ledger.entries(of:)) == ledger.entries)
    }

    @Test("A disk that can't be read is said, wherever in the segment")
    func failure() throws {
        var generator = SeededGenerator(seed: 7)
        let storage = SimulatedStorage()
        let log = try Place(storage: storage, data: "/data").open(segmentBytes: 8 << 20) {
            $0.compression = nil
        }
        defer { log.close() }
        let ledger = Ledger(log, capacity: 4 << 20)
        try Self.fill(ledger, &generator, until: 3 << 20)
        try ledger.commit()
        for reads in 0..<6 {
            storage.faults.readsUntilFailure = reads
            let error = #expect(throws: LogError.self) { _ = try Ledger.read(log, isReadOnce: true) }
            #expect(error?.code == .system && error?.detail == "can't be read")
        }
        // Who asks again once it can be read goes on where it was.
        var reader = try log.reader(isReadOnce: true)
        var read: [Ledger.Entry] = []
        storage.faults.readsUntilFailure = 3
        #expect(throws: LogError.self) {
            while let frame = try reader.next() { read += Ledger.entries(of: frame) }
        }
        #expect(!read.isEmpty && read.count < ledger.entries.count)
        storage.faults.readsUntilFailure = nil
        while let frame = try reader.next() { read += Ledger.entries(of: frame) }
        #expect(read == ledger.entries)
    }

    #if arch(arm64)
        private static let directFlag: Int32 = 0o200000
    #else
        private static let directFlag: Int32 = 0o40000
    #endif

    /// A file of so many bytes; its directory is there as long as the place.
    private static func file(_ place: Place, _ name: String, bytes: Int) throws -> String {
        try place.storage.makeDirectory(place.data)
        let path = place.data + "/" + name
        try place.storage.open(path, .make).reserve(bytes)
        return path
    }

    @Test("A disk is gone to past the cache where it can be, but not where the file doesn't end with a page")
    func whereItCan() throws {
        let place = Backend.disk.makePlace()
        let path = try Self.file(place, "even", bytes: 2 * LogLimits.pageBytes)
        // Safety: the path is a Swift string, which ends in a zero.
        let descriptor = unsafe open(path, O_RDWR | Self.directFlag)
        if descriptor >= 0 { close(descriptor) }
        for mode in [StorageMode.readPages, .writePages] {
            #expect(try place.storage.open(path, mode).isDirect == (descriptor >= 0))
        }
        let uneven = try Self.file(place, "uneven", bytes: LogLimits.pageBytes + 1)
        #expect(try !place.storage.open(uneven, .readPages).isDirect)
        let file = try place.storage.open(uneven, .writePages)
        #expect(!file.isDirect)
        try file.writeAll([1, 2, 3], at: LogLimits.pageBytes - 1)
        #expect(try file.read(10, at: LogLimits.pageBytes - 1) == [1, 2, 3])
    }

    /// Segments may be put back by somebody else, or be protected.
    @Test("Who reads pages needs no right to write them")
    func readOnly() throws {
        let place = Backend.disk.makePlace()
        let path = try Self.file(place, "file", bytes: LogLimits.pageBytes)
        let page = [UInt8](repeating: 1, count: LogLimits.pageBytes)
        let error = #expect(throws: LogError.self) {
            try place.storage.open(path, .readPages).writeAll(page, at: 0)
        }
        #expect(error?.errno == EBADF)
    }

    /// A file system that refuses says so with the error that Linux has for bytes that are no pages.
    @Test("What a file system refuses to write past its cache is written through it")
    func refused() throws {
        let place = Backend.disk.makePlace()
        let path = try Self.file(place, "file", bytes: 2 * LogLimits.pageBytes)
        let file = try place.storage.open(path, .writePages)
        try file.writeAll([1, 2, 3], at: 5)
        try file.sync()
        try file.writeAll([4], at: LogLimits.pageBytes)
        #expect(try place.storage.open(path, .read).read(4, at: 5) == [1, 2, 3, 0])
        #expect(try place.storage.open(path, .read).read(1, at: LogLimits.pageBytes) == [4])
    }

    @Test("Where a log is written past the cache, its readers elsewhere see the same at once")
    func othersRead() async throws {
        let place = Backend.disk.makePlace()
        let log = try place.open(segmentBytes: 1 << 20)
        defer { log.close() }
        let ledger = Ledger(log)
        let outside = try place.openReadOnly()
        var reader = try outside.reader()
        var read: [Ledger.Entry] = []
        for round in 0..<2_000 {
            try ledger.append(Ledger.source("a"), count: 1 + round % 3, padding: round % 700)
            try ledger.commit()
            #expect(try outside.wait(for: log.durable.next, atMost: .zero) == log.durable.next)
            while let frame = try reader.next() { read += Ledger.entries(of: frame) }
        }
        #expect(read == ledger.entries)
    }
}

/// A segment's summary is noted as its frames are written.
struct NotedSummaryTests {
    @Test(
        "It is that of the frames that are there, also where the writer changed in between",
        arguments: Backend.allCases)
    func acrossWriters(_ backend: Backend) throws {
        let place = backend.makePlace()
        var entries: [Ledger.Entry] = []
        for process in 0..<7 {
            let log = try place.open()
            let ledger = Ledger(log)
            let source = Ledger.source("a", Int64(process) + 1)
            for index in 0..<23 {
                try ledger.append(
                    index % 5 == 0 ? Ledger.source("b", Int64(process) + 1) : source, count: 1 + index % 4,
                    padding: 700)
                if index % 3 == 0 { try ledger.commit() }
            }
            try ledger.commit()
            try log.maintain()
            entries += ledger.entries
            #expect(try LogVerifier(log).run().badSummaries.isEmpty)
            log.close()
        }
        #expect(place.summaryPaths.count >= 3)
        let log = try place.openReadOnly()
        #expect(try Ledger.read(log) == entries)
        var finder = log.finder()
        for entry in entries {
            let found = try finder.frames(for: entry.source, SequenceNumber(rawValue: entry.sequence))
            #expect(found.map(\.line.array) == [entry.line])
        }
    }
}
