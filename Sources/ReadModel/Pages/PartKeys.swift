internal import Glibc

/// What the entries of an index that begins with a part of its table consist of, besides that and the rowid.
struct KeyShape {
    /// How many texts there are: three at most.
    let texts: Int
    /// Whether a number follows them.
    let hasNumber: Bool

    /// The part of the table that a row belongs to.
    static func part(of row: Int64) -> Int64 { row >> ReadModelSchema.partBits }
}

/// Gathers the entries of an index that begins with a part of its table, and puts those of a part into the
/// index once it is whole: they follow those of the parts before. Memory holds the keys of one part.
@safe
final class PartKeys {
    private struct Entry {
        /// What is compared first: the beginning of the first text, or the number where there is none.
        var prefix: UInt64
        var row: Int64
        /// Where the texts begin, after their lengths.
        var start: Int
    }

    let shape: KeyShape
    private var entries: [Entry] = []
    /// Lengths, texts and number of each entry.
    private var texts: [UInt8] = []

    init(_ shape: KeyShape) { self.shape = shape }

    /// Adds an entry.
    ///
    /// - Parameter part: its texts, by their number.
    @unsafe
    @inline(__always)
    func add(_ row: Int64, number: Int64, text part: (Int) -> UnsafeRawBufferPointer) {
        let start = texts.count
        var prefix = KeyOrder.sortable(number)
        for index in 0..<shape.texts {
            let text = unsafe part(index)
            if index == 0 { prefix = unsafe KeyOrder.prefix(text) }
            texts.append(UInt8(truncatingIfNeeded: text.count))
            texts.append(UInt8(truncatingIfNeeded: text.count >> 8))
        }
        // Safety: read during the call.
        for index in 0..<shape.texts { unsafe texts.append(contentsOf: part(index)) }
        if shape.hasNumber {
            for shift in 0..<8 {
                texts.append(UInt8(truncatingIfNeeded: KeyOrder.sortable(number) >> UInt64(56 - 8 * shift)))
            }
        }
        entries.append(Entry(prefix: prefix, row: row, start: start))
    }

    /// Puts what was gathered into its index, and forgets it.
    ///
    /// - Parameter isUnique: whether no two may agree in all but the rowid.
    func drain(into tree: inout IndexTree, _ record: inout RecordBytes, isUnique: Bool) throws {
        sort()
        let shape = shape
        // Safety: the array is read during the call.
        try unsafe texts.withUnsafeBytes { bytes in
            var before: UnsafeRawPointer?
            for entry in entries {
                guard let base = bytes.baseAddress else { return }
                let start = unsafe base + entry.start
                if isUnique, let last = unsafe before, unsafe KeyOrder.compare(last, start, shape) == 0 {
                    throw ReadModelError(
                        .inconsistent, "two records have the same key: please report this")
                }
                unsafe before = start
                // Safety: an entry of this shape; the record stays as it is during the call.
                unsafe record.lay(entry: start, shape, part: KeyShape.part(of: entry.row), row: entry.row)
                try unsafe tree.append(record.bytes)
            }
        }
        entries.removeAll(keepingCapacity: true)
        texts.removeAll(keepingCapacity: true)
    }

    private func sort() {
        let shape = shape
        // Safety: the array is read during the call.
        unsafe texts.withUnsafeBytes { bytes in
            entries.sort {
                if $0.prefix != $1.prefix { return $0.prefix < $1.prefix }
                // Safety: an entry's start is that of its texts.
                if let base = bytes.baseAddress {
                    let order = unsafe KeyOrder.compare(base + $0.start, base + $1.start, shape)
                    if order != 0 { return order < 0 }
                }
                return $0.row < $1.row
            }
        }
    }
}

/// How entries are ordered: as SQLite orders texts (byte by byte) and numbers.
enum KeyOrder {
    /// A number so that unsigned comparison orders it.
    static func sortable(_ value: Int64) -> UInt64 { UInt64(bitPattern: value) ^ (1 << 63) }
    static func number(_ sortable: UInt64) -> Int64 { Int64(bitPattern: sortable ^ (1 << 63)) }

    /// The first eight bytes of a text, the first one highest; a shorter text ends in zeros.
    @unsafe
    @inline(__always)
    static func prefix(_ text: UnsafeRawBufferPointer) -> UInt64 {
        // Safety: no more than the text is read.
        if text.count >= 8 { return unsafe UInt64(bigEndian: text.loadUnaligned(as: UInt64.self)) }
        var value: UInt64 = 0
        for index in 0..<8 { value = unsafe value << 8 | (index < text.count ? UInt64(text[index]) : 0) }
        return value
    }

    @unsafe
    @inline(__always)
    static func length(_ entry: UnsafeRawPointer, _ index: Int) -> Int {
        // Safety: the lengths come first.
        unsafe Int(entry.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self).littleEndian)
    }

    /// Below, at or above 0 as the first entry stands before, with or behind the second.
    @unsafe
    static func compare(_ left: UnsafeRawPointer, _ right: UnsafeRawPointer, _ shape: KeyShape) -> Int {
        var leftText = unsafe left + 2 * shape.texts
        var rightText = unsafe right + 2 * shape.texts
        for index in 0..<shape.texts {
            let (leftCount, rightCount) = unsafe (length(left, index), length(right, index))
            // Safety: the texts follow the lengths, one behind the other.
            let order = unsafe memcmp(leftText, rightText, min(leftCount, rightCount))
            if order != 0 { return Int(order) }
            if leftCount != rightCount { return leftCount - rightCount }
            unsafe leftText += leftCount
            unsafe rightText += rightCount
        }
        return unsafe shape.hasNumber ? Int(memcmp(leftText, rightText, 8)) : 0
    }
}

extension RecordBytes {
    /// Lays out an index entry as `PartKeys` gathers it: lengths, texts and number, one behind the other.
    @unsafe
    mutating func lay(entry: UnsafeRawPointer, _ shape: KeyShape, part: Int64, row: Int64) {
        var lengths: [3 of Int] = [0, 0, 0]
        var textBytes = 0
        for index in 0..<shape.texts {
            lengths[index] = unsafe KeyOrder.length(entry, index)
            textBytes += lengths[index]
        }
        let texts = unsafe entry + 2 * shape.texts
        // Safety: the caller's entry has this shape.
        let number =
            unsafe shape.hasNumber
            ? KeyOrder.number(UInt64(bigEndian: (texts + textBytes).loadUnaligned(as: UInt64.self))) : nil
        unsafe lay(
            part: part, texts: UnsafeRawBufferPointer(start: texts, count: textBytes), lengths: lengths,
            count: shape.texts, number: number, row: row)
    }
}
