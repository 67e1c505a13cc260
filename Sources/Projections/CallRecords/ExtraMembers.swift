internal import Events

/// The operator's own fields of a call: later events override earlier ones key by key.
///
/// Scratch space for one call after another: keys and values lie in one piece, so that merging allocates
/// nothing once it has grown.
struct ExtraMembers: Sendable {
    private struct Member {
        /// The key's first eight bytes, the first one highest, and zeros behind its end: where they differ,
        /// they differ as the keys do.
        var prefix: UInt64
        /// The key, escapes resolved.
        var key: Range<Int>
        /// Key and value as they are to be written.
        var whole: Range<Int>
    }

    private var members: [Member] = []
    private var text: [UInt8] = []

    mutating func removeAll() {
        if text.isEmpty { return }
        members.removeAll(keepingCapacity: true)
        text.removeAll(keepingCapacity: true)
    }

    /// Takes an `extra` object as it was written; the decoder has found it valid.
    mutating func merge(_ object: PaddedBytes) {
        // Safety: the object stays where it is during the call.
        if let walk = unsafe PlainMembers(object) {
            mergePlain(walk, object)
            return
        }
        var walk = ScalarMembers(object)
        while let member = walk.next() {
            let start = text.count
            JSONText.append(member.key, in: object, to: &text)
            let key = start..<text.count
            let resolved = text[key]
            JSONText.appendQuoted(resolved, to: &text)
            text.append(UInt8(ascii: ":"))
            if member.isString { text.append(UInt8(ascii: "\"")) }
            if member.isString, member.value.isEscaped {
                appendRespelled(member.value, in: object)
            } else {
                // Without an escape a string already stands as it is to be written.
                JSONText.append(member.value, in: object, to: &text)
            }
            if member.isString { text.append(UInt8(ascii: "\"")) }
            var prefix: UInt64 = 0
            for offset in 0..<8 {
                prefix = prefix << 8 | (offset < key.count ? UInt64(text[key.lowerBound + offset]) : 0)
            }
            keep(Member(prefix: prefix, key: key, whole: key.upperBound..<text.count))
        }
    }

    /// Without escapes every member already stands as it is to be written, but for spaces.
    private mutating func mergePlain(_ plain: PlainMembers, _ object: PaddedBytes) {
        let start = text.count
        // Safety: copied during the call.
        unsafe text.append(contentsOf: object.pointer(at: 0, to: object.count))
        var walk = plain
        while let member = walk.next() {
            let key = start + member.key.lowerBound..<start + member.key.upperBound
            var whole = key.lowerBound - 1..<start + member.value.upperBound
            if !member.isCompact {
                let first = text.count
                text.append(contentsOf: Array(text[whole.lowerBound...key.upperBound]))
                text.append(UInt8(ascii: ":"))
                text.append(contentsOf: Array(text[start + member.value.lowerBound..<whole.upperBound]))
                whole = first..<text.count
            }
            keep(Member(prefix: member.prefix, key: key, whole: whole))
        }
    }

    /// In the order of the keys, which mostly come in it.
    private mutating func keep(_ member: Member) {
        var place = members.count
        while place > 0 {
            let order = order(members[place - 1], member)
            if order == 0 {
                members[place - 1] = member
                return
            }
            if order < 0 { break }
            place -= 1
        }
        members.append(member)
        // What comes before others mostly goes one place ahead: `insert` costs more than that.
        for index in stride(from: members.count - 1, to: place, by: -1) { members.swapAt(index, index - 1) }
    }

    /// Keys in byte order, numbers as they were written.
    func append(to target: inout [UInt8]) {
        // Each member is as long as it stands here, and a comma.
        target.write(upTo: 2 + text.count + members.count) { target in
            // Safety: copied during the call; the slicing checks each range.
            unsafe text.withUnsafeBufferPointer { text in
                target.append(UInt8(ascii: "{"))
                for index in members.indices {
                    if index > 0 { target.append(UInt8(ascii: ",")) }
                    unsafe target.append(UnsafeBufferPointer(rebasing: text[members[index].whole]))
                }
                target.append(UInt8(ascii: "}"))
            }
        }
    }

    /// A string's inside with only those escapes that it needs.
    private mutating func appendRespelled(_ value: TextRange, in object: PaddedBytes) {
        var resolved: [UInt8] = []
        JSONText.append(value, in: object, to: &resolved)
        JSONText.appendEscaped(resolved[...], to: &text)
    }

    /// Below 0 where the left key comes first, 0 where both are the same.
    @inline(__always)
    private func order(_ left: Member, _ right: Member) -> Int {
        if left.prefix != right.prefix { return left.prefix < right.prefix ? -1 : 1 }
        return order(left.key, right.key)
    }

    private func order(_ left: Range<Int>, _ right: Range<Int>) -> Int {
        precondition(left.upperBound <= text.count && right.upperBound <= text.count)
        // Safety: both ranges were checked above.
        return unsafe text.withUnsafeBufferPointer { text in
            for offset in 0..<min(left.count, right.count) {
                let first = unsafe text[left.lowerBound &+ offset]
                let second = unsafe text[right.lowerBound &+ offset]
                if first != second { return first < second ? -1 : 1 }
            }
            return left.count - right.count
        }
    }
}
