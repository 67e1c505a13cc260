internal import Events

/// Fills cells of a row into memory that was taken for all of them at once: a record has dozens, and asking
/// for room cell by cell costs more than the cells.
@safe
struct RowFiller: ~Copyable {
    // Safety: `RowBatch.fill` lends both for as long as the filler lives; each store is checked against the
    // room.
    private let cells: UnsafeMutablePointer<RowBatch.Cell>
    private let text: UnsafeMutablePointer<UInt8>
    private let cellsMax: Int
    private let textMax: Int
    /// Where the text begins within the batch's.
    private let textStart: Int
    private(set) var cellCount = 0
    private(set) var textCount = 0

    @unsafe
    init(
        cells: UnsafeMutableBufferPointer<RowBatch.Cell>, text: UnsafeMutableBufferPointer<UInt8>,
        textStart: Int
    ) {
        // Safety: there is room for something in either, so that there is an address.
        unsafe self.cells = cells.baseAddress.unsafelyUnwrapped
        unsafe self.text = text.baseAddress.unsafelyUnwrapped
        (cellsMax, textMax) = (cells.count, text.count)
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

    @unsafe
    @inline(__always)
    private mutating func append(_ bytes: UnsafePointer<UInt8>?, count: Int) {
        precondition(count <= textMax &- textCount, "a row has more text than room was made for")
        put(.text(start: Int32(textStart &+ textCount), length: Int32(count)))
        guard let bytes = unsafe bytes else { return }
        // Safety: the room was checked; the batch's memory is not what is copied from.
        unsafe (text + textCount).update(from: bytes, count: count)
        textCount &+= count
    }

    /// A slice of the fold's bytes.
    mutating func append(_ slice: TextSlice?, in bytes: [UInt8]) {
        guard let slice else { return null() }
        precondition(slice.range.upperBound <= bytes.count)
        // Safety: the slice lies within the bytes, as checked above, which are lent for the call.
        unsafe bytes.withUnsafeBufferPointer {
            unsafe append($0.baseAddress.map { unsafe $0 + Int(slice.start) }, count: Int(slice.length))
        }
    }

    mutating func append(_ bytes: [UInt8]) {
        // Safety: lent for the call.
        unsafe bytes.withUnsafeBufferPointer { unsafe append($0.baseAddress, count: $0.count) }
    }

    mutating func word(_ value: String) {
        // Safety: lent for the call.
        unsafe value.utf8.span.withUnsafeBufferPointer { unsafe append($0.baseAddress, count: $0.count) }
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
