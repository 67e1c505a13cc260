internal import Events

/// Fills cells of a row into memory that was taken for all of them at once: a record has dozens, and asking
/// for room cell by cell costs more than the cells.
@safe
struct RowFiller: ~Copyable {
    // Safety: `RowBatch.fill` lends it for as long as the filler lives; each store is checked against the
    // room.
    private let cells: UnsafeMutablePointer<RowBatch.Cell>
    private let cellsMax: Int
    private(set) var cellCount = 0
    private var text: TextWriter
    /// Where the text begins within the batch's.
    private let textStart: Int

    var textCount: Int { text.count }

    @unsafe
    @inline(__always)
    init(
        cells: UnsafeMutableBufferPointer<RowBatch.Cell>, text: UnsafeMutableBufferPointer<UInt8>,
        textStart: Int
    ) {
        // Safety: there is room for something, so that there is an address.
        unsafe self.cells = cells.baseAddress.unsafelyUnwrapped
        cellsMax = cells.count
        self.text = unsafe TextWriter(text)
        self.textStart = textStart
    }

    @inline(__always)
    private mutating func put(_ cell: RowBatch.Cell) {
        precondition(cellCount < cellsMax, "a row has more cells than room was made for")
        // Safety: checked above.
        unsafe (cells + cellCount).initialize(to: cell)
        cellCount &+= 1
    }

    mutating func null() { put(.null) }
    mutating func integer(_ value: Int64) { put(.integer(value)) }
    mutating func integer(orNull value: Int64?) { put(value.map { .integer($0) } ?? .null) }
    mutating func time(_ value: Timestamp?) { integer(orNull: value?.rawValue) }

    /// - Parameter bytes: no part of the batch.
    @unsafe
    @inline(__always)
    mutating func append(_ bytes: UnsafeBufferPointer<UInt8>) {
        put(.text(start: Int32(textStart &+ text.count), length: Int32(bytes.count)))
        unsafe text.append(bytes)
    }

    /// - Parameter bytes: a fold's, of which this is a slice.
    @unsafe
    @inline(__always)
    mutating func append(_ slice: TextSlice?, in bytes: UnsafeBufferPointer<UInt8>) {
        guard let slice else { return null() }
        let (start, length) = (Int(slice.start), Int(slice.length))
        precondition(start >= 0 && length >= 0 && start &+ length <= bytes.count)
        // Safety: checked above.
        unsafe append(UnsafeBufferPointer(start: bytes.baseAddress.map { unsafe $0 + start }, count: length))
    }

    mutating func append(_ bytes: [UInt8]) {
        // Safety: lent for the call.
        unsafe bytes.withUnsafeBufferPointer { unsafe append($0) }
    }

    mutating func word(_ value: String) {
        // Safety: lent for the call.
        unsafe value.utf8.span.withUnsafeBufferPointer { unsafe append($0) }
    }
}

extension RowBatch {
    /// Fills cells of a row: so many at most, with so many bytes of text at most.
    mutating func fill(cells cellsMax: Int, textBytes textMax: Int, _ body: (inout RowFiller) -> Void) {
        Self.fill(&cells, cellsMax, &text, textMax, body)
    }

    private static func fill(
        _ cells: inout [Cell], _ cellsMax: Int, _ text: inout [UInt8], _ textMax: Int,
        _ body: (inout RowFiller) -> Void
    ) {
        let textStart = text.count
        cells.append(addingCapacity: cellsMax) { cells in
            text.append(addingCapacity: textMax) { text in
                // Safety: the filler initialises what it counts, from the start of either buffer, and does
                // not leave this closure.
                unsafe cells.withUnsafeMutableBufferPointer { cellBuffer, cellCount in
                    unsafe text.withUnsafeMutableBufferPointer { textBuffer, textCount in
                        var filler = unsafe RowFiller(
                            cells: cellBuffer, text: textBuffer, textStart: textStart)
                        body(&filler)
                        (cellCount, textCount) = (filler.cellCount, filler.textCount)
                    }
                }
            }
        }
    }
}
