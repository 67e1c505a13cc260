#if canImport(Glibc)
    internal import Glibc
#endif

/// Cuts a payload of NDJSON into events and holds each against the rules of `schemas/events.schema.json`.
///
/// One pass of the scanner serves the whole payload; only where that fails is each line scanned by itself, so
/// that one bad line costs its neighbours time and nothing else. Decoding allocates nothing per event.
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
    private var tokens = TokenList.none
    private var nextToken = 0
    private var nextLine = 0
    private var isWhole = false
    /// A backslash of what is not decoded yet; behind everything where there is none.
    private var nextEscape = 0
    private var mayEscape = false
    private let keys = KeyStack()
    private let names = DecoderNames()
    /// Whether plain lines are taken in one go: always, but where a test compares the two walks.
    private let takesPlainLines: Bool

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
        nextToken = 0
        nextEscape =
            Self.offset(of: UInt8(ascii: "\\"), in: payload, from: 0, to: payload.count) ?? payload.count
        mayEscape = nextEscape < payload.count
        switch scanner.scan(payload, from: 0, to: payload.count) {
        case .success(let list):
            tokens = list
            isWhole = true
        case .failure:
            tokens = .none
            isWhole = false
        }
    }

    /// Decodes the next line into `view`; null behind the last. A last line may lack its newline.
    ///
    /// - Parameter latest: the greatest time that is not `future`.
    package mutating func next(
        into view: inout EventView, from speaker: Speaker, latest: Timestamp = .last
    ) -> Line? {
        guard nextLine < bytes.count else { return nil }
        let start = nextLine
        if isWhole, takesPlainLines, speaker == .proxy, takePlain(into: &view, latest) { return .event }
        let end = Self.offset(of: 0x0A, in: bytes, from: start, to: bytes.count) ?? bytes.count
        nextLine = end + 1
        view.start = start
        view.end = end
        view.present = []
        view.type = .unknown
        if isWhole {
            // Tokens of the line before that a fault has left unread.
            while nextToken < tokens.count, tokens[nextToken] < start { nextToken += 1 }
        } else {
            nextToken = 0
            if case .failure(let fault) = scanLine(from: start, to: end) {
                return .fault(end - start > Self.eventBytesMax ? EventFault(.tooLong) : fault)
            }
        }
        if let fault = decode(into: &view, from: speaker, latest: latest) {
            return .fault(fault)
        }
        return .event
    }

    /// Decodes the next line where it is plain and valid; else nothing is taken.
    @inline(__always)
    private mutating func takePlain(into view: inout EventView, _ latest: Timestamp) -> Bool {
        while nextToken < tokens.count, tokens[nextToken] < nextLine { nextToken += 1 }
        guard nextToken < tokens.count else { return false }
        view.start = nextLine
        var line = PlainLine(bytes, tokens, from: nextToken, nextEscape: nextEscape, names: names)
        guard line.take(into: &view), view.end - view.start <= Self.eventBytesMax,
            names.required[Int(view.type.rawValue)].isSubset(of: view.present),
            Self.statusCodeFault(view) == nil, view.time <= latest
        else { return false }
        nextToken = line.nextToken
        nextEscape = line.nextEscape
        nextLine = view.end + 1
        return true
    }

    private mutating func scanLine(from start: Int, to end: Int) -> Result<Void, EventFault> {
        guard end > start else { return .failure(EventFault(.notJSON)) }
        switch scanner.scan(bytes, from: start, to: end) {
        case .success(let list):
            tokens = list
            return .success(())
        case .failure(let fault):
            tokens = .none
            return .failure(fault)
        }
    }

    private mutating func decode(
        into view: inout EventView, from speaker: Speaker, latest: Timestamp
    ) -> EventFault? {
        let length = view.end - view.start
        if length > Self.eventBytesMax, speaker == .proxy { return EventFault(.tooLong) }
        var header = LineWalk.Header()
        var walk = LineWalk(
            bytes, tokens, from: nextToken, origin: isWhole ? 0 : view.start, mayEscape: mayEscape,
            names: names,
            keys: keys)
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
            let missing = names.required[Int(view.type.rawValue)].subtracting(view.present)
            if let field = missing.first { return EventFault(.missingField, field: field) }
            if let fault = Self.statusCodeFault(view) { return fault }
        }
        if length > Self.eventBytesMax, view.type != .ledgerRejected { return EventFault(.tooLong) }
        if view.time > latest { return EventFault(.future, field: nil) }
        return nil
    }

    private static func statusCodeFault(_ view: borrowing EventView) -> EventFault? {
        guard let code = view.number(.sipCode), let allowed = view.type.sipCodes else { return nil }
        return allowed.contains(code) ? nil : EventFault(.outOfRange, field: .sipCode)
    }

    static func offset(of byte: UInt8, in bytes: PaddedBytes, from start: Int, to end: Int) -> Int? {
        guard start < end else { return nil }
        // Safety: memchr reads the checked range only.
        let text = unsafe bytes.pointer(at: start, to: end)
        guard let first = text.baseAddress else { return nil }
        guard let found = unsafe memchr(first, Int32(byte), text.count) else { return nil }
        return unsafe start + (UnsafeRawPointer(found) - UnsafeRawPointer(first))
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
