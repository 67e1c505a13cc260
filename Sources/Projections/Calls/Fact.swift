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

/// One event of a call, unpacked: what the rules of `schemas/records.md` need of it.
///
/// Kept small and flat, so that a call's facts lie close together and unpacking one is a store for each field
/// that it has. Absent numbers are -1.
package struct Fact: Sendable {
    package internal(set) var type: EventType = .unknown
    /// Whether an earlier event of the call states the same occurrence, so that this one counts only for
    /// `sources`, `positions` and `extra`.
    package internal(set) var isRepeat = false
    /// Which of the call's To tags it bears; -1 for none.
    package internal(set) var tag: Int32 = -1
    package internal(set) var sourceEpoch: UInt32 = 0
    package internal(set) var position = Position(rawValue: 0)
    package internal(set) var time = Timestamp(rawValue: 0)
    package internal(set) var seq: Int64 = 0
    package internal(set) var present = FieldSet(rawValue: 0)
    /// By the field's place behind `firstText`.
    private var texts = InlineArray<9, StoredText>(repeating: StoredText())
    /// By the field's place behind `firstNumber`.
    private var numbers = InlineArray<15, Int64>(repeating: -1)

    /// A text, or none where the length is below 0: half of what an optional slice takes.
    private struct StoredText {
        var start: Int32 = -1
        var length: Int32 = -1
    }

    /// Places in `Field` of the first text and the first number that a fact holds.
    private static let firstText = 3
    private static let firstNumber = 17

    package init() {}

    /// Keeps a field of those that a packed fact may hold; any other traps.
    @inline(__always)
    mutating func setText(at place: Int, start: Int, length: Int) {
        texts[place &- Self.firstText] = StoredText(
            start: Int32(truncatingIfNeeded: start), length: Int32(truncatingIfNeeded: length))
    }

    @inline(__always)
    mutating func setNumber(at place: Int, _ value: Int64) {
        numbers[place &- Self.firstNumber] = value
    }

    @inline(__always)
    private func text(_ field: Field) -> TextSlice? {
        let text = texts[field.place &- Self.firstText]
        return text.length < 0 ? nil : TextSlice(start: Int(text.start), length: Int(text.length))
    }

    @inline(__always)
    private func number(_ field: Field) -> Int64 { numbers[field.place &- Self.firstNumber] }

    @inline(__always)
    private func refresher(_ field: Field) -> Refresher? {
        switch number(field) {
        case 0: .uac
        case 1: .uas
        default: nil
        }
    }

    @inline(__always)
    private func truth(_ field: Field) -> Bool? {
        let value = number(field)
        return value < 0 ? nil : value != 0
    }
}

extension Fact {
    package var cseq: Int64 { number(.cseq) }
    package var sipCode: Int64 { number(.sipCode) }
    package var lifetime: Int64 { number(.lifetime) }
    package var deadline: Int64 { number(.deadline) }
    package var sessionExpires: Int64 { number(.sessionExpires) }
    package var minSE: Int64 { number(.minSE) }
    package var forwardedSessionExpires: Int64 { number(.forwardedSessionExpires) }
    package var forwardedMinSE: Int64 { number(.forwardedMinSE) }
    package var refresher: Refresher? { refresher(.refresher) }
    package var forwardedRefresher: Refresher? { refresher(.forwardedRefresher) }
    package var supportedTimer: Bool? { truth(.supportedTimer) }
    package var requireTimer: Bool? { truth(.requireTimer) }
    package var byeSent: Bool { number(.byeSent) > 0 }
    package var method: TextSlice? { text(.method) }
    package var sipReason: TextSlice? { text(.sipReason) }
    package var reason: TextSlice? { text(.reason) }
    package var fromURI: TextSlice? { text(.fromURI) }
    package var toURI: TextSlice? { text(.toURI) }
    package var requestURI: TextSlice? { text(.requestURI) }
    package var sourceIP: TextSlice? { text(.sourceIP) }
    package var userAgent: TextSlice? { text(.userAgent) }
    package var extra: TextSlice? { text(.extra) }

    package var by: Side? {
        switch number(.by) {
        case 0: .caller
        case 1: .callee
        case 2: .proxy
        case 3: .admin
        default: nil
        }
    }

    /// Whether a party of the call is said to have done it.
    var isByParty: Bool { UInt64(bitPattern: number(.by)) <= 1 }

    /// Whether both name the same `by`, or both none.
    func hasSide(of other: Fact) -> Bool { number(.by) == other.number(.by) }

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
    package func isInvite(in bytes: [UInt8]) -> Bool { methodIs(Self.invite, in: bytes) }
    package func isUpdate(in bytes: [UInt8]) -> Bool { methodIs(Self.update, in: bytes) }

    /// Six letters as a word, the first one lowest.
    private static let invite: UInt64 = 0x4554_4956_4E49
    private static let update: UInt64 = 0x4554_4144_5055

    private func methodIs(_ word: UInt64, in bytes: [UInt8]) -> Bool {
        guard let method, method.length == 6 else { return false }
        let start = Int(method.start)
        precondition(start + 8 <= bytes.count, "a fold's bytes are padded")
        // Safety: checked above.
        let found = unsafe bytes.withUnsafeBytes {
            unsafe UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: start, as: UInt64.self))
        }
        return found & 0xFFFF_FFFF_FFFF == word
    }
}
