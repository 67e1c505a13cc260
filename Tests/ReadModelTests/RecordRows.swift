@testable import Projections
@testable import ReadModel

extension RowBatch {
    /// A record of which all but what is given is empty.
    mutating func record(
        _ callID: String, _ toTag: String, startedAt: Int64 = 0, isHung: Bool = false, extraBytes: Int = 2
    ) {
        append(Array(callID.utf8))
        append(Array("from".utf8))
        append(Array(toTag.utf8))
        for column in (CallRecord.columns + LegTimer.columns).dropFirst(3) {
            switch column.kind {
            case _ where column.name == "started_at": integer(startedAt)
            case _ where column.name == "hung": integer(isHung ? 1 : 0)
            case _ where column.name == "extra": append([UInt8](repeating: 0x78, count: extraBytes))
            case _ where column.mayBeNull: null()
            case .integer: integer(0)
            default: append(Array("[]".utf8))
            }
        }
        end(.insertRecord)
    }
}
