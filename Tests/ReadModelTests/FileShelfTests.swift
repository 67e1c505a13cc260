import Foundation
import Testing

@testable import Projections
@testable import ReadModel

/// What is put on the shelf comes back as it was for as long as somebody has it, and nothing is left of it
/// then; where there is no room, whoever asks is told, and what was there before is as it was.
struct FileShelfTests {
    private static let sheetBytes = 1 << 16
    /// Of all sizes from a word to more than a sheet, a whole sheet and a line more among them.
    private static let sizes =
        (0..<40).map { 8 * (1 + $0 * 977 % 12_000) } + [sheetBytes, sheetBytes + 64, 8]

    private static func piece(_ number: Int) -> [UInt8] {
        (0..<sizes[number]).map { UInt8(truncatingIfNeeded: $0 &* (2 * number + 1) >> 3) }
    }

    private func put(_ number: Int, on shelf: FileShelf) -> ShelvedBytes? {
        // Safety: lent for the call.
        unsafe Self.piece(number).withUnsafeBytes { unsafe shelf.put($0) }
    }

    private func expect(_ number: Int, in bytes: ShelvedBytes) {
        let count = Self.sizes[number]
        // Safety: so many were put there.
        let found = unsafe [UInt8](UnsafeRawBufferPointer(start: bytes.words, count: count))
        #expect(found == Self.piece(number), "\(number)")
        #expect(unsafe Int(bitPattern: bytes.words) % 64 == 0)
    }

    /// How many files of a shelf beside a read model this process has mapped.
    private func mapped(_ path: String) throws -> Int {
        // Such a file ends where nothing more is read, and not where less is than was asked for.
        let file = try #require(FileHandle(forReadingAtPath: "/proc/self/maps"))
        var text = Data()
        while let piece = try file.read(upToCount: 1 << 16), !piece.isEmpty { text += piece }
        return String(decoding: text, as: UTF8.self).split(separator: "\n")
            .count { $0.contains(path + "-filters-") }
    }

    @Test func whatIsPutComesBack() throws {
        let place = try TestPlace()
        let directory = URL(filePath: place.readModel).deletingLastPathComponent().path
        let before = try FileManager.default.contentsOfDirectory(atPath: directory)
        #expect(try mapped(place.readModel) == 0)
        var shelf = FileShelf(beside: place.readModel, sheetBytes: Self.sheetBytes, roomMin: 0)
        var shelved: [ShelvedBytes] = []
        for number in Self.sizes.indices {
            let bytes = shelf.map { put(number, on: $0) } ?? nil
            shelved.append(try #require(bytes))
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == before)
        shelf = nil
        for (number, bytes) in shelved.enumerated() { expect(number, in: bytes) }
        #expect(try mapped(place.readModel) > 10)
        shelved = []
        #expect(try mapped(place.readModel) == 0)
        withExtendedLifetime(place) {}
    }

    /// A disk that takes a part of a piece and no more.
    @Test func aFullDiskIsTold() throws {
        let place = try TestPlace()
        var room = Int.max
        let shelf = try #require(
            FileShelf(beside: place.readModel, sheetBytes: Self.sheetBytes, roomMin: 0) { count in
                let taken = min(count, room)
                room -= taken
                return taken
            })
        var shelved: [Int: ShelvedBytes] = [:]
        for number in 0..<2 { shelved[number] = put(number, on: shelf) }
        #expect(shelved.count == 2)
        room = 4_096
        #expect(put(2, on: shelf) == nil && put(3, on: shelf) == nil)
        room = .max
        let third: ShelvedBytes = try #require(put(3, on: shelf))
        shelved[3] = third
        for (number, bytes) in shelved { expect(number, in: bytes) }
    }

    /// What lies there must not be what the log and the read model lack.
    @Test(arguments: [0, 1 << 50]) func aDiskThatIsNearlyFullIsLeftAlone(roomMin: Int) throws {
        let place = try TestPlace()
        let shelf = try #require(FileShelf(beside: place.readModel, roomMin: roomMin))
        let bytes: ShelvedBytes? = put(3, on: shelf)
        #expect((bytes != nil) == (roomMin == 0))
        #expect(try mapped(place.readModel) == (roomMin == 0 ? 1 : 0))
        withExtendedLifetime(bytes) {}
    }

    /// Whoever asks keeps what it has, and may ask again.
    @Test func nothingIsPutWhereNoFileCanBe() throws {
        let shelf = try #require(FileShelf(beside: "/nowhere/at/all/read-model.sqlite"))
        for _ in 0..<2 { #expect(put(3, on: shelf) == nil) }
        #expect(FileShelf(beside: "") == nil)
    }
}
