import EventLog
import Events
import Testing

/// Damage is refused and located, wherever it is. What was acknowledged behind the last end mark is the one
/// exception: a last group there can't be told from one that was torn and never acknowledged.
@Suite("Damage")
struct DamageTests {
    /// Bytes of the log in frames, and where each frame is.
    private struct Frames {
        var path: String
        var offset: Int
        var bytes: Int
        var isLastGroup: Bool
    }

    private static func frames(of place: Place) throws -> [Frames] {
        var frames: [Frames] = []
        for path in place.segmentPaths {
            let file = try place.storage.open(path, .read)
            let bytes = try file.read(try file.size(), at: 0)
            var offset = 4096
            var groups: [UInt32] = []
            func word(_ at: Int) -> UInt32 {
                (0..<4).reduce(0) { $0 | UInt32(bytes[at + $1]) << UInt32(8 * $1) }
            }
            while offset + 64 <= bytes.count, word(offset) != 0 {
                let count = (Int(word(offset + 4)) + 7) & ~7
                frames.append(Frames(path: path, offset: offset, bytes: count, isLastGroup: false))
                groups.append(word(offset + 36))
                offset += count
            }
            guard path == place.segmentPaths.last else { continue }
            for (index, group) in groups.enumerated() where group == groups.last {
                frames[frames.count - groups.count + index].isLastGroup = true
            }
        }
        return frames
    }

    @Test(
        "A flipped bit in any frame is found and located; in the last group, if the log was closed or marked",
        arguments: Backend.allCases, [false, true])
    func flippedBits(_ backend: Backend, isMarked: Bool) throws {
        let place = backend.makePlace()
        let log = try place.open()
        let ledger = try Ledger.filled(log)
        try log.maintain()
        log.close()
        let mark = place.data + "/log/end"
        if !isMarked { try place.storage.rename(mark, to: mark + ".away") }
        var generator = SeededGenerator(seed: 11)
        let frames = try Self.frames(of: place)
        #expect(frames.count == 200 && frames.contains { $0.isLastGroup })
        let live = place.segmentPaths.last
        for (index, frame) in frames.enumerated() where index % 3 == 0 || frame.isLastGroup {
            // The padding behind a frame is no part of it.
            let offset = frame.offset + Int.random(in: 0..<frame.bytes - 8, using: &generator)
            try place.damage(frame.path) { $0[offset] ^= 1 << UInt8(offset % 8) }
            defer { try? place.damage(frame.path) { $0[offset] ^= 1 << UInt8(offset % 8) } }
            if frame.isLastGroup, !isMarked {
                let read = try Ledger.read(try place.openReadOnly())
                #expect(ledger.entries.starts(with: read) && read.count < ledger.entries.count)
                continue
            }
            // In the live segment nobody opens it; in a sealed one nobody reads over it.
            let error = #expect(throws: LogError.self) { _ = try Ledger.read(try place.openReadOnly()) }
            #expect(error?.code == .damaged && error?.path == frame.path && error?.offset == frame.offset)
            let refusal = #expect(throws: LogError.self) {
                _ = try LogVerifier(try place.openReadOnly()).run()
            }
            #expect(
                refusal?.code == .damaged && refusal?.path == frame.path && refusal?.offset == frame.offset)
            if frame.path == live {
                let before = try place.storage.open(frame.path, .read).read(1 << 16, at: 0)
                #expect(throws: LogError.self) { _ = try place.open() }
                #expect(try place.storage.open(frame.path, .read).read(1 << 16, at: 0) == before)
            }
        }
        #expect(try Ledger.read(try place.openReadOnly()) == ledger.entries)
    }

    @Test(
        "A last segment that is gone is missed, and so is an end that was wiped", arguments: Backend.allCases)
    func endIsGone(_ backend: Backend) throws {
        let place = backend.makePlace()
        let log = try place.open()
        let ledger = try Ledger.filled(log)
        try log.maintain()
        log.close()
        let last = try #require(place.segmentPaths.last)
        for isReadOnly in [true, false] {
            try place.storage.rename(last, to: last + ".away")
            let missing = #expect(throws: LogError.self) {
                _ = isReadOnly ? try place.openReadOnly() : try place.open()
            }
            #expect(missing?.code == .damaged && missing?.path == last)
            try place.storage.rename(last + ".away", to: last)
        }
        let bytes = try place.storage.open(last, .read).read(1 << 16, at: 0)
        try place.damage(last) {
            $0.replaceSubrange(4096..., with: repeatElement(0, count: bytes.count - 4096))
        }
        let wiped = #expect(throws: LogError.self) { _ = try place.open() }
        #expect(wiped?.code == .damaged && wiped?.path == last && wiped?.offset == 4096)
        try place.damage(last) { $0 = bytes }
        #expect(try Ledger.read(try place.open()) == ledger.entries)
    }

    @Test("A mark that is torn or gone bounds nothing and breaks nothing", arguments: Backend.allCases)
    func tornMark(_ backend: Backend) throws {
        let place = backend.makePlace()
        let log = try place.open()
        let ledger = Ledger(log)
        for _ in 0..<3 {
            try ledger.append(Ledger.source("a"), count: 2)
            try ledger.commit()
            try log.maintain()
        }
        log.close()
        let mark = place.data + "/log/end"
        for offset in [0, 30, 63, 4096, 4130, 4159] {
            try place.damage(mark) { $0[offset] ^= 4 }
            #expect(try Ledger.read(try place.openReadOnly()) == ledger.entries)
            try place.damage(mark) { $0[offset] ^= 4 }
        }
        try place.storage.remove(mark)
        let again = try place.open()
        #expect(try Ledger.read(again) == ledger.entries)
        again.close()
    }

    @Test(
        "A page of zeros in the middle of the live segment is damage, not an end", arguments: Backend.allCases
    )
    func zeroedPage(_ backend: Backend) throws {
        let place = backend.makePlace()
        let log = try place.open()
        let ledger = Ledger(log)
        for _ in 0..<12 {
            try ledger.append(Ledger.source("a"), count: 2, padding: 900)
            try ledger.commit()
        }
        log.close()
        try place.damage(place.segmentPaths[0]) {
            $0.replaceSubrange(8192..<12_288, with: repeatElement(0, count: 4096))
        }
        for isReadOnly in [true, false] {
            let error = #expect(throws: LogError.self) {
                _ = isReadOnly ? try place.openReadOnly() : try place.open()
            }
            #expect(error?.code == .damaged && error?.path == place.segmentPaths[0])
            #expect((4096..<12_288).contains(error?.offset ?? 0))
        }
    }

    @Test("A frame of another segment, another log or another place is no frame", arguments: Backend.allCases)
    func strayFrames(_ backend: Backend) throws {
        let place = backend.makePlace()
        let log = try place.open()
        let ledger = Ledger(log)
        for _ in 0..<3 {
            try ledger.append(Ledger.source("a"), count: 1, padding: 400)
            try ledger.commit()
        }
        log.close()
        let path = place.segmentPaths[0]
        let bytes = try place.storage.open(path, .read).read(1 << 16, at: 0)
        let end = ledger.tail.offset
        let frameBytes = (end - 4096) / 3
        // As if a disk had written the second frame once more, behind the last.
        try place.damage(path) {
            $0.replaceSubrange(end..<end + frameBytes, with: bytes[4096 + frameBytes..<4096 + 2 * frameBytes])
        }
        let again = try place.open()
        #expect(try Ledger.read(again) == ledger.entries)
        #expect(again.recovery.droppedBytes > 0 && again.recovery.offset == end)
        again.close()
        #expect(try place.storage.open(path, .read).read(1 << 16, at: 0) == bytes)
    }

    @Test("What isn't a log, or lacks a part, is refused with a word on it", arguments: Backend.allCases)
    func refusals(_ backend: Backend) throws {
        func code(_ place: Place, readOnly: Bool = false) -> (LogError.Code?, String) {
            do throws(LogError) {
                _ = readOnly ? try place.openReadOnly() : try place.open()
                return (nil, "")
            } catch {
                return (error.code, error.description)
            }
        }
        func make(_ place: Place, _ path: String) throws {
            try place.storage.makeDirectory(place.data)
            _ = try place.storage.open(place.data + "/" + path, .make)
        }
        let missing = backend.makePlace()
        #expect(code(missing, readOnly: true).0 == .missing)
        let foreign = backend.makePlace()
        try make(foreign, "passwd")
        #expect(code(foreign).0 == .notALog && code(foreign).1.contains("passwd"))
        let logs = backend.makePlace()
        try logs.storage.makeDirectory(logs.data)
        try logs.storage.makeDirectory(logs.data + "/log")
        try make(logs, "log/syslog")
        #expect(code(logs).0 == .notALog && code(logs, readOnly: true).0 == .notALog)
        #expect(logs.names == ["syslog"])

        let place = backend.makePlace()
        let log = try place.open()
        _ = try Ledger.filled(log)
        log.close()
        let identity = place.data + "/log/identity"
        try place.damage(identity) { $0[20] ^= 1 }
        #expect(code(place).0 == .damaged && code(place).1.contains(identity))
        try place.damage(identity) { $0[20] ^= 1 }
        try place.storage.rename(identity, to: identity + ".away")
        #expect(code(place).0 == .damaged && code(place).1.contains("identity"))
        try place.storage.rename(identity + ".away", to: identity)
        for path in [place.segmentPaths[0], place.segmentPaths[1]] {
            try place.storage.rename(path, to: path + ".away")
            #expect(code(place).0 == .damaged && code(place).1.contains("missing"))
            try place.storage.rename(path + ".away", to: path)
        }
        for offset in [0, 8, 16, 56] {
            try place.damage(place.segmentPaths[0]) { $0[offset] ^= 1 }
            #expect(code(place).0 == .damaged)
            try place.damage(place.segmentPaths[0]) { $0[offset] ^= 1 }
        }
        #expect(code(place).0 == nil)
        let options = #expect(throws: LogError.self) { _ = try place.open(segmentBytes: 65_537) }
        #expect(options?.code == .invalidOption)
    }
}
