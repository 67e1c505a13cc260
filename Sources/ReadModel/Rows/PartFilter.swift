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
