internal import Events
internal import GRDB
internal import Projections

/// The open calls of one moment, or those with one Call-ID, in the order of Call-ID and From tag. It holds
/// all their packed facts: some 300 bytes a call.
struct OpenCallList {
    struct Call {
        let state: CallState
        /// The earliest of what is open in it.
        let deadline: Timestamp
        fileprivate let callIDRange: Range<Int>
        fileprivate let fromTagRange: Range<Int>

        /// As it stands in the packed facts.
        var callID: ArraySlice<UInt8> { state.bytes[callIDRange] }
        var fromTag: ArraySlice<UInt8> { state.bytes[fromTagRange] }
    }

    private(set) var calls: [Call] = []

    init(_ db: Database, callID: [UInt8]? = nil) throws {
        try OpenCallIndex(db).forEachState(db) { place, state in
            let name = state.name
            if let callID, !state.bytes[name.callID].elementsEqual(callID) { return }
            calls.append(
                Call(
                    state: state, deadline: place.deadline, callIDRange: name.callID,
                    fromTagRange: name.fromTag))
        }
        calls.sort { Self.order($0, $1) < 0 }
    }

    /// Below, at or above 0, as SQLite orders texts.
    static func order(_ left: Call, _ right: Call) -> Int {
        let order = Self.order(left.callID, right.callID)
        return order == 0 ? Self.order(left.fromTag, right.fromTag) : order
    }

    private static func order(_ left: ArraySlice<UInt8>, _ right: ArraySlice<UInt8>) -> Int {
        for (first, second) in zip(left, right) where first != second { return first < second ? -1 : 1 }
        return left.count - right.count
    }
}
