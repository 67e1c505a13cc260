/// A place for bytes that are written once and only read from then on, and that need not be in memory: there
/// are more of them with each call that ever was.
package protocol Shelf: AnyObject {
    /// Takes a copy.
    ///
    /// - Returns: null where there is no room: whoever asked keeps what it has.
    @unsafe
    func put(_ bytes: UnsafeRawBufferPointer) -> ShelvedBytes?
}

/// Whole words that lie on a shelf, from where a line of the processor's cache begins. What the shelf has
/// lost is zero.
@safe
package final class ShelvedBytes: Sendable {
    // Safety: `owner` keeps the bytes there; nobody writes any more.
    package nonisolated(unsafe) let words: UnsafePointer<UInt64>
    private let owner: any AnyObject & Sendable

    /// - Parameters:
    ///   - base: readable for as long as `owner` lives.
    ///   - count: of the bytes.
    @unsafe
    package init(base: UnsafeRawPointer, count: Int, owner: any AnyObject & Sendable) {
        unsafe words = base.bindMemory(to: UInt64.self, capacity: count / 8)
        self.owner = owner
    }
}
