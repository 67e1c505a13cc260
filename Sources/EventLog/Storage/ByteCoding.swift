internal import CXXHash

/// Lays little-endian numbers one behind the other.
struct ByteWriter {
    private(set) var bytes: [UInt8] = []

    /// Makes room for so many bytes more.
    mutating func reserve(_ count: Int) {
        bytes.reserveCapacity(bytes.count + count)
    }

    mutating func put<Number: FixedWidthInteger>(_ number: Number) {
        // Safety: the bytes of a number, copied during the call.
        unsafe withUnsafeBytes(of: number.littleEndian) { unsafe bytes.append(contentsOf: $0) }
    }

    mutating func put(_ more: some Sequence<UInt8>) {
        bytes.append(contentsOf: more)
    }

    /// Lays bytes over some that are there.
    mutating func replace(at offset: Int, with other: [UInt8]) {
        bytes.replaceSubrange(offset..<offset + other.count, with: other)
    }

    /// Zeros up to a length.
    mutating func pad(to count: Int) {
        precondition(count >= bytes.count, "room for what is there")
        bytes.append(contentsOf: repeatElement(0, count: count - bytes.count))
    }

    /// Zeros up to the next multiple of eight.
    mutating func align() {
        pad(to: (bytes.count + 7) & ~7)
    }

    mutating func align4() {
        pad(to: (bytes.count + 3) & ~3)
    }
}

/// Takes little-endian numbers one after the other. What lies beyond the end is 0: hold the length or a
/// checksum against what they ought to be.
struct ByteReader {
    private let bytes: [UInt8]
    private(set) var offset = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    mutating func take<Number: FixedWidthInteger>(_ type: Number.Type = Number.self) -> Number {
        let width = Number.bitWidth / 8
        guard offset + width <= bytes.count else {
            offset += width
            return 0
        }
        var number: Number = 0
        for index in (0..<width).reversed() {
            // In two steps: a byte can't be shifted by its own width.
            number = (number << 7) << 1 | Number(truncatingIfNeeded: bytes[offset + index])
        }
        offset += width
        return number
    }
}

extension [UInt8] {
    /// - Parameter start: what lies before isn't hashed.
    func xxh3(from start: Int = 0, seed: UInt64 = 0) -> UInt64 {
        // Safety: the hash reads what the array holds, behind `start`.
        unsafe self[start...].withUnsafeBytes { buffer in
            unsafe tollbook_xxh3_64(buffer.baseAddress, buffer.count, seed)
        }
    }
}
