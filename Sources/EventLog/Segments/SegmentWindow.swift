/// A stretch of a segment in memory. Frames lie in it whole.
///
/// Whoever reads a segment sees windows and offsets only: a plain segment is one window, mapped from its file; a
/// compressed one is to be a window a block, unpacked when it is asked for.
@safe
final class SegmentWindow: @unchecked Sendable {
    // Safety: `owner` keeps the bytes mapped and readable, 64 beyond the end, until this object goes.
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
}
