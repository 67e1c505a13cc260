internal import Events

/// Memory for packed calls: each lies in one piece that grows with it, and goes back whole.
///
/// Pieces are multiples of a unit; those that were given back are kept by their size and used again. A call
/// that outgrows its piece is moved.
@safe
struct FactArena: ~Copyable {
    /// The piece that holds one call's bytes.
    struct Chain {
        /// In units.
        fileprivate var start: UInt32 = 0
        fileprivate var units: UInt32 = 0
        /// Bytes in use.
        fileprivate(set) var count: UInt32 = 0
    }

    /// Room that a new call gets beyond its first event: what answers it, mostly.
    private static let answerBytes = 64

    private static let unitBytes = 16
    private static let unitsPerSlab = 262_144
    /// Pieces of up to so many units are kept by their very size, larger ones by the next power of two.
    private static let exactUnitsMax = 128

    @safe
    private struct Slab {
        // Safety: freed by the arena's deinit alone.
        let base: UnsafeMutableRawPointer
    }

    // Safety: slabs are allocated here and freed in deinit; a piece lies in one slab whole.
    /// A piece larger than a slab has several places here, all but the first of which are never asked for.
    private var slabs: [Slab] = []
    private var allocations: [Slab] = []
    /// Units of the last slab that were never given out.
    private var fresh: Range<UInt32> = 0..<0
    /// The first free piece of each size, plus one; each holds the next in its first bytes.
    private var free = [UInt32](repeating: 0, count: exactUnitsMax + 33)

    init() {}

    deinit {
        // Safety: allocated below, freed once.
        for slab in allocations { unsafe slab.base.deallocate() }
    }

    /// Appends bytes to a chain.
    mutating func append(_ bytes: UnsafeBufferPointer<UInt8>, to chain: inout Chain) {
        let (old, new) = (Int(chain.count), Int(chain.count) + bytes.count)
        if new > Int(chain.units) * Self.unitBytes {
            // One that has outgrown its first piece will grow again.
            let size = Self.size(new + (old == 0 ? Self.answerBytes : new / 8))
            let start = take(size)
            if old > 0 {
                // Safety: two pieces, the new one being the larger.
                unsafe place(start).copyMemory(from: place(chain.start), byteCount: old)
                giveBack(chain.start, Int(chain.units))
            }
            chain.start = start
            chain.units = UInt32(size.units)
        }
        if let source = bytes.baseAddress {
            // Safety: the piece has room for all; the source is never in the arena.
            unsafe (place(chain.start) + old).copyMemory(from: source, byteCount: bytes.count)
        }
        chain.count = UInt32(new)
    }

    /// Appends all of a chain's bytes to an array.
    func copy(_ chain: Chain, to target: inout [UInt8]) {
        // Safety: the piece's own bytes.
        unsafe target.append(
            contentsOf: UnsafeRawBufferPointer(start: place(chain.start), count: Int(chain.count)))
    }

    /// Eight bytes of a chain.
    func word(_ chain: Chain, at offset: Int) -> UInt64 {
        precondition(offset + 8 <= Int(chain.count))
        // Safety: checked above.
        return unsafe place(chain.start).loadUnaligned(fromByteOffset: offset, as: UInt64.self)
    }

    /// Whether these bytes stand at an offset of the chain.
    func matches(_ chain: Chain, at offset: Int, _ text: UnsafeBufferPointer<UInt8>) -> Bool {
        guard offset + text.count <= Int(chain.count) else { return false }
        guard let other = text.baseAddress else { return true }
        // Safety: within the chain, checked above.
        let start = unsafe (place(chain.start) + offset).assumingMemoryBound(to: UInt8.self)
        return unsafe TextBytes.areEqual(start, other, count: text.count)
    }

    /// Looks at where a chain begins and ends, so that both are in the cache when it grows, and at another
    /// place of it.
    @inline(__always)
    func touch(_ chain: Chain, at offset: Int) -> UInt64 {
        guard chain.count > 8 else { return 0 }
        let start = unsafe place(chain.start)
        // Safety: within the chain.
        let last = unsafe start.load(fromByteOffset: Int(chain.count) &- 1, as: UInt8.self)
        let other = unsafe start.load(fromByteOffset: min(offset, Int(chain.count) &- 1), as: UInt8.self)
        return unsafe start.load(as: UInt64.self) &+ UInt64(last) &+ UInt64(other)
    }

    /// Looks at all of a chain.
    @inline(__always)
    func touchAll(_ chain: Chain) -> UInt64 {
        var seen: UInt64 = 0
        let start = unsafe place(chain.start)
        for offset in stride(from: 0, to: Int(chain.count), by: 64) {
            // Safety: within the chain.
            seen &+= unsafe UInt64(start.load(fromByteOffset: offset, as: UInt8.self))
        }
        return seen
    }

    /// Gives a chain's memory back.
    mutating func release(_ chain: inout Chain) {
        guard chain.count > 0 else { return }
        giveBack(chain.start, Int(chain.units))
        chain = Chain()
    }

    /// How many units so many bytes get, and where such pieces are kept.
    @inline(__always)
    private static func size(_ bytes: Int) -> Size {
        let units = (bytes &+ unitBytes &- 1) / unitBytes
        return Size(units: units <= exactUnitsMax ? units : 1 << Int(bits(units)))
    }

    @inline(__always)
    private static func bits(_ units: Int) -> Int { Int.bitWidth &- (units &- 1).leadingZeroBitCount }

    private struct Size {
        let units: Int
        /// Where such pieces are kept.
        var place: Int { units <= exactUnitsMax ? units : exactUnitsMax &+ FactArena.bits(units) }
    }

    private mutating func take(_ size: Size) -> UInt32 {
        let first = free[size.place]
        if first != 0 {
            // Safety: a free piece holds the next one's place.
            free[size.place] = unsafe place(first - 1).load(as: UInt32.self)
            return first - 1
        }
        if fresh.count < size.units { makeRoom(size.units) }
        let start = fresh.lowerBound
        fresh = start + UInt32(size.units)..<fresh.upperBound
        return start
    }

    private mutating func giveBack(_ start: UInt32, _ units: Int) {
        let size = Size(units: units)
        // Safety: nobody else uses the piece any more.
        unsafe place(start).storeBytes(of: free[size.place], as: UInt32.self)
        free[size.place] = start + 1
    }

    private mutating func makeRoom(_ units: Int) {
        // What is left of the slab before is a piece of its own.
        if !fresh.isEmpty, fresh.count <= Self.exactUnitsMax {
            giveBack(fresh.lowerBound, fresh.count)
        }
        let count = (units + Self.unitsPerSlab - 1) / Self.unitsPerSlab
        let bytes = Self.unitsPerSlab * Self.unitBytes
        // Safety: this value's own, until deinit.
        let base = unsafe LargeMemory.allocate(byteCount: count * bytes)
        unsafe allocations.append(Slab(base: base))
        let first = slabs.count * Self.unitsPerSlab
        precondition(first + count * Self.unitsPerSlab <= Int(UInt32.max), "64 GiB of open calls")
        for index in 0..<count { unsafe slabs.append(Slab(base: base + index * bytes)) }
        fresh = UInt32(first)..<UInt32(first + count * Self.unitsPerSlab)
    }

    @inline(__always)
    private func place(_ unit: UInt32) -> UnsafeMutableRawPointer {
        // Safety: the array checks the slab.
        unsafe slabs[Int(unit) / Self.unitsPerSlab].base + Int(unit) % Self.unitsPerSlab * Self.unitBytes
    }
}
