internal import Events

/// The operator's own fields of a call: later events override earlier ones key by key.
///
/// Scratch space for one call after another: keys and values lie in one piece, so that merging allocates
/// nothing once it has grown.
struct ExtraMembers: Sendable {
    private struct Member {
        /// The key, escapes resolved.
        var key: Range<Int>
        /// The value as JSON text.
        var value: Range<Int>
    }

    private var members: [Member] = []
    private var text: [UInt8] = []

    mutating func removeAll() {
        members.removeAll(keepingCapacity: true)
        text.removeAll(keepingCapacity: true)
    }

    /// Takes an `extra` object as it was written; the decoder has found it valid.
    mutating func merge(_ object: PaddedBytes) {
        var walk = ScalarMembers(object)
        while let member = walk.next() {
            let start = text.count
            JSONText.append(member.key, in: object, to: &text)
            let key = start..<text.count
            if member.isString { text.append(UInt8(ascii: "\"")) }
            if member.isString, member.value.isEscaped {
                appendRespelled(member.value, in: object)
            } else {
                // Without an escape a string already stands as it is to be written.
                JSONText.append(member.value, in: object, to: &text)
            }
            if member.isString { text.append(UInt8(ascii: "\"")) }
            let value = key.upperBound..<text.count
            if let known = members.firstIndex(where: { order($0.key, key) == 0 }) {
                members[known].value = value
            } else {
                members.append(Member(key: key, value: value))
            }
        }
    }

    /// Keys in byte order, numbers as they were written.
    mutating func append(to target: inout [UInt8]) {
        sort()
        target.append(UInt8(ascii: "{"))
        for (index, member) in members.enumerated() {
            if index > 0 { target.append(UInt8(ascii: ",")) }
            JSONText.appendQuoted(text[member.key], to: &target)
            target.append(UInt8(ascii: ":"))
            target.append(contentsOf: text[member.value])
        }
        target.append(UInt8(ascii: "}"))
    }

    /// A string's inside with only those escapes that it needs.
    private mutating func appendRespelled(_ value: TextRange, in object: PaddedBytes) {
        var resolved: [UInt8] = []
        JSONText.append(value, in: object, to: &resolved)
        JSONText.appendEscaped(resolved[...], to: &text)
    }

    /// A handful of members, mostly in order: by insertion.
    private mutating func sort() {
        for index in members.indices.dropFirst() {
            var place = index
            while place > 0, order(members[place].key, members[place - 1].key) < 0 {
                members.swapAt(place, place - 1)
                place -= 1
            }
        }
    }

    /// Below 0 where the left key comes first, 0 where both are the same.
    private func order(_ left: Range<Int>, _ right: Range<Int>) -> Int {
        for (first, second) in zip(text[left], text[right]) where first != second {
            return first < second ? -1 : 1
        }
        return left.count - right.count
    }
}
