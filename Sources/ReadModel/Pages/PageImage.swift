internal import GRDBSQLite

/// A database in memory that is filled page by page behind what SQLite has made of it, and then handed to
/// SQLite to be read as it lies.
@safe
final class PageImage: PageTarget {
    // Safety: memory of SQLite's with `capacity` bytes, this object's own from `begin` or `giveBack` until
    // `take` gives it away; every page written lies below `pageCount`, and that within the capacity.
    private var base: UnsafeMutableRawPointer?
    private var capacity = 0
    private var pageCount = 0
    /// What each image begins with: schema and empty roots.
    private let template: [UInt8]

    /// - Parameter template: a database as `sqlite3_serialize` gives it out.
    init(template: [UInt8]) {
        precondition(template.count >= PageBuilder.bytes && template.count % PageBuilder.bytes == 0)
        self.template = template
    }

    deinit {
        // Safety: this object's own.
        unsafe sqlite3_free(base)
    }

    var byteCount: Int { pageCount * PageBuilder.bytes }
    var next: PageNumber { PageNumber(rawValue: UInt32(pageCount) + 1) }

    func following(_ page: PageNumber) -> PageNumber { PageNumber(rawValue: page.rawValue + 1) }

    /// Begins an image.
    func begin() throws {
        if unsafe base == nil {
            capacity = max(ReadModelLimits.imageBytesMin, template.count)
            unsafe base = try Self.memory(nil, capacity)
        }
        guard let base = unsafe base else { return }
        // Safety: the capacity is no less than the template.
        unsafe template.withUnsafeBytes {
            unsafe base.copyMemory(from: $0.baseAddress.unsafelyUnwrapped, byteCount: $0.count)
        }
        pageCount = template.count / PageBuilder.bytes
    }

    @unsafe
    func append(_ page: UnsafeRawPointer) throws -> PageNumber {
        if (pageCount + 1) * PageBuilder.bytes > capacity {
            unsafe base = try Self.memory(base, capacity * 2)
            capacity *= 2
        }
        pageCount += 1
        let number = PageNumber(rawValue: UInt32(pageCount))
        try unsafe overwrite(page, at: number)
        return number
    }

    @unsafe
    func overwrite(_ page: UnsafeRawPointer, at number: PageNumber) throws {
        precondition(number.rawValue >= 1 && Int(number.rawValue) <= pageCount, "a page of this image")
        guard let base = unsafe base else { preconditionFailure("begun") }
        // Safety: checked above.
        unsafe (base + (Int(number.rawValue) - 1) * PageBuilder.bytes)
            .copyMemory(from: page, byteCount: PageBuilder.bytes)
    }

    /// An image without anything but what SQLite has made.
    ///
    /// - Returns: memory of SQLite's, and how many bytes it has.
    @unsafe
    func empty() throws -> (memory: UnsafeMutablePointer<UInt8>, bytes: Int) {
        let memory = try unsafe Self.memory(nil, template.count)
        // Safety: memory of the template's size.
        unsafe template.withUnsafeBytes {
            unsafe memory.copyMemory(from: $0.baseAddress.unsafelyUnwrapped, byteCount: $0.count)
        }
        return unsafe (memory.assumingMemoryBound(to: UInt8.self), template.count)
    }

    /// A finished image, and all the memory that it lies in.
    @safe
    struct Finished {
        // Safety: SQLite's memory with `capacity` bytes. Whoever has taken the image owns it, and gives it
        // back once or never.
        let memory: UnsafeMutableRawPointer
        let capacity: Int
        /// How many bytes of it are the database.
        let bytes: Int
    }

    /// Ends the image and gives its memory away.
    func take() -> Finished {
        guard let base = unsafe base else { preconditionFailure("begun") }
        // Safety: the header lies within the first page (SQLite database file format, section 1.3): change
        // counter, size in pages, version that the size is valid for.
        unsafe base.storeBytes(of: UInt32(1).bigEndian, toByteOffset: 24, as: UInt32.self)
        unsafe base.storeBytes(of: UInt32(pageCount).bigEndian, toByteOffset: 28, as: UInt32.self)
        unsafe base.storeBytes(of: UInt32(1).bigEndian, toByteOffset: 92, as: UInt32.self)
        let finished = unsafe Finished(memory: base, capacity: capacity, bytes: byteCount)
        unsafe self.base = nil
        pageCount = 0
        return finished
    }

    /// Takes the memory of an image back that nobody reads any more. The next one is made in it, unless it is
    /// too large to be kept: memory that the system has to find anew, and to clear, costs as much as all that
    /// is laid there.
    func giveBack(_ image: Finished) {
        guard unsafe base == nil, image.capacity <= ReadModelLimits.imageBytesKeptMax else {
            // Safety: nobody else has it.
            unsafe sqlite3_free(image.memory)
            return
        }
        unsafe base = image.memory
        capacity = image.capacity
    }

    @unsafe
    private static func memory(_ old: UnsafeMutableRawPointer?, _ bytes: Int) throws
        -> UnsafeMutableRawPointer
    {
        // Safety: SQLite's own memory; the old stays as it is where there is none.
        guard let memory = unsafe sqlite3_realloc64(old, UInt64(bytes)) else {
            throw ReadModelError(.database, "there is no memory for \(bytes) bytes of new records")
        }
        return unsafe memory
    }
}
