/// Comparing the texts of calls as bytes, eight at a time: most of them differ early or not at all.
enum TextBytes {
    /// Whether so many bytes are the same.
    @unsafe
    @inline(__always)
    static func areEqual(
        _ left: UnsafePointer<UInt8>, _ right: UnsafePointer<UInt8>, count: Int
    ) -> Bool {
        let (left, right) = unsafe (UnsafeRawPointer(left), UnsafeRawPointer(right))
        var offset = 0
        // Safety: no byte at `count` or behind it is read.
        while count &- offset >= 8 {
            let first = unsafe left.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            let second = unsafe right.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            if first != second { return false }
            offset &+= 8
        }
        while offset < count {
            let first = unsafe left.load(fromByteOffset: offset, as: UInt8.self)
            let second = unsafe right.load(fromByteOffset: offset, as: UInt8.self)
            if first != second { return false }
            offset &+= 1
        }
        return true
    }

    /// Whether a slice of these bytes is that text.
    static func areEqual(_ bytes: [UInt8], _ slice: TextSlice, _ text: [UInt8]) -> Bool {
        guard Int(slice.length) == text.count else { return false }
        precondition(slice.range.upperBound <= bytes.count)
        // Safety: both ranges were checked, and both arrays are lent for the call.
        return unsafe bytes.withUnsafeBufferPointer { bytes in
            unsafe text.withUnsafeBufferPointer { text in
                guard let start = bytes.baseAddress, let other = text.baseAddress else { return true }
                return unsafe areEqual(start + Int(slice.start), other, count: text.count)
            }
        }
    }

    /// Whether two slices of the same bytes hold the same text.
    static func areEqual(_ left: TextSlice, _ right: TextSlice, in bytes: [UInt8]) -> Bool {
        guard left.length == right.length else { return false }
        precondition(left.range.upperBound <= bytes.count && right.range.upperBound <= bytes.count)
        // Safety: both ranges were checked, and the array is lent for the call.
        return unsafe bytes.withUnsafeBufferPointer {
            guard let start = $0.baseAddress else { return true }
            return unsafe areEqual(
                start + Int(left.start), start + Int(right.start), count: Int(left.length))
        }
    }
}
