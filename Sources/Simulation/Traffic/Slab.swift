/// Slots that are used again: memory follows the greatest number in use at once, not the number ever made.
struct Slab<Element> {
    private var elements: [Element] = []
    private var vacant: [UInt32] = []

    var count: Int { elements.count - vacant.count }

    /// Slots made so far: the greatest `count` there was.
    var slots: Int { elements.count }

    @inline(__always)
    subscript(slot: UInt32) -> Element {
        get { elements[Int(slot)] }
        set { elements[Int(slot)] = newValue }
    }

    @inline(__always)
    mutating func insert(_ element: Element) -> UInt32 {
        if let slot = vacant.popLast() {
            elements[Int(slot)] = element
            return slot
        }
        elements.append(element)
        return UInt32(elements.count - 1)
    }

    /// The slot's element stays readable until the slot is given out again.
    @inline(__always)
    mutating func remove(_ slot: UInt32) {
        vacant.append(slot)
    }
}
