/// A call that goes on in virtual time: what its parties have agreed and what comes next.
struct OpenCall {
    struct Plan: OptionSet {
        let rawValue: UInt32
        static let challenge = Plan(rawValue: 1)
        static let challengeByCallee = Plan(rawValue: 2)
        static let redirect = Plan(rawValue: 4)
        static let fork = Plan(rawValue: 8)
        static let answeredTwice = Plan(rawValue: 16)
        static let lossy = Plan(rawValue: 32)
        static let reinvite = Plan(rawValue: 64)
        static let noAck = Plan(rawValue: 128)
        static let hung = Plan(rawValue: 256)
        static let silent = Plan(rawValue: 512)
        static let byAdmin = Plan(rawValue: 1024)
        static let byProxy = Plan(rawValue: 2048)
        static let scanner = Plan(rawValue: 4096)
        /// The proxy still watches the session timer.
        static let watched = Plan(rawValue: 8192)
        /// The end is the other side's, for want of a refresh.
        static let endsForExpiry = Plan(rawValue: 16384)
        /// Counted among its source's dialogs.
        static let counted = Plan(rawValue: 32768)
        /// The refresh under way holds (or changes) the media and is not due to the timer.
        static let refreshIsHold = Plan(rawValue: 65536)
        /// The interval that a 422 to a refresh asked for is to be used.
        static let refreshRetried = Plan(rawValue: 131_072)
    }

    enum Phase: UInt8 {
        case invite, refused, ringing, outcome, ack, noAck, talk, refreshAnswer, watch, gone
        case plainConfirmed, plainMiddle, plainEnd
    }

    enum Outcome: UInt8 {
        case answered, failed, timeoutEarly, abandoned
    }

    var seed: UInt64
    var nextAt: Int64
    var answeredAt: Int64 = 0
    var endAt: Int64 = 0
    /// When the session expires; 0 without a timer.
    var expiresAt: Int64 = 0
    /// When one side refreshes next; `never` if none will.
    var refreshAt = OpenCall.never
    var pingAt = OpenCall.never
    var holdAt = OpenCall.never
    var plan: Plan = []
    var caller: UInt32
    var callee: UInt32
    /// Seconds agreed; 0 without a timer.
    var interval: UInt32 = 0
    /// What the last INVITE asked for, as the callee saw it.
    var offered: UInt32 = 0
    var offeredMinimum: UInt32 = 0
    /// Greatest Min-SE of the 422s so far.
    var demanded: UInt32 = 0
    var lifetime: UInt32 = 0
    var callerSequence: UInt32
    var calleeSequence: UInt32 = 0
    /// Life of the source in which the call began.
    var life: UInt32
    var source: UInt16
    /// A second proxy on the path, or `noSecond`.
    var second = OpenCall.noSecond
    /// Status that the outcome, or the refusal under way, has.
    var code: UInt16 = 0
    var refusal: UInt16 = 0
    var phase = Phase.invite
    var outcome = Outcome.answered
    var callerAgent: UInt8
    var calleeAgent: UInt8
    var leg: UInt8 = 0
    /// Provisional responses still to come.
    var ringsLeft: UInt8 = 0
    var asked = Statement.Refresher.none
    var refresher = Statement.Party.nobody
    var failedBy = Statement.Party.callee
    /// The refresh under way, and the end at which a `watch` arrives.
    var refreshBy = Statement.Party.nobody
    var refreshMethod = Statement.Method.none
    var refreshFields = Statement.Refresher.none
    var watchFor = Statement.Kind.timeoutSession
    var intervalTries: UInt8 = 0

    static let never = Int64.max
    static let noSecond = UInt16.max

    /// The CSeq that `party` uses for its next request in the dialog.
    mutating func nextSequence(of party: Statement.Party) -> UInt32 {
        if party == .callee {
            calleeSequence += 1
            return calleeSequence
        }
        callerSequence += 1
        return callerSequence
    }

    func sequence(of party: Statement.Party) -> UInt32 { party == .callee ? calleeSequence : callerSequence }
}
