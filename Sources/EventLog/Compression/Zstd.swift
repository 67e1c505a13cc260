internal import CZstd

/// Compresses blocks one after the other, each by itself.
@safe
struct ZstdCompressor: ~Copyable {
    // Safety: made in init, given back in deinit, used by whoever owns this value.
    private let context: OpaquePointer
    private var output: [UInt8] = []

    /// - Parameter level: from `CompressionOptions.levels`.
    init(level: Int) {
        guard let made = unsafe ZSTD_createCCtx() else { preconditionFailure("there is memory to compress") }
        unsafe context = made
        let result = unsafe ZSTD_CCtx_setParameter(made, ZSTD_c_compressionLevel, Int32(level))
        precondition(tollbook_zstd_length(result) >= 0, "a level that zstd knows")
    }

    deinit {
        unsafe ZSTD_freeCCtx(context)
    }

    /// - Returns: one zstd frame that says how long its content is.
    mutating func compress(
        _ window: SegmentWindow, _ bytes: Range<Int>, path: String
    ) throws(LogError) -> ArraySlice<UInt8> {
        precondition(bytes.lowerBound >= window.range.lowerBound)
        precondition(bytes.upperBound <= window.range.upperBound)
        let room = ZSTD_compressBound(bytes.count)
        if output.count < room { output = [UInt8](repeating: 0, count: room) }
        let start = unsafe window.base + (bytes.lowerBound - window.range.lowerBound)
        // Safety: reads within the window, checked above, and writes within the array.
        let result = unsafe output.withUnsafeMutableBytes { buffer in
            unsafe ZSTD_compress2(context, buffer.baseAddress, buffer.count, start, bytes.count)
        }
        let length = tollbook_zstd_length(result)
        guard length > 0 else {
            throw LogError(
                .system, path: path, offset: bytes.lowerBound,
                "zstd can't compress this: \(Zstd.reason(result)). The segment stays as it is, and is whole.")
        }
        return output[..<length]
    }
}

/// Unpacks blocks.
@safe
struct ZstdDecompressor: ~Copyable {
    // Safety: made in init, given back in deinit, used by whoever owns this value.
    private let context: OpaquePointer

    init() {
        guard let made = unsafe ZSTD_createDCtx() else { preconditionFailure("there is memory to unpack") }
        unsafe context = made
    }

    deinit {
        unsafe ZSTD_freeDCtx(context)
    }

    /// Unpacks one frame to exactly `count` bytes.
    ///
    /// - Parameter target: room for as many.
    /// - Returns: what is wrong with it; null where all is well.
    @unsafe
    mutating func unpack(
        _ source: UnsafeRawPointer, bytes: Int, to target: UnsafeMutableRawPointer, count: Int
    ) -> String? {
        // Safety: both stretches are the caller's.
        let result = unsafe ZSTD_decompressDCtx(context, target, count, source, bytes)
        let length = tollbook_zstd_length(result)
        if length == count { return nil }
        return length < 0
            ? "zstd says: \(Zstd.reason(result))" : "it holds \(length) bytes where \(count) are due"
    }
}

private enum Zstd {
    static func reason(_ result: Int) -> String {
        // Safety: the text is the library's own, ends in a zero, and is copied at once.
        unsafe String(cString: tollbook_zstd_reason(result))
    }
}
