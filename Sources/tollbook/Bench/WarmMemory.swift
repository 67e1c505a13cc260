import Glibc

/// Memory that was touched lately.
///
/// A virtual machine hands out memory that its guest has never used, or has given back, a page at a time and
/// slowly: a file's first pass through the cache then runs at a tenth of its speed, whoever writes it. A
/// machine that has been up for a while knows nothing of that, and so it is kept out of the figures.
enum WarmMemory {
    /// Touches so many bytes and gives them back to the system, which hands them out again next.
    static func touch(bytes: Int) {
        let page = 4_096
        let length = (bytes + page - 1) / page * page
        // Safety: the pages are this function's own, from here to `munmap`.
        guard
            let base = unsafe mmap(nil, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            unsafe base != MAP_FAILED
        else { return }
        for offset in stride(from: 0, to: length, by: page) {
            unsafe base.storeBytes(of: 1, toByteOffset: offset, as: UInt8.self)
        }
        unsafe munmap(base, length)
    }

    /// Reads the files of a directory, so that the file cache has them: what a benchmark has just written it
    /// has as well, unless the writer has given it back. What can't be read is for the benchmark to say.
    static func read(filesOf directory: String) {
        let piece = 1 << 20
        let buffer = UnsafeMutableRawPointer.allocate(byteCount: piece, alignment: 4_096)
        defer { unsafe buffer.deallocate() }
        for name in FileSizes.names(in: directory) {
            // Safety: the path is lent for the length of the call.
            let descriptor = unsafe open(directory + "/" + name, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { continue }
            // Safety: reads no more than the buffer has room for.
            while unsafe Glibc.read(descriptor, buffer, piece) > 0 {}
            close(descriptor)
        }
    }
}
