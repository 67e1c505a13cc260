internal import CXXHash

/// A call's key in memory: a keyed 128-bit hash of its Call-ID and From tag.
///
/// The key is made with a secret of the log's, so that nobody outside can choose Call-IDs that collide; no
/// record depends on its value or its order.
public struct CallKey: Hashable, Sendable {
    /// Two halves, each of which is as good as the other.
    public let low: UInt64
    public let high: UInt64

    @inlinable
    public init(low: UInt64, high: UInt64) {
        self.low = low
        self.high = high
    }

    @inlinable
    public static func == (left: CallKey, right: CallKey) -> Bool {
        left.low == right.low && left.high == right.high
    }

    /// The key of an event that has Call-ID and From tag.
    package init(_ view: borrowing EventView, in bytes: PaddedBytes, seed: UInt64) {
        let callID = view.text(.callID) ?? .empty
        let fromTag = view.text(.fromTag) ?? .empty
        if callID.isEscaped || fromTag.isEscaped {
            var resolved: [UInt8] = []
            JSONText.append(callID, in: bytes, to: &resolved)
            let middle = resolved.count
            JSONText.append(fromTag, in: bytes, to: &resolved)
            let padded = PaddedBuffer(copying: resolved)
            self.init(padded.bytes, callID: 0..<middle, fromTag: middle..<resolved.count, seed: seed)
        } else {
            self.init(
                bytes, callID: Int(callID.start)..<callID.end, fromTag: Int(fromTag.start)..<fromTag.end,
                seed: seed)
        }
    }

    /// The key of a call by its Call-ID and From tag as they are, escapes resolved.
    package init(callID: [UInt8], fromTag: [UInt8], seed: UInt64) {
        let padded = PaddedBuffer(copying: callID + fromTag)
        self.init(
            padded.bytes, callID: 0..<callID.count, fromTag: callID.count..<callID.count + fromTag.count,
            seed: seed)
    }

    private init(_ bytes: PaddedBytes, callID: Range<Int>, fromTag: Range<Int>, seed: UInt64) {
        // Safety: both ranges are checked by `pointer`, and the hash reads no more than it is told.
        let first = unsafe bytes.pointer(at: callID.lowerBound, to: callID.upperBound)
        let left = unsafe tollbook_xxh3_128(first.baseAddress, first.count, seed)
        let second = unsafe bytes.pointer(at: fromTag.lowerBound, to: fromTag.upperBound)
        let right = unsafe tollbook_xxh3_128(second.baseAddress, second.count, seed ^ left.low)
        low = right.low ^ (left.high &* 0x9E37_79B9_7F4A_7C15)
        high = right.high ^ left.low
    }
}
