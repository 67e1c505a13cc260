#if canImport(Glibc)
    internal import Glibc
#endif

/// Cuts a payload of NDJSON into events and holds each against the rules of `schemas/events.schema.json`.
///
/// Nearly all lines are plain and are read in one go. The others are cut into tokens first, each line by
/// itself, so that one bad line costs its neighbours nothing; where there are many of them, one pass of the
/// scanner serves all that is left of the payload. Decoding allocates nothing per event.
package struct EventDecoder: ~Copyable {
    /// The greatest number of bytes of an event; the ledger's own entries, which quote others, may be longer.
    package static let eventBytesMax = 65_536

    /// Who speaks: the ledger's types are valid from the ledger alone, and no others are valid from it.
    package enum Speaker: Sendable {
        case proxy, ledger
    }

    package enum Line: Sendable {
        /// `view` holds a valid event.
        case event
        /// `view` holds the line's extent and no more.
        case fault(EventFault)
    }

    private var scanner = TokenScanner()
    private var bytes: PaddedBytes
    private var nextLine = 0
    /// Behind the last newline.
    private var plainEnd = 0
    private var tokens = TokenList.none
    /// What the tokens' offsets count from.
    private var origin = 0
    private var nextToken = 0
    /// Whether the tokens are those of all lines from `origin` on.
    private var isScanned = false
    /// Lines of this payload that were scanned each by itself.
    private var scannedAlone = 0
    private let keys = KeyStack()
    private let names = DecoderNames.all
    private let sequence = NameSequence()
    /// Whether plain lines are taken in one go: always, but where a test compares the two walks.
    private let takesPlainLines: Bool

    /// So many lines are scanned each by itself before it is tried to scan the rest as a whole.
    private static let scannedAloneMax = 4

    package init() {
        self.init(takesPlainLines: true)
    }

    init(takesPlainLines: Bool) {
        bytes = PaddedBuffer.nothing
        self.takesPlainLines = takesPlainLines
    }

    /// Starts on a payload, which must stay alive and unchanged until the last `next`.
    package mutating func begin(_ payload: PaddedBytes) {
        bytes = payload
        nextLine = 0
        isScanned = false
        scannedAlone = 0
        plainEnd = takesPlainLines ? Self.endOfLines(payload) : 0
    }

    /// Decodes the next line into `view`; null behind the last. A last line may lack its newline.
    ///
    /// - Parameter latest: the greatest time that is not `future`.
    package mutating func next(
        into view: inout EventView, from speaker: Speaker, latest: Timestamp = .last
    ) -> Line? {
        if nextLine < plainEnd, speaker == .proxy, takePlain(into: &view, latest) { return .event }
        guard nextLine < bytes.count else { return nil }
        return nextOther(into: &view, from: speaker, latest: latest)
    }

    /// Decodes the next line where it is plain and valid; else nothing is taken.
    @inline(__always)
    private mutating func takePlain(into view: inout EventView, _ latest: Timestamp) -> Bool {
        view.start = nextLine
        var line = PlainLine(bytes, names: names, sequence: sequence)
        guard line.take(into: &view), view.end &- view.start <= Self.eventBytesMax else { return false }
        let rule = names.rule(of: view.type)
        guard rule.required.isSubset(of: view.present), !hasWrongCode(view, rule), view.time <= latest else {
            return false
        }
        nextLine = view.end &+ 1
        return true
    }

    /// Decodes the next line, whatever it is.
    @inline(never)
    private mutating func nextOther(
        into view: inout EventView, from speaker: Speaker, latest: Timestamp
    ) -> Line {
        let start = nextLine
        let end = Self.offset(of: 0x0A, in: bytes, from: start, to: bytes.count) ?? bytes.count
        nextLine = end + 1
        view.start = start
        view.end = end
        view.present = []
        view.type = .unknown
        if let fault = scan(from: start, to: end) {
            return .fault(end - start > Self.eventBytesMax ? EventFault(.tooLong) : fault)
        }
        if let fault = decode(into: &view, from: speaker, latest: latest) {
            return .fault(fault)
        }
        return .event
    }

    /// Sees to it that the next token is the first one of the line.
    private mutating func scan(from start: Int, to end: Int) -> EventFault? {
        guard end > start else { return EventFault(.notJSON) }
        if !isScanned, scannedAlone == Self.scannedAloneMax,
            case .success(let list) = scanner.scan(bytes, from: start, to: bytes.count)
        {
            isScanned = true
            tokens = list
            origin = start
            nextToken = 0
        }
        if isScanned {
            // Tokens of lines that were plain, and of one that a fault has left unread.
            while nextToken < tokens.count, origin + tokens[nextToken] < start { nextToken += 1 }
            return nil
        }
        scannedAlone += 1
        origin = start
        nextToken = 0
        switch scanner.scan(bytes, from: start, to: end) {
        case .success(let list):
            tokens = list
            return nil
        case .failure(let fault):
            tokens = .none
            return fault
        }
    }

    private mutating func decode(
        into view: inout EventView, from speaker: Speaker, latest: Timestamp
    ) -> EventFault? {
        let length = view.end - view.start
        if length > Self.eventBytesMax, speaker == .proxy { return EventFault(.tooLong) }
        let mayEscape =
            Self.offset(of: UInt8(ascii: "\\"), in: bytes, from: view.start, to: view.end) != nil
        var header = LineWalk.Header()
        var walk = LineWalk(
            bytes, tokens, from: nextToken, origin: origin, mayEscape: mayEscape, names: names, keys: keys)
        let broken = walk.walkEvent(into: &view, &header)
        nextToken = walk.nextToken
        if let broken { return broken }
        guard header.hasType else { return header.typeFault ?? EventFault(.missingField, isType: true) }
        guard view.has(.time) else {
            return header.timeFault ?? EventFault(.missingField, field: .time)
        }
        if header.isLedgers != (speaker == .ledger) { return EventFault(.reserved, isType: true) }
        if view.type != .unknown {
            if let fault = header.fieldFault { return fault }
            if header.isLedgers, let fault = header.ledgerFault { return fault }
            let rule = names.rule(of: view.type)
            if let field = rule.required.subtracting(view.present).first {
                return EventFault(.missingField, field: field)
            }
            if hasWrongCode(view, rule) { return EventFault(.outOfRange, field: .sipCode) }
        }
        if length > Self.eventBytesMax, view.type != .ledgerRejected { return EventFault(.tooLong) }
        if view.time > latest { return EventFault(.future, field: nil) }
        return nil
    }

    @inline(__always)
    private func hasWrongCode(_ view: borrowing EventView, _ rule: DecoderNames.TypeRule) -> Bool {
        guard let code = view.number(.sipCode) else { return false }
        return code < rule.sipCodes.lower || code > rule.sipCodes.upper
    }

    static func offset(of byte: UInt8, in bytes: PaddedBytes, from start: Int, to end: Int) -> Int? {
        guard start < end else { return nil }
        // Safety: memchr reads the checked range only.
        let text = unsafe bytes.pointer(at: start, to: end)
        guard let first = text.baseAddress else { return nil }
        guard let found = unsafe memchr(first, Int32(byte), text.count) else { return nil }
        return unsafe start + (UnsafeRawPointer(found) - UnsafeRawPointer(first))
    }

    /// The offset behind the last newline; 0 where there is none.
    private static func endOfLines(_ bytes: PaddedBytes) -> Int {
        var end = bytes.count
        while end > 0, bytes[end - 1] != 0x0A { end -= 1 }
        return end
    }
}

extension PaddedBuffer {
    /// An empty payload, for a decoder that has not begun.
    static let nothing: PaddedBytes = {
        // Safety: never freed, so the view outlives every use.
        let base = UnsafeMutablePointer<UInt8>.allocate(capacity: PaddedBytes.padding)
        unsafe base.initialize(repeating: 0, count: PaddedBytes.padding)
        return unsafe PaddedBytes(base: UnsafePointer(base), count: 0)
    }()
}
