internal import Projections

/// The marks of calls that have a record, on their way into rows of `call_marks`: full rows once, and the one
/// that is being filled again and again.
struct CallMarks: ~Copyable {
    /// The number of the row that is being filled, and what it has.
    private var row: Int64
    private var bytes: [UInt8]
    private var hasChanged = false

    /// A row fits into a page of the file.
    private static let bytesMax = 3_584

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
            if bytes.count >= Self.bytesMax {
                flush(&rows)
                row += 1
                bytes.removeAll(keepingCapacity: true)
            }
            for shift in UInt64(0)..<8 { bytes.append(UInt8(truncatingIfNeeded: mark >> (shift * 8))) }
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
        stride(from: 0, to: bytes.count - bytes.count % 8, by: 8).map { start in
            (0..<8).reduce(0) { $0 | UInt64(bytes[start + $1]) << (UInt64($1) * 8) }
        }
    }
}
