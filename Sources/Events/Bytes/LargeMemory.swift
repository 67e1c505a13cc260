#if canImport(Glibc)
    internal import Glibc
#endif

/// Memory in which many calls lie: what is looked up there is anywhere, and each look costs as much again for
/// finding the page as for reading it. From a few megabytes on the system is asked for large pages.
package enum LargeMemory {
    private static let pageBytes = 2 << 20

    /// Memory to be given back with `deallocate`.
    @unsafe
    package static func allocate(byteCount: Int) -> UnsafeMutableRawPointer {
        guard byteCount >= pageBytes else { return .allocate(byteCount: byteCount, alignment: 64) }
        let base = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: pageBytes)
        #if canImport(Glibc)
            // Safety: the memory is ours. Where it is refused, pages are small.
            _ = unsafe madvise(base, byteCount, Int32(MADV_HUGEPAGE))
        #endif
        return unsafe base
    }
}
