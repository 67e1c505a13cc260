internal import Events
internal import Glibc

/// Reads headers, and remembers the last batch's: that of the next batch of the same source differs from it
/// in the digits of `first_seq` and nothing else, nearly always, and then need not be taken apart again.
///
/// What is remembered is a header that was read whole and found in order, which names `first_seq` once and
/// escapes nothing, so that its digits can stand for nothing else. Any other is read as if nothing was
/// remembered.
struct BatchHeaderMemo {
    private var before: [UInt8] = []
    private var behind: [UInt8] = []
    private var origin = SourceEpoch(source: .ledger, epoch: Epoch(rawValue: 1))
    private var count = 0

    /// Beyond so many digits a number might be greater than any sequence number.
    private static let digitsMax = 18
    private static let name = Array("first_seq".utf8)

    init() {
        before.reserveCapacity(Limits.headerBytesMax)
        behind.reserveCapacity(Limits.headerBytesMax)
    }

    /// What `Request.read` says of the header.
    mutating func read(_ bytes: borrowing Span<UInt8>) throws(Refusal) -> Request {
        if let first = remembered(bytes) {
            return .batch(origin, first: SequenceNumber(rawValue: first), count: count)
        }
        let request = try Request.read(bytes)
        if case .batch(let origin, let first, let count) = request {
            remember(bytes, origin, first.rawValue, count)
        }
        return request
    }

    /// The numbers of a batch, where its header is the one before but for the first of them.
    func batch(_ bytes: borrowing Span<UInt8>) -> (first: SequenceNumber, count: Int)? {
        guard let first = remembered(bytes) else { return nil }
        return (SequenceNumber(rawValue: first), count)
    }

    /// The number, where the header is the one before but for it.
    func remembered(_ bytes: borrowing Span<UInt8>) -> Int64? {
        let start = before.count
        let digits = bytes.count - start - behind.count
        guard start > 0, (1...Self.digitsMax).contains(digits), Self.isEqual(before, bytes, at: 0),
            Self.isEqual(behind, bytes, at: start + digits)
        else { return nil }
        return Self.number(bytes, start..<(start + digits))
    }

    private mutating func remember(
        _ bytes: borrowing Span<UInt8>, _ origin: SourceEpoch, _ first: Int64, _ count: Int
    ) {
        before.removeAll(keepingCapacity: true)
        behind.removeAll(keepingCapacity: true)
        guard let digits = Self.place(bytes), Self.number(bytes, digits) == first else { return }
        for index in 0..<digits.lowerBound { before.append(bytes[index]) }
        for index in digits.upperBound..<bytes.count { behind.append(bytes[index]) }
        self.origin = origin
        self.count = count
    }

    /// Where the digits behind the name stand; null where the name does not stand there once, or anything is
    /// escaped.
    private static func place(_ bytes: borrowing Span<UInt8>) -> Range<Int>? {
        var found: Int?
        for index in bytes.indices {
            if bytes[index] == UInt8(ascii: "\\") { return nil }
            guard bytes[index] == name[0], isEqual(name, bytes, at: index) else { continue }
            if found != nil { return nil }
            found = index + name.count
        }
        guard let found, found + 2 < bytes.count, bytes[found] == UInt8(ascii: "\""),
            bytes[found + 1] == UInt8(ascii: ":")
        else { return nil }
        var end = found + 2
        while end < bytes.count, bytes[end] &- 0x30 < 10 { end += 1 }
        return end - found - 2 <= digitsMax ? (found + 2)..<end : nil
    }

    /// A number above 0 without leading zeros; null where something else stands there.
    private static func number(_ bytes: borrowing Span<UInt8>, _ range: Range<Int>) -> Int64? {
        guard !range.isEmpty, bytes[range.lowerBound] != UInt8(ascii: "0") else { return nil }
        var value: Int64 = 0
        for index in range {
            let digit = bytes[index] &- 0x30
            guard digit < 10 else { return nil }
            value = value * 10 + Int64(digit)
        }
        return value
    }

    @inline(__always)
    private static func isEqual(_ text: [UInt8], _ bytes: borrowing Span<UInt8>, at start: Int) -> Bool {
        guard start + text.count <= bytes.count else { return false }
        let piece = bytes.extracting(start..<(start + text.count))
        // Safety: both have as many bytes as are compared, and are read during the call only.
        return unsafe piece.withUnsafeBufferPointer { piece in
            unsafe text.withUnsafeBufferPointer { text in
                guard let left = text.baseAddress, let right = piece.baseAddress else { return true }
                return unsafe memcmp(left, right, text.count) == 0
            }
        }
    }
}
