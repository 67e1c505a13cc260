/// A connection, by the routing id that the ROUTER knows it under: up to 255 bytes, held inline.
package struct PeerIdentity: Hashable, Sendable {
    package let length: UInt8
    private let bytes: InlineArray<255, UInt8>

    /// What is beyond 255 bytes is cut off; libzmq has no longer ones.
    package init(_ text: borrowing Span<UInt8>) {
        var bytes = InlineArray<255, UInt8>(repeating: 0)
        let count = min(text.count, 255)
        for index in 0..<count { bytes[index] = text[index] }
        self.bytes = bytes
        length = UInt8(count)
    }

    package init(_ text: String) {
        self.init(text.utf8.span)
    }

    func withBytes<Result, Failure: Error>(
        _ body: (borrowing Span<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(bytes.span.extracting(0..<Int(length)))
    }

    /// Whether it is the identity of these bytes.
    func isSame(_ text: borrowing Span<UInt8>) -> Bool {
        guard text.count == Int(length) else { return false }
        for index in 0..<Int(length) where bytes[index] != text[index] { return false }
        return true
    }

    package static func == (left: PeerIdentity, right: PeerIdentity) -> Bool {
        guard left.length == right.length else { return false }
        for index in 0..<Int(left.length) where left.bytes[index] != right.bytes[index] { return false }
        return true
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(length)
        for index in 0..<Int(length) { hasher.combine(bytes[index]) }
    }
}
