/// Why bytes are no valid event.
public struct EventFault: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Code: UInt8, Sendable {
        /// No JSON (RFC 8259), or something besides the one object.
        case notJSON
        case notAnObject
        case invalidUTF8
        case loneSurrogate
        case duplicateKey
        /// More than `EventDecoder.eventBytesMax` bytes.
        case tooLong
        case missingField
        case wrongType
        case outOfRange
        /// A type of the ledger's from another source, or another type from the ledger.
        case reserved
        /// More than 24 hours ahead of the ledger's clock on arrival.
        case future
    }

    public let code: Code
    /// The field at fault; null where the text as a whole is.
    package let field: Field?
    /// Whether the field at fault is `type`.
    let isType: Bool

    package init(_ code: Code, field: Field? = nil, isType: Bool = false) {
        self.code = code
        self.field = field
        self.isType = isType
    }

    /// The text that `ledger.rejected` states as `reason`: the code's name, a colon and the field where there
    /// is one.
    public var description: String {
        let name: String =
            switch code {
            case .notJSON: "not_json"
            case .notAnObject: "not_an_object"
            case .invalidUTF8: "invalid_utf8"
            case .loneSurrogate: "lone_surrogate"
            case .duplicateKey: "duplicate_key"
            case .tooLong: "too_long"
            case .missingField: "missing_field"
            case .wrongType: "wrong_type"
            case .outOfRange: "out_of_range"
            case .reserved: "reserved"
            case .future: "future"
            }
        if isType { return name + ":type" }
        guard let field else { return name }
        return "\(name):\(field.name)"
    }
}
