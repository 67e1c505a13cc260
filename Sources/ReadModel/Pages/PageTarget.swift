/// Where the pages of b-trees that are filled past SQLite go: a file, or memory.
protocol PageTarget: AnyObject {
    /// The number that the next page will get.
    var next: PageNumber { get }

    /// The number that the page behind that one will get.
    func following(_ page: PageNumber) -> PageNumber

    /// Appends a page of `PageBuilder.bytes`.
    @unsafe
    func append(_ page: UnsafeRawPointer) throws -> PageNumber

    /// Writes a page that is there already.
    @unsafe
    func overwrite(_ page: UnsafeRawPointer, at number: PageNumber) throws
}

extension PageTarget {
    /// Appends what did not fit into a cell, as a chain of pages; returns the first
    /// (SQLite database file format, section 1.7).
    @unsafe
    func appendOverflow(_ bytes: UnsafeRawBufferPointer) throws -> PageNumber {
        let first = next
        var page = [UInt8](repeating: 0, count: PageBuilder.bytes)
        var done = 0
        while done < bytes.count {
            let count = min(bytes.count - done, PageBuilder.bytes - 4)
            let isLast = done + count == bytes.count
            let link = isLast ? 0 : following(next).rawValue
            // Safety: four bytes and at most the rest of a page, which is lent for the call.
            try unsafe page.withUnsafeMutableBytes { page in
                let base = unsafe page.baseAddress.unsafelyUnwrapped
                unsafe base.storeBytes(of: link.bigEndian, as: UInt32.self)
                unsafe (base + 4).copyMemory(
                    from: bytes.baseAddress.unsafelyUnwrapped + done, byteCount: count)
                unsafe (base + 4 + count).initializeMemory(
                    as: UInt8.self, repeating: 0, count: PageBuilder.bytes - 4 - count)
                _ = try unsafe append(base)
            }
            done += count
        }
        return first
    }
}
