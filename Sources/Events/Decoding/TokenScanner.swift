internal import CSimdJSON

/// The tokens of a text: where each bracket, comma, colon, opening quote, number and literal begins.
@safe
struct TokenList: @unchecked Sendable {
    // Safety: the scanner's own array, valid until its next scan; two sentinels stand behind the last token.
    private let offsets: UnsafePointer<UInt32>?
    let count: Int

    static let none = unsafe TokenList(offsets: nil, count: 0)

    init(offsets: UnsafePointer<UInt32>?, count: Int) {
        unsafe self.offsets = offsets
        self.count = count
    }

    /// Where the tokens and their sentinels stand; there must be tokens.
    @unsafe
    @inline(__always)
    var first: UnsafePointer<UInt32> { unsafe offsets.unsafelyUnwrapped }

    /// The offset of a token; for the first one behind the last, the length of the text.
    @inline(__always)
    subscript(index: Int) -> Int {
        precondition(UInt(bitPattern: index) <= UInt(bitPattern: count), "no such token")
        // Safety: within the tokens and the first sentinel, checked above.
        return unsafe Int(offsets.unsafelyUnwrapped[index])
    }
}

/// simdjson's first stage (see CSimdJSON), which also checks UTF-8 and the ends of strings.
@safe
struct TokenScanner: ~Copyable {
    // Safety: made in init, freed in deinit, never shared.
    private let handle: OpaquePointer

    init() {
        guard let handle = unsafe tollbook_json_scanner_make() else {
            preconditionFailure("no memory for a JSON scanner")
        }
        unsafe self.handle = handle
    }

    deinit {
        // Safety: made in init.
        unsafe tollbook_json_scanner_free(handle)
    }

    /// The tokens of the bytes from `start` to `end`, offsets counted from `start`; valid until the next
    /// scan.
    mutating func scan(_ bytes: PaddedBytes, from start: Int, to end: Int) -> Result<TokenList, EventFault> {
        var offsets: UnsafePointer<UInt32>?
        var count = 0
        // Safety: the range is checked by `pointer`, and the scanner reads nothing beyond it.
        let text = unsafe bytes.pointer(at: start, to: end)
        let status = unsafe tollbook_json_scan(handle, text.baseAddress, text.count, &offsets, &count)
        switch status {
        case Int32(tollbook_json_ok.rawValue):
            return .success(unsafe TokenList(offsets: offsets, count: count))
        case Int32(tollbook_json_invalid_utf8.rawValue):
            return .failure(EventFault(.invalidUTF8))
        case Int32(tollbook_json_no_memory.rawValue):
            preconditionFailure("no memory for the tokens of \(end - start) bytes")
        default:
            return .failure(EventFault(.notJSON))
        }
    }
}
