internal import Events

/// Lists of `[first, last]` runs as JSON text.
enum RunList {
    static func text(_ set: SequenceSet) -> [UInt8] {
        var parts: [String] = []
        for run in set.runs { parts.append("[\(run.first),\(run.last)]") }
        return Array("[\(parts.joined(separator: ","))]".utf8)
    }

    static func set(_ text: String) -> SequenceSet {
        var set = SequenceSet()
        let numbers = text.split { !$0.isNumber }.compactMap { Int64($0) }
        for index in stride(from: 0, to: numbers.count - 1, by: 2) {
            set.insert(numbers[index]...numbers[index + 1])
        }
        return set
    }
}
