internal import CLinux
internal import Glibc

/// A file of a POSIX system; it closes when it goes.
final class DiskFile: StorageFile {
    let path: String
    let isDirect: Bool
    private let descriptor: Int32

    init(path: String, descriptor: Int32, isDirect: Bool = false) {
        self.path = path
        self.descriptor = descriptor
        self.isDirect = isDirect
    }

    deinit {
        // What matters was synced, and a failed close says nothing about that.
        close(descriptor)
    }

    func size() throws(LogError) -> Int {
        var status = stat()
        // Safety: writes the one struct that it is given.
        guard unsafe fstat(descriptor, &status) == 0 else { throw LogError.system(path, "has no size") }
        return status.st_size
    }

    /// Looks first: a file system that has less gives it all, and says only then that it isn't enough. Until
    /// it has it back, compression and the read model would find a disk that is full.
    func reserve(_ bytes: Int, leaving rest: Int) throws(LogError) {
        let hasRoom = DiskRoom(of: descriptor)?.holds(bytes + rest) ?? true
        let code = hasRoom ? posix_fallocate(descriptor, 0, bytes) : ENOSPC
        guard code == 0 else {
            errno = code
            let besides = rest > 0 ? " with \(rest) left" : ""
            throw LogError.system(path, "gets no \(bytes) bytes of space\(besides)")
        }
    }

    func write(_ bytes: RawSpan, at offset: Int) throws(LogError) -> Int {
        var count = put(bytes, at: offset)
        // Some file systems say only now that they can't go past the cache, or only with other pages: nothing
        // was written. From here on it goes through the cache.
        if count < 0, errno == EINVAL, isDirect, tollbook_leave_direct(descriptor) == 0 {
            count = put(bytes, at: offset)
        }
        // The rest of a page is written with the whole of it.
        let page = LogLimits.pageBytes
        let taken = isDirect && count < bytes.byteCount ? count / page * page : count
        if count > 0, taken == 0 { errno = EIO }
        guard taken > 0 else { throw LogError.system(path, offset: offset, "can't be written") }
        return taken
    }

    /// - Returns: how many bytes were written, or -1 with errno.
    private func put(_ bytes: RawSpan, at offset: Int) -> Int {
        // Safety: writes what the span holds.
        unsafe bytes.withUnsafeBytes { buffer in
            var count = 0
            repeat {
                count = unsafe pwrite(descriptor, buffer.baseAddress, buffer.count, offset)
            } while count < 0 && errno == EINTR
            return count
        }
    }

    func read(_ count: Int, at offset: Int) throws(LogError) -> [UInt8] {
        precondition(!isDirect, "an array need not begin with a page")
        var bytes = [UInt8](repeating: 0, count: count)
        // Safety: reads no more than the array has room for.
        let result: Result<Int, LogError> = unsafe bytes.withUnsafeMutableBytes { buffer in
            do throws(LogError) {
                return unsafe .success(try read(into: buffer, at: offset))
            } catch {
                return .failure(error)
            }
        }
        bytes.removeSubrange(try result.get()...)
        return bytes
    }

    func read(into memory: UnsafeMutableRawBufferPointer, at offset: Int) throws(LogError) -> Int {
        var done = 0
        while done < memory.count {
            // Safety: reads no more than there is room for.
            let part = unsafe pread(
                descriptor, memory.baseAddress! + done, memory.count - done, offset + done)
            if part < 0, errno == EINTR { continue }
            guard part >= 0 else { throw LogError.system(path, offset: offset + done, "can't be read") }
            if part == 0 { break }
            done += part
            guard isDirect, !part.isMultiple(of: LogLimits.pageBytes) else { continue }
            // Only the end of a file is no whole page.
            if try offset + done == size() { break }
            errno = EIO
            throw LogError.system(path, offset: offset + done, "can't be read")
        }
        return done
    }

    func sync() throws(LogError) {
        guard fdatasync(descriptor) == 0 else { throw LogError.system(path, "can't be synced") }
    }

    func writeOut(_ range: Range<Int>) throws(LogError) {
        guard tollbook_write_out(descriptor, range.lowerBound, range.count) != 0 else { return }
        // A system that doesn't have the call leaves it to the sync. What failed on its way to the disk is
        // said only once, and here.
        guard errno == ENOSYS || errno == EINVAL else {
            throw LogError.system(path, offset: range.lowerBound, "can't be written")
        }
    }

    func yieldCache(_ range: Range<Int>) {
        // Advice: what the system makes of it changes nothing but how fast the file is read next.
        _ = posix_fadvise(descriptor, range.lowerBound, range.count, POSIX_FADV_DONTNEED)
    }

    func map(_ count: Int) throws(LogError) -> MappedBytes {
        let page = 4096
        let length = (count + page - 1) / page * page + page
        // Safety: the anonymous pages behind the file's are what a decoder may read beyond the end; the file
        // is put over the first of them, and the mapping owns all of it.
        guard let base = unsafe mmap(nil, length, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            unsafe base != MAP_FAILED
        else { throw LogError.system(path, "can't be mapped") }
        let mapping = unsafe Mapping(base: base, length: length)
        if count > 0 {
            let file = unsafe mmap(base, count, PROT_READ, MAP_SHARED | MAP_FIXED, descriptor, 0)
            guard unsafe file != MAP_FAILED else { throw LogError.system(path, "can't be mapped") }
        }
        return unsafe MappedBytes(base: UnsafeRawPointer(base), count: count, owner: mapping)
    }
}

/// Pages that are given back when it goes.
@safe
private final class Mapping: @unchecked Sendable {
    // Safety: the one owner of these pages; read-only.
    private let base: UnsafeMutableRawPointer
    private let length: Int

    @unsafe
    init(base: UnsafeMutableRawPointer, length: Int) {
        unsafe self.base = base
        self.length = length
    }

    deinit {
        // Safety: mapped by whoever made this object, unmapped here alone.
        unsafe _ = munmap(base, length)
    }
}

extension LogError {
    /// What the operating system said just now, in words.
    static func system(_ path: String, offset: Int? = nil, _ action: String) -> LogError {
        let code = Glibc.errno
        // Safety: the text is the library's own and is copied at once.
        let words = unsafe String(cString: strerror(code))
        switch code {
        case ENOSPC, EDQUOT:
            return LogError(
                .noSpace, path: path, offset: offset, errno: code,
                "\(action): \(words). Make room on this disk; what is acknowledged is safe, and readers go on."
            )
        case ENOENT:
            return LogError(
                .missing, path: path, offset: offset, errno: code, "\(action): \(words). Check the path.")
        case EACCES, EPERM, EROFS:
            return LogError(
                .system, path: path, offset: offset, errno: code,
                "\(action): \(words). Check who owns it and how it is mounted.")
        default:
            return LogError(
                .system, path: path, offset: offset, errno: code,
                "\(action): \(words). Check the disk and the system's log.")
        }
    }
}
