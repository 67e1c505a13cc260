package import Events

/// A text within the bytes of a `CallFold`; escapes are resolved.
package struct TextSlice: Hashable, Sendable {
    package let start: Int32
    package let length: Int32

    package init(start: Int, length: Int) {
        self.start = Int32(start)
        self.length = Int32(length)
    }

    package var range: Range<Int> { Int(start)..<Int(start) + Int(length) }
}

/// One event of a call, unpacked: what the rules of `docs` need of it. Absent numbers are -1.
package struct Fact: Sendable {
    package var type: EventType = .unknown
    package var present = FieldSet(rawValue: 0)
    package var position = Position(rawValue: 0)
    package var time = Timestamp(rawValue: 0)
    package var sourceEpoch: UInt32 = 0
    package var seq: Int64 = 0
    /// Which of the call's To tags it bears; -1 for none.
    package var tag: Int32 = -1
    package var cseq: Int64 = -1
    package var sipCode: Int64 = -1
    package var by: Side?
    package var method: TextSlice?
    package var byeSent = false
    package var lifetime: Int64 = -1
    package var deadline: Int64 = -1
    package var sessionExpires: Int64 = -1
    package var minSE: Int64 = -1
    package var refresher: Refresher?
    package var forwardedSessionExpires: Int64 = -1
    package var forwardedMinSE: Int64 = -1
    package var forwardedRefresher: Refresher?
    package var supportedTimer: Bool?
    package var requireTimer: Bool?
    package var sipReason: TextSlice?
    package var reason: TextSlice?
    package var fromURI: TextSlice?
    package var toURI: TextSlice?
    package var requestURI: TextSlice?
    package var sourceIP: TextSlice?
    package var userAgent: TextSlice?
    package var extra: TextSlice?
    /// Whether an earlier event of the call states the same occurrence, so that this one counts only for
    /// `sources`, `positions` and `extra`.
    package var isRepeat = false

    package init() {}

    /// What the proxy sent on where it says so, else what it received; 0 for none.
    package var effectiveInterval: Int64 {
        let value = forwardedSessionExpires >= 0 ? forwardedSessionExpires : sessionExpires
        return max(value, 0)
    }

    /// The effective Min-SE; 0 for none.
    package var effectiveMinSE: Int64 {
        let value = forwardedMinSE >= 0 ? forwardedMinSE : minSE
        return max(value, 0)
    }

    package var effectiveRefresher: Refresher? { forwardedRefresher ?? refresher }

    /// Whether the method is INVITE, byte by byte.
    package func isInvite(in bytes: [UInt8]) -> Bool { methodIs("INVITE", in: bytes) }
    package func isUpdate(in bytes: [UInt8]) -> Bool { methodIs("UPDATE", in: bytes) }

    private func methodIs(_ name: String, in bytes: [UInt8]) -> Bool {
        guard let method, method.length == 6 else { return false }
        return bytes[method.range].elementsEqual(name.utf8)
    }
}
