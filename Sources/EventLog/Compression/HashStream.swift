internal import CXXHash

/// XXH3-64, with seed 0, of bytes that come piece by piece.
@safe
struct HashStream: ~Copyable {
    // Safety: made in init, given back in deinit, used by whoever owns this value.
    private let stream: OpaquePointer

    init() {
        guard let made = unsafe tollbook_xxh3_stream_make() else {
            preconditionFailure("there is memory for a hash")
        }
        unsafe stream = made
    }

    deinit {
        unsafe tollbook_xxh3_stream_free(stream)
    }

    /// - Parameter bytes: offsets that the window holds.
    mutating func add(_ window: SegmentWindow, _ bytes: Range<Int>) {
        precondition(bytes.lowerBound >= window.range.lowerBound)
        precondition(bytes.upperBound <= window.range.upperBound)
        // Safety: within the window, checked above.
        unsafe tollbook_xxh3_stream_add(
            stream, window.base + (bytes.lowerBound - window.range.lowerBound), bytes.count)
    }

    var digest: UInt64 { unsafe tollbook_xxh3_stream_digest(stream) }
}
