/// How billed time is made of a call's times. Comes from a file; its name and hash stand in each record.
public struct BillingPolicy: Hashable, Sendable {
    /// Whose word counts where nobody saw the end.
    public enum HungCall: String, Sendable, CaseIterable {
        /// Up to the last event that proves that the call lived.
        case lastProof = "last_proof"
        /// Up to the session expiry, or the end where that is earlier or no timer ran.
        case sessionExpiry = "session_expiry"
        /// Up to the time at which the proxy or the ledger gave up.
        case timeout
        /// Nothing yet: somebody has to decide.
        case hold
    }

    public enum Rounding: String, Sendable, CaseIterable {
        case up, down, nearest
    }

    public let id: String
    /// The first 16 hex digits of the SHA-256 of the policy's file.
    public let hash: String
    public let hungCall: HungCall
    /// Milliseconds, at least 1.
    public let roundMilliseconds: Int64
    public let rounding: Rounding
    /// Milliseconds; what was at least 1 ms is billed with so many at least.
    public let minimumMilliseconds: Int64
    /// As records cite it.
    public let citation: String

    public init(
        id: String, hash: String, hungCall: HungCall = .lastProof, roundMilliseconds: Int64 = 1000,
        rounding: Rounding = .up, minimumMilliseconds: Int64 = 0
    ) {
        precondition(roundMilliseconds > 0 && minimumMilliseconds >= 0)
        self.id = id
        self.hash = hash
        self.hungCall = hungCall
        self.roundMilliseconds = roundMilliseconds
        self.rounding = rounding
        self.minimumMilliseconds = minimumMilliseconds
        citation = "\(id):\(hash)"
    }

    /// The text of the built-in policy, as a file would hold it; `hash` is made of these bytes.
    public static let builtInText =
        #"{"id":"default","hung_call":"last_proof","round_ms":1000,"round":"up","minimum_ms":0}"#
    public static let builtIn = BillingPolicy(id: "default", hash: "61f1bcd4b10c075c")

    /// Milliseconds to bill for so many microseconds.
    public func billed(microseconds: Int64) -> Int64 {
        let exact = max(microseconds, 0) / 1000
        let step = roundMilliseconds
        // In whole steps and what is over, so that no sum can overflow.
        let (steps, over) = exact.quotientAndRemainder(dividingBy: step)
        let isRoundedUp =
            switch rounding {
            case .up: over > 0
            case .down: false
            case .nearest: over >= step - over
            }
        let rounded = (steps + (isRoundedUp ? 1 : 0)) * step
        return exact >= 1 ? max(rounded, minimumMilliseconds) : rounded
    }
}
