internal import EventLog
internal import Glibc
internal import Projections

/// A shelf in files without a name, beside the read model: the system writes them out, takes the memory that
/// they are in where it has none to spare, and reads them again when somebody looks. They are gone with the
/// process.
///
/// Nothing is synced: a page that the disk could not write is zeros when it is read again, and one that it
/// can't read ends the process.
///
/// One thread puts; what was put is read by any.
final class FileShelf: Shelf {
    private let path: String
    private let sheetBytes: Int
    private let roomMin: Int
    private let taken: (Int) -> Int
    /// The file that is being filled: its descriptor, where it is mapped, and how much of it is taken.
    private var descriptor: Int32 = -1
    private var sheet: Sheet?
    private var used = 0

    /// - Parameters:
    ///   - path: of a file beside which they are to be; null is made of an empty one, which is a database's
    ///     that has no place.
    ///   - roomMin: how many bytes of the disk are left free.
    ///   - taken: how many of so many bytes the disk may be given at once; 0 as if it were full.
    init?(
        beside path: String, sheetBytes: Int = ReadModelLimits.shelfSheetBytes,
        roomMin: Int = ReadModelLimits.shelfRoomMin,
        taken: @escaping (Int) -> Int = { $0 }
    ) {
        if path.isEmpty { return nil }
        self.path = path
        self.sheetBytes = sheetBytes
        self.roomMin = roomMin
        self.taken = taken
    }

    deinit { closeFile() }

    /// Null where the disk is nearly full.
    func put(_ bytes: UnsafeRawBufferPointer) -> ShelvedBytes? {
        if used + bytes.count > sheet?.count ?? 0 { begin(max(bytes.count, sheetBytes)) }
        // Safety: lent for this call; what was written stays as it is for as long as the sheet does.
        guard let sheet, hasRoom(for: bytes.count), unsafe writeAll(bytes) else {
            giveBack()
            return nil
        }
        defer { used += (bytes.count + 63) & ~63 }
        return unsafe ShelvedBytes(base: sheet.base + used, count: bytes.count, owner: sheet)
    }

    private func begin(_ count: Int) {
        closeFile()
        // `O_TMPFILE` would make none with a name at all, where the file system can: ZFS before 2.2 can't.
        var name = Array("\(path)-filters-XXXXXX".utf8CString)
        // Safety: ends with a zero, and is lent for the length of the call.
        descriptor = unsafe name.withUnsafeMutableBufferPointer { name in
            let descriptor = unsafe mkstemp(name.baseAddress.unsafelyUnwrapped)
            if descriptor >= 0 { unsafe unlink(name.baseAddress.unsafelyUnwrapped) }
            return descriptor
        }
        guard descriptor >= 0, fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0, ftruncate(descriptor, count) == 0
        else { return closeFile() }
        sheet = Sheet(descriptor, count)
    }

    /// Whether the log and the read model have room besides: what lies here must not be what intake stops
    /// for.
    private func hasRoom(for bytes: Int) -> Bool {
        DiskRoom(of: descriptor)?.holds(bytes + roomMin) ?? false
    }

    /// Leaves the disk what was taken of it in vain.
    private func giveBack() {
        if descriptor >= 0 { ftruncate(descriptor, used) }
        closeFile()
    }

    /// What is mapped stays.
    private func closeFile() {
        if descriptor >= 0 { close(descriptor) }
        (descriptor, sheet, used) = (-1, nil, 0)
    }

    @unsafe
    private func writeAll(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var done = 0
        while done < bytes.count {
            let count = taken(bytes.count - done)
            if count == 0 { return false }
            // Safety: within the bytes, which are lent for the call.
            let written = unsafe pwrite(
                descriptor, bytes.baseAddress.unsafelyUnwrapped + done, count, used + done)
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { return false }
            done += written
        }
        return true
    }
}

/// A file in memory, for as long as this object lives.
@safe
private final class Sheet: Sendable {
    // Safety: mapped in init, unmapped in deinit, read only. The file has no name, so that nobody makes it
    // shorter than what was put there, and nothing is read of it before it was written.
    nonisolated(unsafe) let base: UnsafeRawPointer
    let count: Int

    init?(_ descriptor: Int32, _ count: Int) {
        // Safety: a mapping of its own.
        let mapping = unsafe mmap(nil, count, PROT_READ, MAP_SHARED, descriptor, 0)
        guard let start = unsafe mapping, unsafe start != MAP_FAILED else { return nil }
        unsafe base = UnsafeRawPointer(start)
        self.count = count
    }

    deinit {
        // Safety: mapped in init.
        unsafe munmap(UnsafeMutableRawPointer(mutating: base), count)
    }
}
