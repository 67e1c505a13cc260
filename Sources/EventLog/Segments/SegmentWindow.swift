internal import Glibc

/// A stretch of a segment in memory. Frames lie in it whole.
///
/// Whoever reads a segment sees windows and offsets only: a plain segment is one window, mapped from its
/// file, or a window a piece where it is read once; a compressed one is a window a block, unpacked when it is
/// asked for.
@safe
final class SegmentWindow: @unchecked Sendable {
    // Safety: `owner` keeps the bytes readable, 64 beyond the end, until this object goes; nobody writes
    // through it.
    let base: UnsafeRawPointer
    /// The offsets within the segment that this window holds.
    let range: Range<Int>
    private let owner: any AnyObject & Sendable

    @unsafe
    init(base: UnsafeRawPointer, range: Range<Int>, owner: any AnyObject & Sendable) {
        unsafe self.base = base
        self.range = range
        self.owner = owner
    }

    convenience init(_ bytes: MappedBytes) {
        // Safety: the mapping is the owner.
        unsafe self.init(base: bytes.base, range: 0..<bytes.count, owner: bytes)
    }
}

extension SegmentWindow {
    /// - Parameter bytes: at most 4096.
    func isZero(_ bytes: Range<Int>) -> Bool {
        precondition(bytes.lowerBound >= range.lowerBound && bytes.upperBound <= range.upperBound)
        precondition(bytes.count <= Self.zeros.count)
        // Safety: within the window and within the zeros, checked above.
        return unsafe Self.zeros.withUnsafeBufferPointer { zeros in
            unsafe memcmp(base + (bytes.lowerBound - range.lowerBound), zeros.baseAddress!, bytes.count) == 0
        }
    }

    private static let zeros = [UInt8](repeating: 0, count: 4096)
}

extension SegmentWindow {
    /// Where the first newline is.
    func newline(in bytes: Range<Int>) -> Int? {
        precondition(bytes.lowerBound >= range.lowerBound && bytes.upperBound <= range.upperBound)
        // Safety: searches the window's own bytes, checked above.
        let start = unsafe base + (bytes.lowerBound - range.lowerBound)
        guard let found = unsafe memchr(start, 0x0A, bytes.count) else { return nil }
        return unsafe bytes.lowerBound + (UnsafeRawPointer(found) - start)
    }

    func isSame(as other: SegmentWindow) -> Bool { self === other }

    /// Whether another window holds the same bytes at the same offsets.
    func isEqual(to other: SegmentWindow, in bytes: Range<Int>) -> Bool {
        for window in [self, other] {
            precondition(bytes.lowerBound >= window.range.lowerBound)
            precondition(bytes.upperBound <= window.range.upperBound)
        }
        // Safety: within both windows, checked above.
        return unsafe memcmp(
            base + (bytes.lowerBound - range.lowerBound),
            other.base + (bytes.lowerBound - other.range.lowerBound), bytes.count) == 0
    }
}

extension SegmentWindow {
    /// How many newlines there are.
    func lineCount(_ bytes: Range<Int>) -> Int {
        precondition(bytes.lowerBound >= range.lowerBound && bytes.upperBound <= range.upperBound)
        var offset = bytes.lowerBound
        var count = 0
        // Eight bytes at a time: those that are a newline turn to zero, and each zero byte into a set high
        // bit.
        while offset + 8 <= bytes.upperBound {
            // Safety: within the window, checked above.
            let word = unsafe base.loadUnaligned(fromByteOffset: offset - range.lowerBound, as: UInt64.self)
            let folded = word ^ 0x0A0A_0A0A_0A0A_0A0A
            let low = folded & 0x7F7F_7F7F_7F7F_7F7F
            count += (~((low &+ 0x7F7F_7F7F_7F7F_7F7F) | folded | 0x7F7F_7F7F_7F7F_7F7F)).nonzeroBitCount
            offset += 8
        }
        while offset < bytes.upperBound {
            if load(at: offset) == UInt8(0x0A) { count += 1 }
            offset += 1
        }
        return count
    }
}
