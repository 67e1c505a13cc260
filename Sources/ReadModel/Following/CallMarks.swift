internal import Projections

/// The marks of calls that have a record, on their way into rows of `call_marks`: full rows once, and the one
/// that is being filled again and again.
struct CallMarks: ~Copyable {
    /// The number of the row that is being filled, and what it has.
    private var row: Int64
    private var bytes: [UInt8]
    private var hasChanged = false

    /// - Parameters:
    ///   - row: the number of the last row; 0 where there is none.
    ///   - bytes: what it has.
    init(row: Int64, bytes: [UInt8]) {
        (self.row, self.bytes) = (max(row, 1), bytes)
    }

    /// Puts marks into rows.
    ///
    /// - Parameter isCommitted: whether what is not full must be written as well.
    mutating func take(_ marks: [UInt64], into rows: inout RowBatch, isCommitted: Bool) {
        for mark in marks {
            if bytes.count >= ReadModelLimits.markBytesMax {
                flush(&rows)
                row += 1
                bytes.removeAll(keepingCapacity: true)
            }
            LittleEndian.append(mark, to: &bytes)
            hasChanged = true
        }
        if isCommitted, hasChanged { flush(&rows) }
    }

    private mutating func flush(_ rows: inout RowBatch) {
        rows.blob(bytes[...])
        rows.integer(row)
        rows.end(.keepMarks)
        hasChanged = false
    }

    /// The marks that a row holds.
    static func marks(_ bytes: [UInt8]) -> [UInt64] {
        // Safety: whole numbers, within the bytes.
        unsafe bytes.withUnsafeBytes { bytes in
            stride(from: 0, through: bytes.count - 8, by: 8).map {
                unsafe UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: $0, as: UInt64.self))
            }
        }
    }
}
