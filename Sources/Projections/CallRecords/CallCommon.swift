package import Events

/// What all records of a call share: lists over all of its events, repeats included, as JSON text.
package struct CallCommon: Sendable {
    package private(set) var extra: [UInt8] = []
    package private(set) var sources: [UInt8] = []
    package private(set) var positions: [UInt8] = []
    // Kept for their storage.
    private var members = ExtraMembers()
    private var numbers: [UInt32] = []
    private var list: [Position] = []

    package init() {}

    /// Fills the lists anew, keeping their storage.
    package mutating func gather(_ fold: borrowing CallFold, sources registry: SourceRegistry) {
        gatherExtra(fold)
        gatherSources(fold, registry)
        gatherPositions(fold)
    }

    private mutating func gatherExtra(_ fold: borrowing CallFold) {
        extra.removeAll(keepingCapacity: true)
        members.removeAll()
        for fact in fold.facts {
            guard let object = fact.extra else { continue }
            // Safety: the fold's bytes are padded, and not touched while the walk looks at them.
            unsafe fold.bytes.withUnsafeBufferPointer { bytes in
                unsafe members.merge(PaddedBytes(slice: bytes, object.range))
            }
        }
        members.append(to: &extra)
    }

    private mutating func gatherSources(_ fold: borrowing CallFold, _ registry: SourceRegistry) {
        sources.removeAll(keepingCapacity: true)
        numbers.removeAll(keepingCapacity: true)
        for fact in fold.facts where numbers.last != fact.sourceEpoch {
            let name = registry.source(fact.sourceEpoch)
            if name.isLedger || numbers.contains(where: { registry.source($0) == name }) { continue }
            numbers.append(fact.sourceEpoch)
        }
        if numbers.count > 1 { numbers.sort { registry.source($0) < registry.source($1) } }
        sources.append(UInt8(ascii: "["))
        for (index, number) in numbers.enumerated() {
            if index > 0 { sources.append(UInt8(ascii: ",")) }
            sources.append(contentsOf: registry.quotedName(number))
        }
        sources.append(UInt8(ascii: "]"))
    }

    private mutating func gatherPositions(_ fold: borrowing CallFold) {
        positions.removeAll(keepingCapacity: true)
        list.removeAll(keepingCapacity: true)
        for fact in fold.facts { list.append(fact.position) }
        list.sort()
        Self.append(list, to: &positions)
    }

    package static func append(_ list: [Position], to text: inout [UInt8]) {
        text.append(UInt8(ascii: "["))
        for (index, position) in list.enumerated() {
            if index > 0 { text.append(UInt8(ascii: ",")) }
            appendDecimal(position.rawValue, to: &text)
        }
        text.append(UInt8(ascii: "]"))
    }

    static func appendDecimal(_ value: UInt64, to text: inout [UInt8]) {
        var digits = InlineArray<20, UInt8>(repeating: 0)
        var count = 0
        var rest = value
        repeat {
            digits[count] = UInt8(truncatingIfNeeded: rest % 10) + 0x30
            rest /= 10
            count += 1
        } while rest > 0
        while count > 0 {
            count -= 1
            text.append(digits[count])
        }
    }
}
