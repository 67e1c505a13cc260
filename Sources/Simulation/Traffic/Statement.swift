/// What one source states at one time: everything that the text of an event is written from.
///
/// It holds all it needs of its call, so that it can be held back (for the second proxy, a retransmission, a
/// fault) longer than the call is open.
struct Statement {
    struct Parts: OptionSet {
        let rawValue: UInt16
        static let toTag = Parts(rawValue: 1)
        static let cseq = Parts(rawValue: 2)
        static let callerAgent = Parts(rawValue: 4)
        static let calleeAgent = Parts(rawValue: 8)
        static let parties = Parts(rawValue: 16)
        static let lifetime = Parts(rawValue: 32)
        static let byeSent = Parts(rawValue: 64)
        static let noByeSent = Parts(rawValue: 128)
        static let session = Parts(rawValue: 256)
        static let account = Parts(rawValue: 512)
        static let quality = Parts(rawValue: 1024)
        static let worker = Parts(rawValue: 2048)
    }

    var time: Int64 = 0
    var epoch: Int64 = 0
    var sequence: Int64 = 0
    /// Where the identities of the call are worked out from.
    var seed: UInt64 = 0
    var session = Statement.Session()
    var cseq: UInt32 = 0
    /// The subscribers who call and are called.
    var caller: UInt32 = 0
    var callee: UInt32 = 0
    /// Seconds for `lifetime`, dialogs for a heartbeat's `active`.
    var number: UInt32 = 0
    var source: UInt16 = 0
    var code: UInt16 = 0
    var parts: Parts = []
    var type = Statement.Kind.trying
    var by = Statement.Party.nobody
    var method = Statement.Method.none
    var leg: UInt8 = 0
    var reason = Reason.none
    var callerAgent: UInt8 = 0
    var calleeAgent: UInt8 = 0
    var damage = Damage.none
    var stage = Stage.fresh

    /// How far a statement has come.
    enum Stage: UInt8 {
        /// Just made.
        case fresh
        /// Held back on purpose; no second fault befalls it.
        case delayed
        /// Delivered before, under the identity that it has.
        case repeated
    }

    /// The Reason header (RFC 3326) of a statement.
    enum Reason: UInt8 {
        case none, normal, sessionExpired, cancelled, congestion, ping, credit
    }
}

extension Statement {
    /// The event types of the vocabulary that traffic is made of.
    enum Kind: UInt8 {
        case trying, early, confirmed, acked, alive, failed, terminated
        case refreshRequested, refreshAccepted, refreshFailed
        case timeoutEarly, timeoutSession, timeoutLifetime, timeoutNoAck, timeoutPing, timeoutMedia
        case sourceStarted, sourceHeartbeat, sourceStopped
    }

    /// The field `by`.
    enum Party: UInt8 {
        case nobody, caller, callee, proxy, admin

        /// The caller for the callee, and the callee for everybody else.
        var opposite: Party { self == .callee ? .caller : .callee }
    }

    enum Method: UInt8 {
        case none, invite, update
    }

    /// A refresher parameter as it stands in a header.
    enum Refresher: UInt8 {
        case none, uac, uas
    }

    /// The session fields of one message; a bit of `present` says which of them are stated.
    struct Session {
        struct Presence: OptionSet {
            let rawValue: UInt8
            static let expires = Presence(rawValue: 1)
            static let minimum = Presence(rawValue: 2)
            static let supported = Presence(rawValue: 4)
            static let require = Presence(rawValue: 8)
            static let forwardedExpires = Presence(rawValue: 16)
            static let forwardedMinimum = Presence(rawValue: 32)
        }

        var present: Presence = []
        var refresher = Refresher.none
        var forwardedRefresher = Refresher.none
        var supported = false
        var require = false
        var expires: UInt32 = 0
        var minimum: UInt32 = 0
        var forwardedExpires: UInt32 = 0
        var forwardedMinimum: UInt32 = 0

        /// Seconds that count for the session; 0 without any.
        var effectiveExpires: UInt32 {
            if present.contains(.forwardedExpires) { return forwardedExpires }
            return present.contains(.expires) ? expires : 0
        }

        var effectiveMinimum: UInt32 {
            if present.contains(.forwardedMinimum) { return forwardedMinimum }
            return present.contains(.minimum) ? minimum : 0
        }

        var effectiveRefresher: Refresher { forwardedRefresher == .none ? refresher : forwardedRefresher }

        /// What the next proxy receives.
        var asForwarded: Session {
            var next = self
            next.present.subtract([.forwardedExpires, .forwardedMinimum])
            next.forwardedRefresher = .none
            next.refresher = effectiveRefresher
            if present.contains(.forwardedExpires) {
                next.expires = forwardedExpires
                next.set(.expires, forwardedExpires > 0)
            }
            if present.contains(.forwardedMinimum) {
                next.minimum = forwardedMinimum
                next.set(.minimum, forwardedMinimum > 0)
            }
            return next
        }

        private mutating func set(_ field: Presence, _ stated: Bool) {
            if stated { present.insert(field) } else { present.remove(field) }
        }
    }
}
