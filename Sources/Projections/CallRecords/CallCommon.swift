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
        for index in fold.facts.indices {
            guard let object = fold.facts[index].extra else { continue }
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
        var last: UInt32?
        for index in fold.facts.indices where fold.facts[index].sourceEpoch != last {
            let number = fold.facts[index].sourceEpoch
            last = number
            let name = registry.source(number)
            if name.isLedger || numbers.contains(where: { registry.source($0) == name }) { continue }
            numbers.append(number)
        }
        if numbers.count > 1 { numbers.sort { registry.source($0) < registry.source($1) } }
        sources.append(UInt8(ascii: "["))
        for index in numbers.indices {
            if index > 0 { sources.append(UInt8(ascii: ",")) }
            sources.append(contentsOf: registry.quotedName(numbers[index]))
        }
        sources.append(UInt8(ascii: "]"))
    }

    private mutating func gatherPositions(_ fold: borrowing CallFold) {
        positions.removeAll(keepingCapacity: true)
        list.removeAll(keepingCapacity: true)
        var isSorted = true
        for index in fold.facts.indices {
            let position = fold.facts[index].position
            if let last = list.last, position < last { isSorted = false }
            list.append(position)
        }
        if !isSorted { list.sort() }
        Self.append(list, to: &positions)
    }

    package static func append(_ list: [Position], to text: inout [UInt8]) {
        text.append(UInt8(ascii: "["))
        for index in list.indices {
            if index > 0 { text.append(UInt8(ascii: ",")) }
            text.append(decimal: list[index].rawValue)
        }
        text.append(UInt8(ascii: "]"))
    }
}
