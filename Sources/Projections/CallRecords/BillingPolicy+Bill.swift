package import Events

extension BillingPolicy {
    /// How sure an end is: a BYE was seen, the media relay saw none any more, or somebody guessed.
    package enum End: Sendable {
        case bye
        case media
        case guess

        /// The end of a leg whose record has this `termination`.
        package init(_ termination: Termination) {
            self =
                switch termination {
                case .callerBye, .calleeBye, .proxyBye, .adminBye: .bye
                case .mediaTimeout: .media
                case .sessionTimeout, .lifetimeTimeout, .noAck, .pingTimeout, .unterminated: .guess
                }
        }
    }

    /// All that a leg is billed by, besides the policy.
    package struct Span: Sendable {
        package let answeredAt: Timestamp
        package let endedAt: Timestamp
        package let lastProofAt: Timestamp
        /// The session expiry; null where no timer runs at the last mark.
        package let expiry: Timestamp?
        package let end: End

        package init(
            answeredAt: Timestamp, endedAt: Timestamp, lastProofAt: Timestamp, expiry: Timestamp?, end: End
        ) {
            self.answeredAt = answeredAt
            self.endedAt = endedAt
            self.lastProofAt = lastProofAt
            self.expiry = expiry
            self.end = end
        }
    }

    /// What a leg is billed.
    ///
    /// - Parameter option: whose word counts where nobody saw the end; the policy's own, unless another one
    ///   is asked for.
    package func bill(_ span: Span, as option: HungCall? = nil) -> Bill {
        func bill(to end: Timestamp, _ basis: String) -> Bill {
            Bill(milliseconds: billed(microseconds: end.microseconds(since: span.answeredAt)), basis: basis)
        }
        switch span.end {
        case .bye: return bill(to: span.endedAt, "bye")
        case .media: return bill(to: span.endedAt, "media")
        case .guess: break
        }
        let option = option ?? hungCall
        switch option {
        case .lastProof: return bill(to: span.lastProofAt, option.rawValue)
        case .sessionExpiry: return bill(to: min(span.expiry ?? span.endedAt, span.endedAt), option.rawValue)
        case .timeout: return bill(to: span.endedAt, option.rawValue)
        case .hold: return Bill(milliseconds: nil, basis: "held")
        }
    }
}
