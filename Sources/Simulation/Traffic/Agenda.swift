/// What is due next in virtual time: a radix heap.
///
/// Virtual time never runs backwards, so entries are kept in buckets by the highest bit in which their time
/// differs from the last one taken. An entry only ever moves to a lower bucket, and moves there in a
/// stream: with a million open calls that costs a few dozen nanoseconds, where a binary heap misses the
/// cache at each level.
struct Agenda {
    /// Something due: a call's next step, a source's heartbeat, a statement held back.
    struct Entry {
        var time: Int64
        var kind: Kind
        var slot: UInt32
    }

    enum Kind: UInt8 {
        case arrival, call, held, started, heartbeat, restart, flush
    }

    private(set) var count = 0
    private var last: Int64
    private var occupied: UInt64 = 0
    private var due: [Entry] = []
    private var buckets: [[Entry]]
    private var moving: [Entry] = []
    /// Means nothing: reading ahead must have a use, or the compiler leaves it out.
    private(set) var warmth: UInt64 = 0

    private static let warmed = 3...64

    init(start: Int64) {
        last = start
        buckets = Array(repeating: [], count: 64)
    }

    /// `time` must not lie before the last entry taken.
    @inline(__always)
    mutating func insert(_ kind: Kind, _ slot: UInt32, at time: Int64) {
        count += 1
        place(Entry(time: time, kind: kind, slot: slot))
    }

    /// The entry with the least time, null when nothing is due any more. Equal times come in a fixed order,
    /// which depends on nothing but the order in which they were put in.
    @inline(__always)
    mutating func takeFirst(warming calls: borrowing Slab<OpenCall>) -> Entry? {
        if due.isEmpty && !refill(warming: calls) { return nil }
        count -= 1
        return due.removeLast()
    }

    @inline(__always)
    private mutating func place(_ entry: Entry) {
        precondition(entry.time >= last, "virtual time runs backwards")
        let difference = UInt64(bitPattern: entry.time ^ last)
        if difference == 0 {
            due.append(entry)
        } else {
            let bucket = 63 - difference.leadingZeroBitCount
            occupied |= 1 << UInt64(bucket)
            buckets[bucket].append(entry)
        }
    }

    /// Moves the entries of the lowest bucket down, the earliest of them to `due`.
    ///
    /// A small bucket holds what is due next: its calls are read here, side by side, so that the cache has
    /// them when their turns come. One after the other, each would wait for memory.
    private mutating func refill(warming calls: borrowing Slab<OpenCall>) -> Bool {
        guard occupied != 0 else { return false }
        let lowest = occupied.trailingZeroBitCount
        occupied &= occupied - 1
        swap(&moving, &buckets[lowest])
        var earliest = Int64.max
        for index in moving.indices {
            earliest = min(earliest, moving[index].time)
        }
        last = earliest
        if Self.warmed.contains(moving.count) {
            for index in moving.indices where moving[index].kind == .call {
                let call = calls[moving[index].slot]
                warmth &+= UInt64(call.callee) &+ call.seed &+ UInt64(call.intervalTries)
            }
        }
        for index in moving.indices {
            place(moving[index])
        }
        moving.removeAll(keepingCapacity: true)
        swap(&moving, &buckets[lowest])
        return true
    }
}
