internal import Foundation
internal import Glibc
internal import Synchronization

/// Appends pages to a SQLite file that nobody else has open, past SQLite: a rebuild knows all rows before
/// anybody reads one, and so can lay out each b-tree in order, without looking anything up.
@safe
final class PageFile: PageTarget {
    let path: String
    private let descriptor: Int32
    // Safety: allocated in init with `pagesBufferedMax` pages, freed in deinit; `buffered` stays below that.
    private let buffer: UnsafeMutableRawPointer
    private var buffered = 0
    /// The page that the buffer begins with.
    private var bufferFirst: UInt32
    /// Up to where the disk was asked to have it, in bytes.
    private var syncing: Int
    /// Syncs what has been written while more is made, so that the disk is busy all the time, and not only at
    /// the end.
    private let syncs = DispatchQueue(label: "tollbook read model sync")
    private let syncFailure = SyncFailure()

    /// The error number of a sync that failed: a later one need not say so again.
    private final class SyncFailure: Sendable {
        let number = Atomic<Int32>(0)
    }

    /// The page that holds the byte at 1 GiB is for locks and never has content.
    private static let lockPage = UInt32(1 << 30) / UInt32(PageBuilder.bytes) + 1

    /// Opens a file that SQLite has made and closed.
    init(path: String) throws {
        self.path = path
        // Safety: the path is lent for the length of the call.
        descriptor = unsafe open(path, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.failure(path, errno) }
        let size = lseek(descriptor, 0, SEEK_END)
        guard size >= PageBuilder.bytes, Int(size) % PageBuilder.bytes == 0 else {
            close(descriptor)
            throw ReadModelError(.database, "\(path) is no file of whole pages: run `tollbook rebuild` again")
        }
        bufferFirst = UInt32(Int(size) / PageBuilder.bytes) + 1
        syncing = Int(size)
        unsafe buffer = .allocate(
            byteCount: ReadModelLimits.pagesBufferedMax * PageBuilder.bytes, alignment: 4096)
    }

    deinit {
        // Whoever syncs has to be done with the file.
        syncs.sync {}
        close(descriptor)
        // Safety: this object's own.
        unsafe buffer.deallocate()
    }

    /// The number that the next page will get.
    var next: PageNumber { Self.skippingLock(bufferFirst + UInt32(buffered)) }

    /// Appends a page of `PageBuilder.bytes`.
    @unsafe
    func append(_ page: UnsafeRawPointer) throws -> PageNumber {
        if bufferFirst + UInt32(buffered) == Self.lockPage {
            try unsafe put {
                unsafe $0.initializeMemory(as: UInt8.self, repeating: 0, count: PageBuilder.bytes)
            }
        }
        let number = PageNumber(rawValue: bufferFirst + UInt32(buffered))
        try unsafe put { unsafe $0.copyMemory(from: page, byteCount: PageBuilder.bytes) }
        return number
    }

    @unsafe
    func overwrite(_ page: UnsafeRawPointer, at number: PageNumber) throws {
        try unsafe write(page, count: PageBuilder.bytes, at: (Int(number.rawValue) - 1) * PageBuilder.bytes)
    }

    private func checkSyncs() throws {
        let number = syncFailure.number.load(ordering: .relaxed)
        if number != 0 { throw Self.failure(path, number) }
    }

    /// Writes what is buffered, and the file's size into its header.
    func finish() throws {
        try flush()
        syncs.sync {}
        try checkSyncs()
        var header = [UInt8](repeating: 0, count: 100)
        // Safety: here and below, the array is lent for the length of the call.
        let got = unsafe header.withUnsafeMutableBytes { unsafe pread(descriptor, $0.baseAddress, 100, 0) }
        guard got == 100 else { throw Self.failure(path, errno) }
        // Offsets of the file format, section 1.3: change counter, size in pages, version that the size is
        // valid for.
        let counter = header[24..<28].reduce(UInt32(0)) { $0 << 8 | UInt32($1) } &+ 1
        Self.store(counter, in: &header, at: 24)
        Self.store(bufferFirst - 1, in: &header, at: 28)
        Self.store(counter, in: &header, at: 92)
        try unsafe header.withUnsafeBytes { bytes in
            try unsafe write(bytes.baseAddress.unsafelyUnwrapped, count: 100, at: 0)
        }
    }

    private static func store(_ value: UInt32, in header: inout [UInt8], at offset: Int) {
        for place in 0..<4 {
            header[offset + place] = UInt8(truncatingIfNeeded: value >> UInt32(24 - 8 * place))
        }
    }

    func following(_ page: PageNumber) -> PageNumber { Self.skippingLock(page.rawValue + 1) }

    private static func skippingLock(_ number: UInt32) -> PageNumber {
        PageNumber(rawValue: number == lockPage ? number + 1 : number)
    }

    @unsafe
    private func put(_ fill: (UnsafeMutableRawPointer) -> Void) throws {
        // Safety: there is a free page in the buffer.
        unsafe fill(buffer + buffered * PageBuilder.bytes)
        buffered += 1
        if buffered == ReadModelLimits.pagesBufferedMax { try flush() }
    }

    private func flush() throws {
        guard buffered > 0 else { return }
        let start = (Int(bufferFirst) - 1) * PageBuilder.bytes
        try unsafe write(UnsafeRawPointer(buffer), count: buffered * PageBuilder.bytes, at: start)
        bufferFirst += UInt32(buffered)
        buffered = 0
        let end = (Int(bufferFirst) - 1) * PageBuilder.bytes
        guard end - syncing >= ReadModelLimits.syncAheadBytes else { return }
        syncing = end
        try checkSyncs()
        syncs.async { [descriptor, syncFailure] in
            if fdatasync(descriptor) != 0 { syncFailure.number.store(errno, ordering: .relaxed) }
        }
    }

    @unsafe
    private func write(_ bytes: UnsafeRawPointer, count: Int, at offset: Int) throws {
        var done = 0
        while done < count {
            // Safety: `done` stays below the count.
            let taken = unsafe pwrite(descriptor, bytes + done, count - done, off_t(offset + done))
            if taken < 0, errno == EINTR { continue }
            guard taken > 0 else { throw Self.failure(path, taken == 0 ? ENOSPC : errno) }
            done += taken
        }
    }

    static func failure(_ path: String, _ number: Int32) -> ReadModelError {
        // Safety: the text is copied at once.
        let reason = unsafe String(cString: strerror(number))
        let advice = number == ENOSPC ? ": make room on the disk, then start again" : ""
        return ReadModelError(.database, "\(path) can't be written: \(reason)\(advice)")
    }
}
