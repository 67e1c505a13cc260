internal import EventLog
internal import Events

extension SourceState {
    /// The first number from `number` on that is neither present nor stated as missing.
    private func firstUnknown(from number: Int64) -> Int64? {
        var number = number
        while true {
            guard let absent = present.firstMissing(from: number),
                let unknown = declared.firstMissing(from: absent)
            else { return nil }
            if unknown == number { return number }
            number = unknown
        }
    }

    /// Whether nothing is known of any number from `number` on.
    func isUnknown(from number: Int64) -> Bool {
        present.firstPresent(from: number) == nil && declared.firstPresent(from: number) == nil
    }

    /// What of these numbers is neither present nor stated as missing, in order.
    func missing(in range: NumberRange) -> [NumberRange] {
        var result: [NumberRange] = []
        var number = range.first
        while number <= range.last, let first = firstUnknown(from: number), first <= range.last {
            let known = min(
                present.firstPresent(from: first) ?? .max, declared.firstPresent(from: first) ?? .max)
            let last = min(range.last, known - 1)
            result.append(NumberRange(first, last))
            number = last + 1
        }
        return result
    }
}
