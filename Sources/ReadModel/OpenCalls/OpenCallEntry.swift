internal import Events
internal import Projections

/// What a row of `open_calls` says of one call, besides what is in its `states`: 32 bytes, the least
/// significant ones of each number first.
struct OpenCallEntry {
    let key: CallKey
    /// The earliest deadline of what is open in the call; the end of time where it is open no more.
    let deadline: Timestamp
    /// Whether `states` has only what came of its packed facts behind the entry for it before this one.
    let isAddition: Bool
    /// How many bytes its packed facts take there.
    let stateBytes: Int
    /// How many bytes of records follow them (see `OpenCallRecords`).
    let recordBytes: Int

    static let bytes = 32

    /// An addition has this bit of the number of its bytes.
    private static let additionBit: UInt64 = 1 << 31

    init(key: CallKey, deadline: Timestamp, isAddition: Bool, stateBytes: Int, recordBytes: Int) {
        precondition(stateBytes < Self.additionBit, "a call of 2 GiB")
        self.key = key
        self.deadline = deadline
        self.isAddition = isAddition
        self.stateBytes = stateBytes
        self.recordBytes = recordBytes
    }

    /// Of a call that is open no more.
    init(closed key: CallKey) {
        self.init(key: key, deadline: .last, isAddition: false, stateBytes: 0, recordBytes: 0)
    }

    /// The entry at an offset of a row's `calls`.
    init(_ bytes: RawSpan, at offset: Int) {
        precondition(offset + Self.bytes <= bytes.byteCount, "whole entries")
        // Safety: numbers, within the span, checked above.
        func number(_ place: Int) -> UInt64 {
            unsafe UInt64(
                littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: offset + place, as: UInt64.self))
        }
        key = CallKey(low: number(0), high: number(8))
        deadline = Timestamp(rawValue: Int64(bitPattern: number(16)))
        isAddition = number(24) & Self.additionBit != 0
        stateBytes = Int(number(24) & (Self.additionBit - 1))
        recordBytes = Int(number(24) >> 32)
    }

    /// Whether the call is open.
    var isOpen: Bool { isAddition || stateBytes > 0 }

    func append(to words: inout [UInt64]) {
        let counts = UInt64(stateBytes) | (isAddition ? Self.additionBit : 0) | UInt64(recordBytes) << 32
        words.append(key.low.littleEndian)
        words.append(key.high.littleEndian)
        words.append(UInt64(bitPattern: deadline.rawValue).littleEndian)
        words.append(counts.littleEndian)
    }
}

/// The records that an open call ever had, as they follow its packed facts: so that a restart need not look
/// for each of them.
enum OpenCallRecords {
    /// A record: its revision, the two halves of the hash of what it says, whether it stands, and its To tag
    /// behind the length of that.
    static func append(_ record: EarlierCall.Record, to bytes: inout [UInt8]) {
        LittleEndian.append(UInt64(bitPattern: record.revision), to: &bytes)
        LittleEndian.append(record.content?.low ?? 0, to: &bytes)
        LittleEndian.append(record.content?.high ?? 0, to: &bytes)
        bytes.append(record.content == nil ? 0 : 1)
        bytes.append(UInt8(truncatingIfNeeded: record.toTag.count))
        bytes.append(UInt8(truncatingIfNeeded: record.toTag.count >> 8))
        bytes.append(contentsOf: record.toTag)
    }

    /// - Returns: null where the bytes are no records.
    static func records(_ bytes: ArraySlice<UInt8>) -> [EarlierCall.Record]? {
        var records: [EarlierCall.Record] = []
        var rest = bytes
        while !rest.isEmpty {
            guard rest.count >= headBytes else { return nil }
            let start = rest.startIndex
            let length = Int(rest[start + 25]) | Int(rest[start + 26]) << 8
            guard rest.count >= headBytes + length else { return nil }
            let hash = RowHash(
                low: LittleEndian.number(rest, at: start + 8), high: LittleEndian.number(rest, at: start + 16)
            )
            records.append(
                EarlierCall.Record(
                    toTag: Array(rest[start + headBytes..<start + headBytes + length]),
                    revision: Int64(bitPattern: LittleEndian.number(rest, at: start)),
                    content: rest[start + 24] == 1 ? hash : nil))
            rest = rest.dropFirst(headBytes + length)
        }
        return records
    }

    private static let headBytes = 27
}

/// Numbers of eight bytes, the least significant one first.
enum LittleEndian {
    static func append(_ number: UInt64, to bytes: inout [UInt8]) {
        // Safety: the number's own bytes, copied during the call.
        unsafe withUnsafeBytes(of: number.littleEndian) { unsafe bytes.append(contentsOf: $0) }
    }

    static func number(_ bytes: ArraySlice<UInt8>, at index: Int) -> UInt64 {
        (0..<8).reduce(0) { $0 | UInt64(bytes[index + $1]) << (UInt64($1) * 8) }
    }
}
