internal import CLinux
internal import Glibc

/// The files of a POSIX system.
package struct DiskStorage: Storage {
    // Safety: a path is lent to the C library for the length of a call.

    package init() {}

    package func entries(of directory: String) throws(LogError) -> [String]? {
        guard let stream = unsafe opendir(directory) else {
            if errno == ENOENT { return nil }
            throw LogError.system(directory, "can't be listed")
        }
        // Safety: closed below, read by this function alone; a name ends in a zero.
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                unsafe String(cString: UnsafeRawPointer(tuple).assumingMemoryBound(to: CChar.self))
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    package func makeDirectory(_ path: String) throws(LogError) {
        guard unsafe mkdir(path, 0o750) == 0 || errno == EEXIST else {
            throw LogError.system(path, "can't be made")
        }
        try syncDirectory(Self.parent(of: path))
    }

    package func open(_ path: String, _ mode: StorageMode) throws(LogError) -> any StorageFile {
        if mode == .readPages || mode == .writePages,
            let file = try openDirect(path, isWritable: mode == .writePages)
        {
            return file
        }
        let flags =
            switch mode {
            case .read, .readPages: O_RDONLY
            case .write, .writePages: O_RDWR
            case .make: O_RDWR | O_CREAT | O_TRUNC
            }
        let descriptor = unsafe Glibc.open(path, flags | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw LogError.system(path, "can't be opened") }
        return DiskFile(path: path, descriptor: descriptor)
    }

    /// Null where the file system can't go past its cache, or only with other pages than ours, or the file
    /// doesn't end with a page; and where the file can't be opened at all, which is said by who opens it
    /// next.
    ///
    /// - Throws: what else keeps the first page from being read.
    private func openDirect(_ path: String, isWritable: Bool) throws(LogError) -> DiskFile? {
        let descriptor = unsafe tollbook_open_direct(path, isWritable ? 1 : 0)
        guard descriptor >= 0 else { return nil }
        let file = DiskFile(path: path, descriptor: descriptor, isDirect: true)
        let page = BlockBuffer(capacity: LogLimits.pageBytes)
        // Safety: the buffer is this function's own.
        let memory = unsafe UnsafeMutableRawBufferPointer(start: page.base, count: page.capacity)
        guard try file.size().isMultiple(of: LogLimits.pageBytes) else { return nil }
        do throws(LogError) {
            _ = try unsafe file.read(into: memory, at: 0)
        } catch {
            guard error.errno == EINVAL || error.errno == EOPNOTSUPP else { throw error }
            return nil
        }
        return file
    }

    package func rename(_ path: String, to target: String) throws(LogError) {
        guard unsafe Glibc.rename(path, target) == 0 else { throw LogError.system(path, "can't be renamed") }
    }

    package func remove(_ path: String) throws(LogError) {
        guard unsafe unlink(path) == 0 else { throw LogError.system(path, "can't be removed") }
    }

    package func syncDirectory(_ path: String) throws(LogError) {
        let descriptor = unsafe Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw LogError.system(path, "can't be opened") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw LogError.system(path, "can't be synced") }
    }

    package func room(at directory: String) -> DiskRoom? { DiskRoom(at: directory) }

    package func lock(_ path: String) throws(LogError) -> any StorageLock {
        let descriptor = unsafe Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw LogError.system(path, "can't be opened") }
        let lock = DiskLock(descriptor: descriptor)
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            guard errno == EWOULDBLOCK else { throw LogError.system(path, "can't be locked") }
            let holder = lock.holder.map { "process \($0)" } ?? "another process"
            throw LogError(
                .locked, path: path, errno: EWOULDBLOCK,
                "\(holder) has this log open for writing. Stop it, or use another data directory.")
        }
        lock.state()
        return lock
    }

    static func parent(of path: String) -> String {
        var trimmed = Substring(path)
        while trimmed.count > 1, trimmed.hasSuffix("/") { trimmed.removeLast() }
        guard let slash = trimmed.lastIndex(of: "/") else { return "." }
        return slash == trimmed.startIndex ? "/" : String(trimmed[..<slash])
    }
}

/// An advisory lock that the system takes back when the process ends, however it ends.
private final class DiskLock: StorageLock {
    private let descriptor: Int32

    init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    deinit {
        close(descriptor)
    }

    /// Who wrote itself into the file.
    var holder: Int? {
        var text = [UInt8](repeating: 0, count: 32)
        // Safety: reads no more than the array holds.
        let count = unsafe pread(descriptor, &text, text.count, 0)
        guard count > 0 else { return nil }
        return Int(String(decoding: text[..<count].prefix { $0 != 0x0A }, as: UTF8.self))
    }

    /// Writes this process into the file, for people; the lock itself doesn't need it.
    func state() {
        let text = Array("\(getpid())\n".utf8)
        guard ftruncate(descriptor, 0) == 0 else { return }
        // Safety: writes what the array holds.
        unsafe _ = pwrite(descriptor, text, text.count, 0)
    }
}
