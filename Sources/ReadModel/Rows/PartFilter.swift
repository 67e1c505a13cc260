internal import Projections

/// A filter of the calls that have records in a part of their table, or on their way there: it never denies
/// one. That of a part is kept in `call_parts`.
final class PartFilter {
    private(set) var words: [UInt64]
    private var insertions = 0

    /// A byte for each record of the largest part: one stranger in forty is taken for a call of the part.
    private static let wordsMax = 1 << (Int(ReadModelSchema.partBits) - 3)
    /// Those of a block.
    private static let wordsMin = 8

    init() { words = [UInt64](repeating: 0, count: Self.wordsMax) }

    /// One that was kept; null where it is none.
    init?(_ bytes: [UInt8]) {
        let count = bytes.count / 8
        guard bytes.count % 8 == 0, count & (count - 1) == 0, count >= Self.wordsMin else { return nil }
        // Safety: whole words, within the bytes.
        words = unsafe bytes.withUnsafeBytes { bytes in
            (0..<count).map {
                unsafe UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8 * $0, as: UInt64.self))
            }
        }
    }

    /// As it is kept.
    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(8 * words.count)
        for word in words { LittleEndian.append(word, to: &bytes) }
        return bytes
    }

    func insert(_ bits: FilterBits) {
        insertions += 1
        // Safety: a power of two of words, lent for the call.
        unsafe words.withUnsafeMutableBufferPointer {
            unsafe bits.set(in: $0.baseAddress.unsafelyUnwrapped, $0.count - 1)
        }
    }

    /// - Parameter hashes: of the calls' keys.
    func insert(_ hashes: [UInt64]) {
        insertions += hashes.count
        // Safety: as above.
        unsafe words.withUnsafeMutableBufferPointer {
            let (base, mask) = unsafe ($0.baseAddress.unsafelyUnwrapped, $0.count - 1)
            for hash in hashes { unsafe FilterBits(hash).set(in: base, mask) }
        }
    }

    func mayHave(_ bits: FilterBits) -> Bool {
        // Safety: as above.
        unsafe words.withUnsafeBufferPointer {
            unsafe bits.areSet(in: $0.baseAddress.unsafelyUnwrapped, $0.count - 1)
        }
    }

    /// Makes it as small as is good for what it has: a part may end before it is full. Which block is meant
    /// is told by the lower bits of a key, so that one half can be laid over the other.
    func shrink() {
        var count = words.count
        while count > Self.wordsMin, insertions * 16 <= count * 64 / 2 {
            count /= 2
            for index in 0..<count { words[index] |= words[index + count] }
        }
        // Another array: one that has lost elements keeps their memory.
        if count < words.count { words = Array(words[..<count]) }
    }
}

/// That of a part that ends: nothing is added to it any more, and a shelf has it, where there is room.
struct FullPartFilter {
    private enum Words {
        case shelved(ShelvedBytes)
        case memory(PartFilter)
    }

    private let words: Words
    private let mask: Int

    init(_ filter: PartFilter, _ shelf: (any Shelf)?) {
        mask = filter.words.count - 1
        // Safety: lent for the call.
        let shelved = unsafe filter.words.withUnsafeBytes { unsafe shelf?.put($0) }
        words = shelved.map(Words.shelved) ?? .memory(filter)
    }

    func mayHave(_ bits: FilterBits) -> Bool {
        switch words {
        // Safety: so many words were put there.
        case .shelved(let bytes): unsafe bits.mayBeSet(in: bytes.words, mask)
        case .memory(let filter): filter.mayHave(bits)
        }
    }
}
