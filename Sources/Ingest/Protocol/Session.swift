internal import Events

/// What intake knows of one epoch of one source while it runs. What survives it is in the log alone.
struct Session: Sendable {
    let origin: SourceEpoch
    /// The next number that is neither in the log, nor in a group on its way there, nor stated as missing.
    var next: Int64
    /// Whether nothing from `next` on is known: then a batch that begins there is all new, without asking the
    /// table.
    var isPlain: Bool
    /// Numbers just before `next` that the table has not been told of yet.
    var unrecorded: NumberRange?
    /// Everything up to here is on disk, or stated as missing on disk: what an `ack` may say.
    var durableThrough: Int64

    /// The connection that speaks for this epoch.
    var owner: PeerIdentity?
    /// Connections that spoke for it before the owner did, the latest last.
    var superseded: [PeerIdentity] = []
    /// The last group that holds something of this epoch; 0 for none.
    var group: UInt64 = 0
    /// Whether the source was told to wait, and so waits for a `credit`.
    var waits = false
    /// Whether something was dropped while intake was closed, so that the source has to begin again at
    /// `next`.
    var lacks = false

    /// Whether the peer speaks for this epoch; asked for every message.
    func isOwned(by peer: borrowing PeerIdentity) -> Bool {
        switch owner {
        case .some(let owner): owner == peer
        case nil: false
        }
    }
}

/// Which session, among those of a `ProtocolMachine`.
package struct SessionIndex: RawRepresentable, Hashable, Sendable {
    package let rawValue: Int

    package init(rawValue: Int) {
        self.rawValue = rawValue
    }
}

/// Whether events are taken.
package enum IntakeState: Sendable {
    case open
    /// Something downstream is far behind: no credit is granted, what is under way is still taken.
    case paused
    /// The disk is full: nothing is taken.
    case closed
}

/// The number of a group of frames: 1, 2, 3 … since the service was started.
package struct GroupNumber: RawRepresentable, Hashable, Comparable, Sendable {
    package let rawValue: UInt64

    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    package static func < (left: GroupNumber, right: GroupNumber) -> Bool { left.rawValue < right.rawValue }

    package var following: GroupNumber { GroupNumber(rawValue: rawValue + 1) }
}
