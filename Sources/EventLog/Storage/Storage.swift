/// Where the log's files lie: a disk, or something that plays one in a test.
///
/// What has been written is durable once `StorageFile.sync` has returned; a name once `syncDirectory` has.
package protocol Storage: Sendable {
    /// The names in a directory, in no order; null where there is no directory.
    func entries(of directory: String) throws(LogError) -> [String]?
    /// Makes a directory; its parent must be there. Durable when it returns.
    func makeDirectory(_ path: String) throws(LogError)
    /// Opens a file; `missing` where it isn't there, unless it is made.
    func open(_ path: String, _ mode: StorageMode) throws(LogError) -> any StorageFile
    func rename(_ path: String, to target: String) throws(LogError)
    func remove(_ path: String) throws(LogError)
    func syncDirectory(_ path: String) throws(LogError)
    /// What is free where a directory is; null where that isn't known.
    func room(at directory: String) -> DiskRoom?
    /// Keeps others from opening the same log for writing, until the lock goes. `locked` where one holds it.
    func lock(_ path: String) throws(LogError) -> any StorageLock
}

package enum StorageMode: Sendable {
    case read, write
    /// For writing, empty; what was there before is gone.
    case make
    /// For whole pages, past the system's cache where the file system can do that. The file must be there,
    /// and as long as it is going to be.
    case readPages, writePages
}

/// Held until it goes.
package protocol StorageLock: AnyObject, Sendable {}

/// An open file.
package protocol StorageFile: AnyObject, Sendable {
    var path: String { get }
    /// Whether what is read and written goes past the system's cache: then offset, length and memory are
    /// multiples of `LogLimits.pageBytes`.
    var isDirect: Bool { get }
    func size() throws(LogError) -> Int
    /// Takes the space for `bytes` bytes, or says `noSpace`, as it does where less than `rest` would be left;
    /// afterwards the file is that long.
    func reserve(_ bytes: Int, leaving rest: Int) throws(LogError)
    /// - Returns: how many bytes were taken: at least one, maybe not all.
    func write(_ bytes: RawSpan, at offset: Int) throws(LogError) -> Int
    func read(_ count: Int, at offset: Int) throws(LogError) -> [UInt8]
    /// - Returns: how many bytes were read: fewer than there is room for where the file ends before.
    func read(into memory: UnsafeMutableRawBufferPointer, at offset: Int) throws(LogError) -> Int
    func sync() throws(LogError)
    /// Has what was written of a range taken by the disk, so that a sync finds little left to do; durable it
    /// is after that sync only.
    func writeOut(_ range: Range<Int>) throws(LogError)
    /// Whoever needs memory may have that in which the system keeps these bytes; what it keeps in one piece
    /// with others may stay.
    func yieldCache(_ range: Range<Int>)
    /// The first `count` bytes, as they are and as they will be.
    func map(_ count: Int) throws(LogError) -> MappedBytes
}

extension StorageFile {
    package func yieldCache(_ range: Range<Int>) {}
    package func writeOut(_ range: Range<Int>) throws(LogError) {}
    package func reserve(_ bytes: Int) throws(LogError) { try reserve(bytes, leaving: 0) }

    /// Writes all of it.
    func writeAll(_ bytes: RawSpan, at offset: Int) throws(LogError) {
        var done = 0
        while done < bytes.byteCount {
            done += try write(bytes.extracting(droppingFirst: done), at: offset + done)
        }
    }

    func writeAll(_ bytes: [UInt8], at offset: Int) throws(LogError) {
        // Safety: bytes of an array of bytes.
        try unsafe writeAll(bytes.span.bytes, at: offset)
    }

    /// Writes zeros; a sync makes them durable.
    func writeZeros(_ range: Range<Int>) throws(LogError) {
        for start in stride(from: range.lowerBound, to: range.upperBound, by: zeros.capacity) {
            let count = min(zeros.capacity, range.upperBound - start)
            // Safety: the buffer has so many bytes, and nobody ever changes them.
            let bytes = unsafe UnsafeRawBufferPointer(start: zeros.base, count: count)
            try unsafe writeAll(bytes.bytes, at: start)
        }
    }
}

/// Taken once: large pieces that come and go have the allocator keep more than is in use.
private let zeros = BlockBuffer(capacity: 128 << 10)

/// Bytes of a file in memory, with 64 more behind that may be read.
@safe
package final class MappedBytes: @unchecked Sendable {
    // Safety: `owner` keeps the bytes there; nobody writes through this pointer.
    let base: UnsafeRawPointer
    package let count: Int
    private let owner: any AnyObject & Sendable

    /// - Parameter base: `count + 64` bytes that are readable for as long as `owner` lives.
    @unsafe
    package init(base: UnsafeRawPointer, count: Int, owner: any AnyObject & Sendable) {
        unsafe self.base = base
        self.count = count
        self.owner = owner
    }
}
