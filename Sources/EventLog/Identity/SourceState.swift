package import Events

/// What the log has of one epoch of a source.
package struct SourceState: Hashable, Sendable {
    /// Numbers whose events, or their rejections, are in the log.
    package private(set) var present = SequenceSet()
    /// Numbers that a `ledger.gap` was written about. Some of them may have come after all.
    package private(set) var declared = SequenceSet()
    /// The next number that is neither present nor declared.
    package private(set) var next = SequenceNumber(rawValue: 1)

    package init() {}

    mutating func addPresent(_ numbers: ClosedRange<Int64>) {
        present.insert(numbers)
        if numbers.lowerBound <= next.rawValue { advance() }
    }

    mutating func addDeclared(_ numbers: ClosedRange<Int64>) {
        declared.insert(numbers)
        if numbers.lowerBound <= next.rawValue { advance() }
    }

    private mutating func advance() {
        var number = next.rawValue
        while true {
            guard let present = present.firstMissing(from: number),
                let missing = declared.firstMissing(from: present)
            else {
                number = .max
                break
            }
            if missing == number { break }
            number = missing
        }
        next = SequenceNumber(rawValue: number)
    }
}
