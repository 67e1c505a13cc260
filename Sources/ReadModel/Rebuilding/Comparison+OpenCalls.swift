internal import Events
internal import Projections

/// Open calls are compared by what the rows of both read models say in the end, not row by row: in which
/// rounds that was written is no part of it.
extension Comparison {
    static func compareOpenCalls(
        _ kept: ReadModelSnapshot, _ rebuilt: ReadModelSnapshot, examplesMax: Int
    ) throws -> (table: Table, examples: [Difference]) {
        let name = "open_calls"
        let (left, right) = (
            try OpenCallList(kept.db).calls, try OpenCallList(rebuilt.db).calls
        )
        var differences = 0
        var examples: [Difference] = []
        func note(_ call: OpenCallList.Call, _ kinds: [Difference.Kind]) {
            guard !kinds.isEmpty else { return }
            differences += 1
            let key =
                "callid \(String(decoding: call.callID, as: UTF8.self)), "
                + "from_tag \(String(decoding: call.fromTag, as: UTF8.self))"
            for kind in kinds where examples.count < examplesMax {
                examples.append(Difference(table: name, key: key, kind: kind))
            }
        }
        var (first, second) = (left.startIndex, right.startIndex)
        while first < left.endIndex || second < right.endIndex {
            let order =
                first == left.endIndex
                ? 1 : second == right.endIndex ? -1 : OpenCallList.order(left[first], right[second])
            if order < 0 {
                note(left[first], [.surplus])
            } else if order > 0 {
                note(right[second], [.missing])
            } else {
                note(left[first], columns(left[first], right[second]))
            }
            if order <= 0 { first += 1 }
            if order >= 0 { second += 1 }
        }
        return (Table(name: name, rows: right.count, differences: differences), examples)
    }

    private static func columns(_ kept: OpenCallList.Call, _ rebuilt: OpenCallList.Call) -> [Difference.Kind]
    {
        var kinds: [Difference.Kind] = []
        if kept.deadline != rebuilt.deadline {
            kinds.append(
                .column(
                    name: "deadline", kept: "\(kept.deadline.rawValue)",
                    rebuilt: "\(rebuilt.deadline.rawValue)"))
        }
        if kept.state.bytes != rebuilt.state.bytes {
            let (before, after) = (kept.state.bytes.count, rebuilt.state.bytes.count)
            kinds.append(
                .column(
                    name: "states", kept: "\(before) bytes",
                    rebuilt: before == after ? "\(after) other bytes" : "\(after) bytes"))
        }
        return kinds
    }
}
