/// Memory for packed calls: chains of small blocks, so that a call takes what its facts need and gives it
/// back whole.
@safe
struct FactArena: ~Copyable {
    /// A chain of blocks that holds one call's bytes.
    struct Chain {
        fileprivate var first: UInt32 = 0
        fileprivate var last: UInt32 = 0
        /// Bytes in the chain.
        fileprivate(set) var count: UInt32 = 0
    }

    static let blockBytes = 64
    /// Each block begins with the number of the next.
    static let payloadBytes = 60

    private static let blocksPerSlab = 16_384

    @safe
    private struct Slab {
        // Safety: freed by the arena's deinit alone.
        let base: UnsafeMutableRawPointer
    }

    // Safety: slabs are allocated here and freed in deinit; block numbers are checked against them.
    private var slabs: [Slab] = []
    private var used: UInt32 = 1
    private var free: UInt32 = 0

    init() {}

    deinit {
        // Safety: allocated below, freed once.
        for slab in slabs { unsafe slab.base.deallocate() }
    }

    /// Appends bytes to a chain.
    mutating func append(_ bytes: UnsafeBufferPointer<UInt8>, to chain: inout Chain) {
        var taken = 0
        while taken < bytes.count {
            let place = Int(chain.count) % Self.payloadBytes
            if place == 0 { extend(&chain) }
            let count = min(Self.payloadBytes - place, bytes.count - taken)
            // Safety: within the last block's payload; the source is never in the arena.
            unsafe (block(chain.last) + 4 + place).copyMemory(
                from: UnsafeRawPointer(bytes.baseAddress.unsafelyUnwrapped + taken), byteCount: count)
            taken += count
            chain.count += UInt32(count)
        }
    }

    /// Appends all of a chain's bytes to an array.
    func copy(_ chain: Chain, to target: inout [UInt8]) {
        var rest = Int(chain.count)
        var number = chain.first
        while rest > 0 {
            let start = unsafe block(number)
            let count = min(rest, Self.payloadBytes)
            // Safety: the block's own payload.
            unsafe target.append(
                contentsOf: UnsafeRawBufferPointer(start: start + 4, count: count))
            number = unsafe start.load(as: UInt32.self)
            rest -= count
        }
    }

    /// Eight bytes of the chain's first block.
    func word(_ chain: Chain, at offset: Int) -> UInt64 {
        precondition(offset + 8 <= min(Int(chain.count), Self.payloadBytes))
        // Safety: checked above.
        return unsafe block(chain.first).loadUnaligned(fromByteOffset: 4 + offset, as: UInt64.self)
    }

    /// Whether these bytes stand at an offset of the chain.
    func matches(_ chain: Chain, at offset: Int, _ text: UnsafeBufferPointer<UInt8>) -> Bool {
        guard offset + text.count <= Int(chain.count) else { return false }
        var number = chain.first
        for _ in 0..<offset / Self.payloadBytes { number = unsafe block(number).load(as: UInt32.self) }
        var place = offset % Self.payloadBytes
        for index in 0..<text.count {
            let byte = unsafe text[index]
            if place == Self.payloadBytes {
                number = unsafe block(number).load(as: UInt32.self)
                place = 0
            }
            // Safety: within the block's payload.
            if unsafe block(number).load(fromByteOffset: 4 + place, as: UInt8.self) != byte { return false }
            place += 1
        }
        return true
    }

    /// Gives a chain's blocks back.
    mutating func release(_ chain: inout Chain) {
        guard chain.count > 0 else { return }
        // Safety: the last block's link is its first four bytes.
        unsafe block(chain.last).storeBytes(of: free, as: UInt32.self)
        free = chain.first
        chain = Chain()
    }

    private mutating func extend(_ chain: inout Chain) {
        let number = takeBlock()
        if chain.count == 0 {
            chain.first = number
        } else {
            // Safety: as above.
            unsafe block(chain.last).storeBytes(of: number, as: UInt32.self)
        }
        chain.last = number
    }

    private mutating func takeBlock() -> UInt32 {
        if free != 0 {
            let number = free
            free = unsafe block(number).load(as: UInt32.self)
            return number
        }
        if Int(used) / Self.blocksPerSlab == slabs.count {
            let slab = unsafe Slab(
                base: .allocate(byteCount: Self.blocksPerSlab * Self.blockBytes, alignment: 64))
            slabs.append(slab)
        }
        defer { used += 1 }
        return used
    }

    @inline(__always)
    private func block(_ number: UInt32) -> UnsafeMutableRawPointer {
        // Safety: the array checks the slab.
        unsafe slabs[Int(number) / Self.blocksPerSlab].base + Int(number) % Self.blocksPerSlab
            * Self.blockBytes
    }
}
