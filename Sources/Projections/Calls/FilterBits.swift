/// The bits that stand for a key in a filter: eight of the 512 of one block, which lie in one line of the
/// cache where the filter begins with one.
///
/// Filters are kept in read models: whoever changes where the bits are raises the version of their schema.
package struct FilterBits: Sendable {
    private let block: Int
    private let bits: [8 of UInt64]

    /// - Parameter mark: a hash of the key, of which all but the lowest bit count.
    package init(_ mark: UInt64) {
        block = Self.block(mark)
        let mixed = (mark ^ mark >> 29) &* 0x9E37_79B9_7F4A_7C15
        let more = (mixed ^ mixed >> 32) &* 0xBF58_476D_1CE4_E5B9
        bits = [
            mixed >> 55, mixed >> 46 & 511, mixed >> 37 & 511, mixed >> 28 & 511,
            more >> 55, more >> 46 & 511, more >> 37 & 511, more >> 28 & 511,
        ]
    }

    /// The first word of a key's block, to be masked.
    @inline(__always)
    static func block(_ mark: UInt64) -> Int { Int(truncatingIfNeeded: mark >> 1) &* 8 }

    // Safety: whoever calls has `mask + 1` words, a power of two.

    @unsafe
    package func areSet(in words: UnsafePointer<UInt64>, _ mask: Int) -> Bool {
        for index in bits.indices where unsafe words[word(index, mask)] & bit(index) == 0 { return false }
        return true
    }

    /// The same of a filter that is full, from where bytes may have been lost without a word: a disk that
    /// can't write a page leaves zeros in its place. A full filter has no block of zeros, so that one of
    /// zeros denies nobody.
    @unsafe
    package func mayBeSet(in words: UnsafePointer<UInt64>, _ mask: Int) -> Bool {
        if unsafe areSet(in: words, mask) { return true }
        for index in 0..<8 where unsafe words[(block &+ index) & mask] != 0 { return false }
        return true
    }

    @unsafe
    package func set(in words: UnsafeMutablePointer<UInt64>, _ mask: Int) {
        for index in bits.indices { unsafe words[word(index, mask)] |= bit(index) }
    }

    private func word(_ index: Int, _ mask: Int) -> Int { (block &+ Int(bits[index] >> 6)) & mask }
    private func bit(_ index: Int) -> UInt64 { 1 << (bits[index] & 63) }
}
