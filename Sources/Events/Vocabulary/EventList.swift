/// Events that were decoded one after another, each filled where it lies.
@safe
package struct EventList: ~Copyable {
    // Safety: the first `made` of `capacity` places are initialised; every index is checked.
    private var base: UnsafeMutablePointer<EventView>
    private var capacity: Int
    private var made = 0
    package private(set) var count = 0

    package init() {
        capacity = 256
        unsafe base = .allocate(capacity: capacity)
    }

    deinit {
        // Safety: this value's own.
        unsafe base.deinitialize(count: made)
        unsafe base.deallocate()
    }

    package subscript(index: Int) -> EventView {
        @inline(__always)
        @unsafe unsafeAddress {
            precondition(UInt(bitPattern: index) < UInt(bitPattern: count), "no such event")
            // Safety: checked above.
            return unsafe UnsafePointer(base + index)
        }
    }

    /// Forgets the events, not their memory.
    package mutating func removeAll() { count = 0 }

    /// Appends an event, if `body` has made one of what it is given.
    ///
    /// - Returns: what `body` has returned.
    package mutating func append<Outcome>(
        _ body: (inout EventView) -> (isEvent: Bool, outcome: Outcome)
    ) -> Outcome {
        if count == made { make() }
        // Safety: made above at the latest.
        let (isEvent, outcome) = unsafe body(&base[count])
        if isEvent { count += 1 }
        return outcome
    }

    private mutating func make() {
        if made == capacity {
            let next = UnsafeMutablePointer<EventView>.allocate(capacity: capacity * 2)
            // Safety: what is there moves, and its old place is freed.
            unsafe next.moveInitialize(from: base, count: made)
            unsafe base.deallocate()
            unsafe base = next
            capacity *= 2
        }
        // Safety: there is a place behind the last.
        unsafe (base + made).initialize(to: EventView())
        made += 1
    }
}
