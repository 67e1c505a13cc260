package import Events

/// Rows to be written, in order: what the folds conclude and a database has yet to hear. Texts of all rows
/// lie in one piece, so that a batch is filled, handed to another thread and written without an allocation
/// for each row.
package struct RowBatch: Sendable {
    package enum Operation: UInt8, Sendable, CaseIterable {
        /// A record: all columns of `CallRecord.columns` and `LegTimer.columns`.
        case insertRecord
        case replaceRecord
        /// A record becomes an old revision: callid, from_tag, to_tag, position of the event, withdrawn or
        /// not.
        case supersede
        /// The columns of an old revision.
        case insertRevision
        /// callid, from_tag, to_tag.
        case deleteRecord
        /// The columns of a finding.
        case insertFinding
        /// callid, from_tag.
        case deleteFindings
        /// User agent, code, severity, findings and calls that were added.
        case addFindings
        /// The number of a row, what it says of calls that are open, and their packed facts.
        case keepOpenCalls
        /// Marks of calls that have a record, and the number of the row.
        case keepMarks
        /// The number of a row: all before it can go.
        case dropOpenCalls
        /// A bucket, and by how much each counter of `TimerStatistics` changes.
        case addByHour, addBySource, addByUserAgent
        /// The columns of the table: a source's account, a gap, a policy, the number of a source's epoch, a
        /// fact about the whole.
        case setSource, setGap, insertPolicy, insertSourceEpoch, setMeta
    }

    package enum Cell: Sendable {
        case null
        case integer(Int64)
        /// A range of the batch's text.
        case text(start: Int32, length: Int32)
        /// The same, not to be read as text.
        case blob(start: Int32, length: Int32)
    }

    package struct Row: Sendable {
        package let operation: Operation
        package let cells: Range<Int>
    }

    package private(set) var rows: [Row] = []
    package internal(set) var cells: [Cell] = []
    package internal(set) var text: [UInt8] = []
    private var firstCell = 0

    package init() {}

    package var isEmpty: Bool { rows.isEmpty }
    /// Bytes that the batch's texts take: what bounds a batch.
    package var textBytes: Int { text.count }

    package mutating func removeAll() {
        rows.removeAll(keepingCapacity: true)
        cells.removeAll(keepingCapacity: true)
        text.removeAll(keepingCapacity: true)
        firstCell = 0
    }

    package mutating func end(_ operation: Operation) {
        rows.append(Row(operation: operation, cells: firstCell..<cells.count))
        firstCell = cells.count
    }

    /// Where the row that is being filled begins and how far its texts reach.
    var place: (cells: Int, text: Int) { (cells.count, text.count) }

    /// Forgets what was appended to the row since then.
    mutating func goBack(to place: (cells: Int, text: Int)) {
        cells.removeLast(cells.count - place.cells)
        text.removeLast(text.count - place.text)
    }

    /// The cells of the row that is being filled.
    var openCells: ArraySlice<Cell> { cells[firstCell...] }

    package mutating func null() { cells.append(.null) }
    package mutating func integer(_ value: Int64) { cells.append(.integer(value)) }

    package mutating func integer(orNull value: Int64?) {
        cells.append(value.map { .integer($0) } ?? .null)
    }

    package mutating func time(_ value: Timestamp?) { integer(orNull: value?.rawValue) }

    package mutating func append(_ bytes: [UInt8]) {
        append(bytes[...])
    }

    package mutating func append(_ bytes: ArraySlice<UInt8>) {
        cells.append(.text(start: Int32(text.count), length: Int32(bytes.count)))
        text.append(contentsOf: bytes)
    }

    package mutating func append(_ slice: TextSlice?, in bytes: [UInt8]) {
        guard let slice else { return null() }
        cells.append(.text(start: Int32(text.count), length: slice.length))
        // Safety: a slice lies within its fold's bytes; checked by the slicing.
        unsafe bytes.withUnsafeBufferPointer { source in
            unsafe text.append(contentsOf: UnsafeBufferPointer(rebasing: source[slice.range]))
        }
    }

    package mutating func blob(_ bytes: ArraySlice<UInt8>) {
        cells.append(.blob(start: Int32(text.count), length: Int32(bytes.count)))
        text.append(contentsOf: bytes)
    }

    /// Bytes that come one after the other, in the machine's order.
    package mutating func blob(_ words: [UInt64]) {
        cells.append(.blob(start: Int32(text.count), length: Int32(words.count * 8)))
        // Safety: the array's own bytes, copied during the call.
        unsafe words.withUnsafeBytes { unsafe text.append(contentsOf: $0) }
    }

    /// A stretch of the batch's text that was appended before.
    package mutating func blob(_ range: Range<Int>) {
        precondition(range.upperBound <= text.count, "text of this batch")
        cells.append(.blob(start: Int32(range.lowerBound), length: Int32(range.count)))
    }

    /// Appends text that a cell is made of later, before the batch is handed over.
    package mutating func appendText(_ body: (inout [UInt8]) -> Void) { body(&text) }

    package mutating func word(_ value: String) {
        // Safety: the string's bytes are lent for the call.
        unsafe value.utf8.span.withUnsafeBufferPointer {
            cells.append(.text(start: Int32(text.count), length: Int32($0.count)))
            unsafe text.append(contentsOf: $0)
        }
    }

    /// A hash of the last so many columns of the row that is being filled: two rows are the same if theirs
    /// is.
    package func contentHash(first column: Int, count: Int) -> RowHash {
        // Safety: read during the call only; the ranges are the batch's own.
        unsafe text.withUnsafeBufferPointer { text in
            var hash = RowHash()
            for index in firstCell + column..<firstCell + column + count {
                switch cells[index] {
                case .null: hash.null()
                case .integer(let value): hash.integer(value)
                case .text(let start, let length), .blob(let start, let length):
                    unsafe hash.text(
                        UnsafeBufferPointer(rebasing: text[Int(start)..<Int(start) + Int(length)]))
                }
            }
            return hash
        }
    }

    /// The hash that `hash(of:count:)` makes of a row that begins with these texts.
    package static func hash(of texts: [[UInt8]]) -> UInt64 {
        var hash = RowHash()
        // Safety: read during the call only.
        for text in texts { unsafe text.withUnsafeBufferPointer { unsafe hash.text($0) } }
        return hash.low
    }

    /// A hash of a row's first columns, which are texts.
    package func hash(of row: Row, count: Int) -> UInt64 {
        var hash = RowHash()
        // Safety: read during the call only; the ranges are the batch's own.
        unsafe text.withUnsafeBufferPointer { text in
            for cell in cells[row.cells].prefix(count) {
                guard case .text(let start, let length) = cell else { continue }
                unsafe hash.text(UnsafeBufferPointer(rebasing: text[Int(start)..<Int(start) + Int(length)]))
            }
        }
        return hash.low
    }
}

/// A hash over a row's values, column by column, wherever they come from.
///
/// It is kept in read models, of what records say and, by way of filters, of keys: whoever changes it raises
/// the version of their schema.
package struct RowHash: Hashable, Sendable {
    package private(set) var low: UInt64 = 0x243F_6A88_85A3_08D3
    package private(set) var high: UInt64 = 0x1319_8A2E_0370_7344

    package init() {}

    /// One that was kept.
    package init(low: UInt64, high: UInt64) {
        (self.low, self.high) = (low, high)
    }

    package mutating func null() { mix(0, 1) }
    package mutating func integer(_ value: Int64) { mix(UInt64(bitPattern: value), 2) }

    /// Sixteen bytes at a time; of what is left, which may be less, two words that overlap. The length comes
    /// last, so that no two rows of the same columns are told to the hash in the same way.
    @inline(__always)
    package mutating func text(_ bytes: UnsafeBufferPointer<UInt8>) {
        guard let base = unsafe UnsafeRawPointer(bytes.baseAddress) else { return mix(0, 3) }
        var offset = 0
        // Safety: no byte at `bytes.count` or behind it is read.
        while bytes.count &- offset > 16 {
            unsafe mix(Self.word(base + offset), Self.word(base + (offset &+ 8)))
            offset &+= 16
        }
        let rest = bytes.count &- offset
        if rest >= 8 {
            unsafe mix(Self.word(base + offset), Self.word(base + (bytes.count &- 8)))
        } else if rest >= 4 {
            unsafe mix(Self.halfWord(base + offset), Self.halfWord(base + (bytes.count &- 4)))
        } else if rest > 0 {
            let first = unsafe UInt64(bytes[offset]) << 16 | UInt64(bytes[offset &+ rest / 2]) << 8
            mix(first | UInt64(unsafe bytes[bytes.count &- 1]), 0)
        }
        mix(UInt64(bytes.count), 3)
    }

    @unsafe
    @inline(__always)
    private static func word(_ start: UnsafeRawPointer) -> UInt64 {
        // Safety: the caller has eight bytes there.
        unsafe start.loadUnaligned(as: UInt64.self)
    }

    @unsafe
    @inline(__always)
    private static func halfWord(_ start: UnsafeRawPointer) -> UInt64 {
        // Safety: the caller has four bytes there.
        unsafe UInt64(start.loadUnaligned(as: UInt32.self))
    }

    @inline(__always)
    private mutating func mix(_ first: UInt64, _ second: UInt64) {
        let (productHigh, productLow) = (low ^ first ^ 0x9E37_79B9_7F4A_7C15)
            .multipliedFullWidth(by: (high &+ second) | 1)
        low = productHigh ^ productLow ^ first
        high = high.rotated(by: 23) &+ second &+ productLow
    }
}

extension UInt64 {
    fileprivate func rotated(by count: UInt64) -> UInt64 { self << count | self >> (64 - count) }
}

extension RowBatch {
    /// Ends a row, and puts a `supersede` before it: its cells were filled first, because what they say
    /// decides whether there is an old revision to keep.
    mutating func endBehind(_ operation: Operation, supersede: (inout RowBatch) -> Void) {
        let body = firstCell..<cells.count
        firstCell = cells.count
        supersede(&self)
        end(.supersede)
        rows.append(Row(operation: operation, cells: body))
    }
}
