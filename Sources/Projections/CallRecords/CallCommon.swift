package import Events

/// What all records of a call share: lists over all of its events, repeats included, as JSON text.
package struct CallCommon: Sendable {
    package private(set) var extra: [UInt8] = []
    package private(set) var sources: [UInt8] = []
    package private(set) var positions: [UInt8] = []
    // Kept for their storage.
    private var members = ExtraMembers()
    private var numbers: [UInt32] = []
    /// The one source that `sources` names at the moment; mostly the next call's as well.
    private var onlySource: SourceName?
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
        // Safety: the fold's bytes are padded, and not touched while the walks look at them.
        unsafe fold.bytes.withUnsafeBufferPointer { bytes in
            for index in fold.facts.indices {
                guard let object = fold.facts[index].extra else { continue }
                unsafe members.merge(PaddedBytes(slice: bytes, object.range))
            }
        }
        members.append(to: &extra)
    }

    private mutating func gatherSources(_ fold: borrowing CallFold, _ registry: SourceRegistry) {
        findSources(fold, registry)
        let only = numbers.count == 1 ? registry.source(numbers[0]) : nil
        if let only, only == onlySource { return }
        onlySource = only
        sources.removeAll(keepingCapacity: true)
        if numbers.count > 1 { numbers.sort { registry.source($0) < registry.source($1) } }
        sources.write(upTo: 2 + numbers.count * Self.sourceTextMax) { text in
            text.append(UInt8(ascii: "["))
            for index in numbers.indices {
                if index > 0 { text.append(UInt8(ascii: ",")) }
                text.append(registry.quotedName(numbers[index]))
            }
            text.append(UInt8(ascii: "]"))
        }
    }

    /// A name, none of whose characters needs an escape, in quotes, and a comma.
    private static let sourceTextMax = SourceName.lengthMax + 3

    /// One number for each source, whatever epochs its facts are of.
    private mutating func findSources(_ fold: borrowing CallFold, _ registry: SourceRegistry) {
        numbers.clear()
        var last: UInt32?
        for index in fold.facts.indices where fold.facts[index].sourceEpoch != last {
            let number = fold.facts[index].sourceEpoch
            last = number
            let name = registry.source(number)
            if name.isLedger || numbers.contains(where: { registry.source($0) == name }) { continue }
            numbers.append(number)
        }
    }

    private mutating func gatherPositions(_ fold: borrowing CallFold) {
        positions.removeAll(keepingCapacity: true)
        if fold.isInLogOrder {
            positions.write(upTo: Self.textMax(positions: fold.facts.count)) { text in
                text.append(UInt8(ascii: "["))
                for index in fold.facts.indices {
                    if index > 0 { text.append(UInt8(ascii: ",")) }
                    text.append(decimal: fold.facts[index].position.rawValue)
                }
                text.append(UInt8(ascii: "]"))
            }
            return
        }
        list.removeAll(keepingCapacity: true)
        for index in fold.facts.indices { list.append(fold.facts[index].position) }
        list.sort()
        Self.append(list, to: &positions)
    }

    /// Numbers, commas and brackets.
    private static func textMax(positions count: Int) -> Int { 2 + count * (TextWriter.decimalMax + 1) }

    package static func append(_ list: [Position], to text: inout [UInt8]) {
        text.write(upTo: textMax(positions: list.count)) { text in
            text.append(UInt8(ascii: "["))
            for index in list.indices {
                if index > 0 { text.append(UInt8(ascii: ",")) }
                text.append(decimal: list[index].rawValue)
            }
            text.append(UInt8(ascii: "]"))
        }
    }
}

extension CallFold {
    /// Whether the canonical order of the facts is that of the log.
    fileprivate var isInLogOrder: Bool {
        for index in facts.indices.dropFirst() where facts[index].position < facts[index - 1].position {
            return false
        }
        return true
    }
}
