internal import Events

/// What is asked of an event's type thousands of times for each call, without a call into another module:
/// `==` of an enum with raw values compares these, and each of them is a call.
extension EventType {
    /// Its raw value.
    @inline(__always)
    var place: UInt8 {
        // Safety: an enum without payloads, of fewer than 256 cases, is the number of its case, and the raw
        // values count the cases from 0.
        unsafe unsafeBitCast(self, to: UInt8.self)
    }

    /// Null where no type has this raw value.
    @inline(__always)
    init?(place: UInt8) {
        guard place <= EventType.ledgerPolicy.place else { return nil }
        // Safety: as above, and there is such a case.
        self = unsafe unsafeBitCast(place, to: EventType.self)
    }

    @inline(__always)
    static func == (left: EventType, right: EventType) -> Bool { left.place == right.place }
    @inline(__always)
    static func != (left: EventType, right: EventType) -> Bool { left.place != right.place }
}

extension Field {
    /// Its raw value.
    @inline(__always)
    var place: Int {
        // Safety: as for the types of events.
        Int(unsafe unsafeBitCast(self, to: UInt8.self))
    }

    /// Its bit of a `FieldSet`.
    @inline(__always)
    var bit: UInt64 { 1 &<< UInt64(place) }
}

/// Types of events as a set: what a call has none of need not be looked for.
struct EventTypeSet {
    private var bits: UInt32 = 0

    @inline(__always)
    mutating func insert(_ type: EventType) { bits |= 1 &<< UInt32(type.place) }

    @inline(__always)
    func contains(_ type: EventType) -> Bool { bits & (1 &<< UInt32(type.place)) != 0 }
}

/// Numbers of To tags as a set: mostly one of few.
struct TagSet {
    private var first: UInt64 = 0
    /// Of the numbers from 64 on.
    private var others: Set<Int> = []

    mutating func removeAll() {
        first = 0
        if !others.isEmpty { others.removeAll(keepingCapacity: true) }
    }

    @inline(__always)
    mutating func insert(_ tag: Int) {
        if tag < 64 { first |= 1 &<< UInt64(tag) } else { others.insert(tag) }
    }

    @inline(__always)
    func contains(_ tag: Int) -> Bool {
        tag < 64 ? first & (1 &<< UInt64(tag)) != 0 : others.contains(tag)
    }
}

extension Array {
    /// `removeAll(keepingCapacity:)` for lists that mostly have one element, which is cheaper to take off.
    @inline(__always)
    mutating func clear() {
        if count == 1 { removeLast() } else if count > 1 { removeAll(keepingCapacity: true) }
    }
}
