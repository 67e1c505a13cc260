import CZstd
import Events
import Glibc
import Synchronization
import Testing

@testable import EventLog

/// Compressed segments stand for plain ones, bit for bit, and take their place without a gap.
@Suite("Compression")
struct CompressionTests {
    /// What zstd itself makes of a whole file, header and table skipped.
    private static func unpacked(_ bytes: [UInt8], room: Int) -> [UInt8] {
        var plain = [UInt8](repeating: 0, count: room)
        // Safety: reads what one array holds, writes what the other has room for.
        let count = unsafe plain.withUnsafeMutableBytes { target in
            unsafe bytes.withUnsafeBytes { source in
                unsafe ZSTD_decompress(target.baseAddress, target.count, source.baseAddress, source.count)
            }
        }
        guard ZSTD_isError(count) == 0 else { return [] }
        return Array(plain[..<count])
    }

    @Test(
        "A compressed segment unpacks to the plain one, bit for bit, with zstd alone",
        arguments: Backend.allCases, [LogLimits.blockBytesMin, 20_000, LogLimits.blockBytesDefault])
    func bitForBit(_ backend: Backend, blockBytes: Int) throws {
        let place = backend.makePlace()
        let log = try place.open { $0.compression?.blockBytes = blockBytes }
        let ledger = try Ledger.filled(log)
        // Frames that are larger than a block, and one that has a segment for itself.
        let source = Ledger.source("large")
        for padding in [5_000, 9_000, 100, 50_000, 1] {
            try ledger.append(source, count: 1, padding: padding)
            try ledger.commit(room: 50_000)
        }
        try log.maintain()
        let plain = try place.segmentPaths.map { try place.bytes($0) }
        try log.compress()
        #expect(place.segmentPaths.count == 1 && place.compressedPaths.count == plain.count - 1)
        for (index, path) in place.compressedPaths.enumerated() {
            let packed = try place.bytes(path)
            #expect(packed.count < plain[index].count / 2)
            #expect(Self.unpacked(packed, room: plain[index].count + 1) == plain[index])
        }
        let usage = try log.usage()
        #expect(usage.segments == plain.count && usage.compressedSegments == plain.count - 1)
        #expect(usage.plainBytes == plain.reduce(0) { $0 + $1.count })
        #expect(usage.fileBytes < usage.plainBytes)
        let report = try LogVerifier(log).run()
        #expect(report.events == UInt64(ledger.entries.count))
        #expect(report.compressedSegments == plain.count - 1 && report.badSummaries.isEmpty)
        #expect(report.compressedBytes == usage.compressedFileBytes)
        log.close()
        // Restored by hand, it is the log that it was.
        for (index, path) in place.compressedPaths.enumerated() {
            try place.replace(String(path.dropLast(".zst".count)), with: plain[index])
            try place.storage.remove(path)
        }
        #expect(try Ledger.read(try place.openReadOnly()) == ledger.entries)
    }

    @Test(
        "Nothing is compressed where the options leave it off, and what is there is read",
        arguments: Backend.allCases)
    func off(_ backend: Backend) throws {
        let place = backend.makePlace()
        var log = try place.open { $0.compression = nil }
        let ledger = try Ledger.filled(log)
        try log.maintain()
        try log.compress()
        #expect(place.compressedPaths.isEmpty)
        log.close()
        log = try place.open()
        try log.compress()
        #expect(place.segmentPaths.count == 1)
        log.close()
        log = try place.open { $0.compression = nil }
        #expect(try Ledger.read(log) == ledger.entries)
        log.close()
        for change: @Sendable (inout LogOptions) -> Void in [
            { $0.compression?.level = 0 }, { $0.compression?.level = 20 },
            { $0.compression?.blockBytes = LogLimits.blockBytesMin - 1 },
            { $0.compression?.blockBytes = LogLimits.blockBytesMax + 1 },
        ] {
            let error = #expect(throws: LogError.self) { _ = try place.open(change: change) }
            #expect(error?.code == .invalidOption)
        }
    }

    @Test("The live segment stays plain, and the log goes on in it", arguments: Backend.allCases)
    func goesOn(_ backend: Backend) throws {
        let place = backend.makePlace()
        let log = try place.open()
        let ledger = Ledger(log)
        for round in 0..<6 {
            for _ in 0..<50 { try ledger.append(Ledger.source("a"), count: 3, padding: 300) }
            try ledger.commit()
            try log.maintain()
            try log.compress()
            #expect(place.segmentPaths.count == 1 && place.compressedPaths.count >= round - 1)
            #expect(try Ledger.read(log) == ledger.entries)
        }
        #expect(place.compressedPaths.count > 3)
        log.close()
    }

    @Test(
        "Where both files are there the plain one counts, and the other is made anew",
        arguments: Backend.allCases)
    func bothAreThere(_ backend: Backend) throws {
        let place = backend.makePlace()
        var log = try place.open()
        let ledger = try Ledger.filled(log)
        try log.maintain()
        let path = place.segmentPaths[1]
        let plain = try place.bytes(path)
        try log.compress()
        log.close()
        let packed = path + ".zst"
        for isDamaged in [false, true] {
            try place.replace(path, with: plain)
            let sound = try place.bytes(packed)
            if isDamaged { try place.damage(packed) { $0[$0.count / 2] ^= 1 } }
            #expect(try Ledger.read(try place.openReadOnly()) == ledger.entries)
            _ = try LogVerifier(try place.openReadOnly()).run()
            log = try place.open()
            #expect(try Ledger.read(log) == ledger.entries)
            try log.compress()
            log.close()
            #expect(place.segmentPaths.count == 1)
            #expect(try place.bytes(packed) == sound)
        }
        #expect(try Ledger.read(try place.openReadOnly()) == ledger.entries)
    }

    @Test(
        "Damage in a plain segment keeps it from being compressed, and is told", arguments: Backend.allCases)
    func damagedPlain(_ backend: Backend) throws {
        let place = backend.makePlace()
        let notices = Notices()
        let log = try place.open { $0.notify = notices.add }
        let ledger = try Ledger.filled(log)
        try log.maintain()
        let path = place.segmentPaths[1]
        try place.damage(path) { $0[30_000] ^= 1 }
        let error = #expect(throws: LogError.self) { try log.compress() }
        #expect(error?.code == .damaged && error?.path == path)
        #expect(notices.damaged == [error])
        // The others are compressed nevertheless, and that one isn't tried again.
        try log.compress()
        #expect(place.segmentPaths == [path, place.segmentPaths.last ?? ""])
        try place.damage(path) { $0[30_000] ^= 1 }
        #expect(try Ledger.read(log) == ledger.entries)
        log.close()
    }

    @Test("A disk that is full costs a segment its compression and nothing else")
    func fullDisk() throws {
        let storage = SimulatedStorage()
        let place = Place(storage: storage, data: "/data")
        let notices = Notices()
        let log = try place.open { $0.notify = notices.add }
        let ledger = try Ledger.filled(log)
        try log.maintain()
        let plain = place.segmentPaths
        let used = try place.names.reduce(0) { $0 + (try place.bytes(place.data + "/log/" + $1).count) }
        // From no room at all to a little less than the first of them takes.
        for room in stride(from: 0, to: 4_000, by: 500) {
            storage.faults.capacity = used + room
            let error = #expect(throws: LogError.self) { try log.compress() }
            #expect(error?.code == .noSpace)
            #expect(place.segmentPaths == plain && place.compressedPaths.isEmpty)
            #expect(!place.names.contains { $0.hasSuffix(".new") })
            #expect(log.intake == .open)
            #expect(notices.failed.last == error)
            try ledger.append(Ledger.source("a"), count: 1)
            try ledger.commit()
        }
        storage.faults.capacity = .max
        try log.compress()
        #expect(place.segmentPaths.count == 1)
        #expect(try Ledger.read(log) == ledger.entries)
        log.close()
    }

    @Test("However a disk became full, compression makes room for the next segment", arguments: 0..<8)
    func makesRoom(eighths: Int) async throws {
        let storage = SimulatedStorage()
        let place = Place(storage: storage, data: "/data")
        let log = try place.open { $0.processorTimes = { nil } }
        let ledger = try Ledger.filled(log)
        let used = try place.names.reduce(0) { $0 + (try place.bytes(place.data + "/log/" + $1).count) }
        storage.faults.capacity = used + (16 + eighths) * LogLimits.segmentBytesMin / 8
        var failure: LogError?
        while failure == nil {
            do {
                try log.maintain()
                try ledger.append(Ledger.source("a"), count: 3, padding: 1_000)
                try ledger.commit()
            } catch let error as LogError {
                failure = error
            }
        }
        #expect(failure?.code == .noSpace)
        #expect(log.intake == .closed(try #require(failure)))
        #expect(place.segmentPaths.count > 2 && place.compressedPaths.isEmpty)
        #expect(!place.names.contains { $0.hasSuffix(".new") })
        log.startMaintenance()
        // Compression works while nobody else wants the processors, such as other tests.
        let deadline = ContinuousClock.now + .seconds(120)
        while log.intake != .open || place.segmentPaths.count > 1, ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(5))
        }
        #expect(log.intake == .open)
        #expect(place.segmentPaths.count == 1 && place.names.contains("spare"))
        #expect(try Ledger.read(log) == ledger.entries)
        log.close()
    }

    @Test(
        "Where there is no room for the next segment, full ones get the summary without which they stay plain"
    )
    func summariesDoNotWait() throws {
        let storage = SimulatedStorage()
        let place = Place(storage: storage, data: "/data")
        let log = try place.open()
        _ = try Ledger.filled(log)
        let used = try place.names.reduce(0) { $0 + (try place.bytes(place.data + "/log/" + $1).count) }
        storage.faults.capacity = used + LogLimits.segmentBytesMin
        let error = #expect(throws: LogError.self) { try log.maintain() }
        #expect(error?.code == .noSpace)
        #expect(place.names.count { $0.hasSuffix(".summary") } == place.segmentPaths.count - 1)
        try log.compress()
        #expect(place.segmentPaths.count == 1)
        log.close()
    }

    @Test("Others are to wait while segments can be compressed on a disk that is nearly full")
    func lacksRoom() throws {
        let storage = SimulatedStorage()
        let place = Place(storage: storage, data: "/data")
        var log = try place.open { $0.compression = nil }
        _ = try Ledger.filled(log)
        try log.maintain()
        let used = try place.names.reduce(0) { $0 + (try place.bytes(place.data + "/log/" + $1).count) }
        storage.faults.capacity = used + LogLimits.roomMin - 1
        #expect(!log.lacksRoom)
        log.close()
        log = try place.open()
        #expect(log.lacksRoom)
        storage.faults.capacity = used + 2 * LogLimits.roomMin
        #expect(!log.lacksRoom)
        log.close()
        // Of which a quarter is kept free.
        log = try place.open(segmentBytes: 6 * LogLimits.roomMin)
        #expect(log.lacksRoom)
        log.close()
        log = try place.open()
        storage.faults.capacity = used + LogLimits.roomMin - 1
        try log.compress()
        #expect(!log.lacksRoom)
        log.close()
    }

    @Test("Who reads single events lets go of a plain file that is gone")
    func givesTheDiskItsSpaceBack() throws {
        let place = Backend.disk.makePlace()
        let log = try place.open()
        let ledger = try Ledger.filled(log)
        try log.maintain()
        var fetcher = log.fetcher()
        var finder = log.finder()
        func use() throws {
            for entry in [ledger.entries[0], ledger.entries[300], ledger.entries[301]] {
                #expect(try fetcher.event(at: entry.position).bytes.array == entry.line)
                let number = SequenceNumber(rawValue: entry.sequence)
                #expect(try finder.frames(for: entry.source, number).count == 1)
            }
        }
        func mapped() throws -> [String] {
            let maps = try DiskStorage().open("/proc/self/maps", .read).read(8 << 20, at: 0)
            return String(decoding: maps, as: UTF8.self).split(separator: "\n").map(String.init)
                .filter { $0.contains(place.data) && $0.contains(".segment") }
        }
        try use()
        #expect(try !mapped().isEmpty)
        try log.compress()
        #expect(try mapped().contains { $0.hasSuffix("(deleted)") })
        try use()
        #expect(try !mapped().contains { $0.hasSuffix("(deleted)") })
        #expect(try mapped().contains { $0.hasSuffix(".zst") })
        log.close()
    }
}

extension CompressionTests {
    @Test("How hard segments are compressed depends on how fast the log grows, and never rises")
    func haste() {
        var options = CompressionOptions()
        let limit = LogLimits.compressionHasteGrowth
        #expect(options.whileGrowing(by: 0) == options && options.whileGrowing(by: limit) == options)
        let hasty = options.whileGrowing(by: limit + 1)
        #expect(hasty.level == LogLimits.compressionLevelInHaste)
        #expect(hasty.blockBytes == LogLimits.blockBytesInHaste)
        options.level = 1
        options.blockBytes = LogLimits.blockBytesMax
        #expect(options.whileGrowing(by: limit + 1) == options)
    }

    @Test("Segments that were filled fast are compressed at the least level, others as the options say")
    func fastGrowth() throws {
        let place = Backend.simulated.makePlace()
        var sequence: Int64 = 1
        // 25 MB a second at most, and less than one.
        try Self.grow(place, every: 10, until: LogLimits.compressionLevelInHaste, &sequence)
        try Self.grow(place, every: 300, until: LogLimits.compressionLevelDefault, &sequence)
        let again = try place.open()
        #expect(try LogVerifier(again).run().events == UInt64(sequence - 1))
        again.close()
    }

    @Test("What was in a log before it was opened is no growth")
    func growthBeginsWithTheFirstCommit() throws {
        let place = Backend.simulated.makePlace()
        var sequence: Int64 = 1
        // More than would take two seconds at the limit.
        try Self.grow(place, every: 0, until: nil, &sequence, events: 120)
        try Self.grow(place, every: 300, until: LogLimits.compressionLevelDefault, &sequence, isFirst: true)
    }

    /// Adds events of 250,000 bytes, until a segment was compressed at a level.
    ///
    /// - Parameters:
    ///   - events: how many where no level is waited for; nothing is compressed then.
    ///   - isFirst: whether the first segment that is compressed must be at that level.
    private static func grow(
        _ place: Place, every milliseconds: UInt32, until level: Int?, _ sequence: inout Int64,
        events: Int = .max, isFirst: Bool = false
    ) throws {
        let notices = Notices()
        let log = try place.open(segmentBytes: 1 << 20) {
            $0.notify = notices.add
            $0.processorTimes = { nil }
            if level == nil { $0.compression = nil }
        }
        defer { log.close() }
        // Those of before, so that only what is added here is told of.
        if level != nil { try log.compress() }
        let before = notices.compressed.count
        log.startMaintenance()
        let group = log.makeGroup()
        group.begin(at: log.tail)
        let payload = Array(("{\"p\":\"" + String(repeating: "x", count: 250_000) + "\"}\n").utf8)
        var added = 0
        var found: [Int] = []
        // Compression works while nobody else wants the processors, such as other tests.
        let deadline = ContinuousClock.now + .seconds(120)
        while added < events, ContinuousClock.now < deadline {
            found = notices.compressed.dropFirst(before).map(\.level)
            if let level, found.contains(level) || isFirst && !found.isEmpty { break }
            // Safety: bytes of an array of bytes.
            let position = unsafe group.append(
                .events, from: Ledger.source("fast"), first: SequenceNumber(rawValue: sequence), count: 1,
                receivedAt: Timestamp(rawValue: sequence), payload: payload.span.bytes)
            #expect(position != nil)
            try log.writer.commit(group)
            group.begin(at: group.tail, room: payload.count + 4_096)
            sequence += 1
            added += 1
            usleep(milliseconds * 1_000)
        }
        if let level { #expect(isFirst ? found.first == level : found.contains(level), "\(found)") }
    }
}

/// Keeps what a log tells.
final class Notices: Sendable {
    private let kept = Mutex<[LogNotice]>([])

    var add: @Sendable (LogNotice) -> Void {
        { notice in self.kept.withLock { $0.append(notice) } }
    }

    var compressed: [CompressedSegmentReport] {
        kept.withLock(\.self).compactMap { if case .compressed(let report) = $0 { report } else { nil } }
    }

    var failed: [LogError] {
        kept.withLock(\.self).compactMap { if case .compressionFailed(let error) = $0 { error } else { nil } }
    }

    var damaged: [LogError] {
        kept.withLock(\.self).compactMap { if case .damaged(let error) = $0 { error } else { nil } }
    }
}
