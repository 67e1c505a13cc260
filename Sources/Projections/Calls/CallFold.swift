package import Events

/// A call as its facts tell it: legs, attempts, ends and timer marks, by the rules of `schemas/records.md`.
///
/// A fold is scratch space that is used for one call after another. It knows nothing of time passing: what
/// depends on `as_of` is asked with it. The order in which the facts came makes no difference.
package struct CallFold: ~Copyable {
    /// The state's bytes, padded; every `TextSlice` of the fold points into them.
    package private(set) var bytes: [UInt8] = []
    /// How many of them are the state's own.
    private var packedCount = 0
    package private(set) var callID = TextSlice(start: 0, length: 0)
    package private(set) var fromTag = TextSlice(start: 0, length: 0)
    /// In canonical order.
    package private(set) var facts: [Fact] = []
    package private(set) var tags: [TextSlice] = []
    /// In the order of their numbers.
    package private(set) var legs: [Leg] = []
    package private(set) var marks: [Mark] = []
    /// The greatest CSeq among the call's INVITEs; -1 where none is known.
    package private(set) var finalAttempt: Int64 = -1
    /// Which fact ends a call that has no legs.
    package private(set) var end: Int?
    package private(set) var settings: Settings
    /// The To tag of the last fact that came with one; -1 where none did.
    private(set) var lastTag: Int32 = -1
    /// The types of the call's facts.
    private(set) var types = EventTypeSet()
    /// Each `dialog.trying`, repeats left out.
    private(set) var tryings: [Int] = []
    /// The fact that the call first rang with.
    package private(set) var ringing: Int?
    private var legTags = TagSet()

    private static let padding = [UInt8](repeating: 0, count: PaddedBytes.padding)

    /// Up to so many facts, comparing each with each beats a set.
    private static let pairwiseMax = 32

    package init(settings: Settings) {
        self.settings = settings
    }

    /// Folds a call anew from its facts.
    package mutating func fold(_ state: CallState, sources: SourceRegistry) {
        bytes.removeAll(keepingCapacity: true)
        bytes.append(contentsOf: state.bytes)
        fold(sources)
    }

    /// Folds a call anew from its packed facts.
    mutating func fold(packed: ArraySlice<UInt8>, sources: SourceRegistry) {
        bytes.removeAll(keepingCapacity: true)
        bytes.append(contentsOf: packed)
        fold(sources)
    }

    /// Folds a call anew from its facts in an arena.
    mutating func fold(_ chain: FactArena.Chain, in arena: borrowing FactArena, sources: SourceRegistry) {
        bytes.removeAll(keepingCapacity: true)
        arena.copy(chain, to: &bytes)
        fold(sources)
    }

    /// Folds a call as it is known from its first so many facts in canonical order.
    package mutating func fold(first count: Int, of whole: borrowing CallFold) {
        precondition(count > 0 && count <= whole.facts.count, "a call has at least one fact")
        (bytes, tags, lastTag) = (whole.bytes, whole.tags, whole.lastTag)
        (callID, fromTag) = (whole.callID, whole.fromTag)
        // What repeats an earlier fact does so whatever comes later.
        facts.removeAll(keepingCapacity: true)
        facts.append(contentsOf: whole.facts.prefix(count))
        conclude()
    }

    private mutating func fold(_ sources: SourceRegistry) {
        packedCount = bytes.count
        bytes.append(contentsOf: Self.padding)
        unpack()
        sort(sources)
        markRepeats()
        conclude()
    }

    private mutating func conclude() {
        survey()
        findLegs()
        end = legs.isEmpty ? endWithoutLegs() : nil
    }

    /// Notes in one pass what is asked of the facts again and again.
    private mutating func survey() {
        types = EventTypeSet()
        finalAttempt = -1
        ringing = nil
        tryings.clear()
        legTags.removeAll()
        for index in facts.indices {
            let (type, tag) = (facts[index].type, Int(facts[index].tag))
            types.insert(type)
            if tag >= 0, facts[index].makesLeg(in: bytes) { legTags.insert(tag) }
            if type.belongsToAttempt { finalAttempt = max(finalAttempt, facts[index].cseq) }
            if facts[index].isRepeat { continue }
            if type == .dialogTrying { tryings.append(index) }
            if type == .dialogEarly, ringing == nil, (180...183).contains(facts[index].sipCode) {
                ringing = index
            }
        }
    }

    /// Appends the packed state as it was folded.
    ///
    /// - Parameter start: how many bytes to leave out.
    package func appendPacked(from start: Int, to target: inout RowBatch) {
        // Safety: lent for the call; the slicing checks the range.
        unsafe bytes.withUnsafeBufferPointer {
            unsafe target.text.append(contentsOf: UnsafeBufferPointer(rebasing: $0[start..<packedCount]))
        }
    }

    /// Whether the call has neither an open leg nor an open beginning.
    package var isSettled: Bool {
        if legs.isEmpty { return end != nil }
        for index in legs.indices where legs[index].end == nil { return false }
        return true
    }

    /// Whether the call has a record: an end, or a leg that has one.
    var hasRecord: Bool {
        if end != nil { return true }
        for index in legs.indices where legs[index].end != nil { return true }
        return false
    }

    /// Start of the call: its earliest `dialog.trying`, else its earliest event.
    package var startedAt: Timestamp { facts[start].time }

    /// The fact that the call starts with.
    package var start: Int { tryings.first ?? 0 }

    package func toTag(_ leg: Leg) -> TextSlice { tags[Int(leg.tag)] }

    /// The earliest `dialog.trying` of an attempt, as an index of `facts`.
    package func trying(ofAttempt cseq: Int64) -> Int? {
        for index in tryings where facts[index].cseq == cseq { return index }
        return nil
    }

    private mutating func unpack() {
        facts.removeAll(keepingCapacity: true)
        tags.clear()
        // Safety: the array is not touched while the reader is in use.
        unsafe bytes.withUnsafeBufferPointer { packed in
            var reader = unsafe PackedReader(UnsafeBufferPointer(rebasing: packed[..<packedCount]))
            callID = reader.text()
            fromTag = reader.text()
            lastTag = -1
            while reader.hasMore {
                facts.append(Fact())
                reader.fact(into: &facts[facts.count - 1], tags: &tags, lastTag: &lastTag)
            }
        }
    }

    /// Into canonical order; facts mostly come in it.
    private mutating func sort(_ sources: SourceRegistry) {
        func precedes(_ left: Fact, _ right: Fact) -> Bool {
            left.time == right.time ? sources.precedes(left, right) : left.time < right.time
        }
        for index in facts.indices.dropFirst() where facts[index].time <= facts[index - 1].time {
            guard precedes(facts[index], facts[index - 1]) else { continue }
            facts.sort(by: precedes)
            return
        }
    }

    /// Of facts that state the same occurrence the earliest stands for all.
    private mutating func markRepeats() {
        guard facts.count <= Self.pairwiseMax else {
            var seen = Set<Occurrence>(minimumCapacity: facts.count)
            for index in facts.indices where facts[index].isMerged {
                facts[index].isRepeat = !seen.insert(Occurrence(facts[index], in: bytes)).inserted
            }
            return
        }
        var seen = EventTypeSet()
        for index in facts.indices where facts[index].isMerged {
            let type = facts[index].type
            if seen.contains(type), repeatsEarlier(index) { facts[index].isRepeat = true }
            seen.insert(type)
        }
    }

    private func repeatsEarlier(_ index: Int) -> Bool {
        for earlier in 0..<index where facts[earlier].type == facts[index].type {
            if !facts[earlier].isRepeat, facts[earlier].statesTheSame(as: facts[index], in: bytes) {
                return true
            }
        }
        return false
    }

    private mutating func findLegs() {
        legs.clear()
        marks.clear()
        for tag in tags.indices where legTags.contains(tag) {
            legs.append(leg(Int32(tag)))
        }
        if legs.count > 1 { numberLegs() }
        for index in legs.indices {
            legs[index].number = index + 1
        }
    }

    /// By answer time, then by To tag as bytes.
    private mutating func numberLegs() {
        let (bytes, tags) = (self.bytes, self.tags)
        legs.sort {
            if $0.answeredAt != $1.answeredAt { return $0.answeredAt < $1.answeredAt }
            return bytes[tags[Int($0.tag)].range].lexicographicallyPrecedes(bytes[tags[Int($1.tag)].range])
        }
    }

    private mutating func leg(_ tag: Int32) -> Leg {
        var leg = Leg(tag: tag)
        for index in facts.indices where facts[index].tag == tag && !facts[index].isRepeat {
            if facts[index].type == .dialogConfirmed, leg.confirmed == nil { leg.confirmed = index }
            if leg.first == nil, facts[index].makesLeg(in: bytes) { leg.first = index }
        }
        guard let answer = leg.confirmed ?? leg.first else {
            preconditionFailure("a leg has an event that makes it")
        }
        leg.answer = answer
        leg.answeredAt = facts[answer].time
        leg.attempt = leg.confirmed.map { facts[$0].cseq } ?? finalAttempt
        let firstMark = marks.count
        appendMarks(of: leg)
        leg.end = end(of: leg, allMarks: firstMark..<marks.count)
        leg.endedAt = leg.end.map { facts[$0].time }
        if let endedAt = leg.endedAt {
            // The answer's mark stands whatever the clocks say; a refresh counts up to the end.
            let confirmed = leg.confirmed
            var kept = firstMark
            for index in firstMark..<marks.count
            where marks[index].fact == confirmed || marks[index].time <= endedAt {
                marks[kept] = marks[index]
                kept += 1
            }
            if kept < marks.count { marks.removeSubrange(kept...) }
        }
        leg.marks = firstMark..<marks.count
        weigh(&leg)
        return leg
    }

    /// Appends the leg's marks as if it had not ended.
    private mutating func appendMarks(of leg: Leg) {
        for index in facts.indices where facts[index].tag == leg.tag && !facts[index].isRepeat {
            let isMark =
                index == leg.confirmed
                || (facts[index].type == .refreshAccepted && facts[index].time >= leg.answeredAt)
            if isMark { marks.append(Mark(facts[index], at: index)) }
        }
    }

    /// Which fact ends a leg: of BYEs and the proxy's own ends the earliest that stands, else the ledger's
    /// presumption, if no later proof of life has overtaken it.
    private func end(of leg: Leg, allMarks: Range<Int>) -> Int? {
        for index in facts.indices where facts[index].tag == leg.tag && !facts[index].isRepeat {
            switch facts[index].type {
            case .dialogTerminated:
                return index
            case .timeoutSession, .timeoutLifetime, .timeoutNoAck, .timeoutPing, .timeoutMedia:
                if !facts[index].byeSent, isFollowedByBye(index) { continue }
                return index
            default: continue
            }
        }
        guard types.contains(.ledgerExpired) else { return nil }
        let expiry = expiry(allMarks)
        for index in facts.indices where facts[index].type == .ledgerExpired && facts[index].tag == leg.tag {
            guard let expiry, expiry.rawValue > facts[index].deadline else { return index }
        }
        return nil
    }

    /// Whether a party hung up the same leg later.
    private func isFollowedByBye(_ index: Int) -> Bool {
        for later in facts.indices[(index + 1)...] where facts[later].type == .dialogTerminated {
            if facts[later].tag == facts[index].tag, !facts[later].isRepeat, facts[later].isByParty {
                return true
            }
        }
        return false
    }

    private func endWithoutLegs() -> Int? {
        for index in facts.indices {
            switch facts[index].type {
            case .dialogFailed where !facts[index].isRepeat && facts[index].cseq == finalAttempt:
                return index
            case .timeoutEarly where facts[index].cseq < 0 || facts[index].cseq == finalAttempt:
                return index
            default: continue
            }
        }
        guard types.contains(.ledgerExpired) else { return nil }
        for index in facts.indices where facts[index].type == .ledgerExpired && facts[index].tag < 0 {
            return index
        }
        return nil
    }

    /// Proof of life and refreshes between answer and end.
    private func weigh(_ leg: inout Leg) {
        leg.lastProof = leg.answer
        let lastMoment = leg.endedAt ?? Timestamp(rawValue: .max)
        for index in facts.indices where facts[index].tag == leg.tag && !facts[index].isRepeat {
            let time = facts[index].time
            guard time >= leg.answeredAt, time <= lastMoment else { continue }
            switch facts[index].type {
            case .dialogConfirmed, .dialogAcked, .dialogAlive:
                leg.lastProof = index
            case .refreshAccepted:
                leg.lastProof = index
                leg.refreshes += 1
                if facts[index].isUpdate(in: bytes) { leg.refreshesUpdate += 1 }
                if facts[index].isInvite(in: bytes) { leg.refreshesInvite += 1 }
            case .refreshRequested where facts[index].isByParty:
                leg.lastProof = index
            default: break
            }
        }
        leg.lastProofAt = facts[leg.lastProof].time
    }
}

extension CallFold {
    /// Session expiry by the last of these marks; null where no timer runs there.
    package func expiry(_ range: Range<Int>) -> Timestamp? {
        guard let last = range.last, marks[last].interval > 0 else { return nil }
        return marks[last].expiry
    }

    package func expiry(of leg: Leg) -> Timestamp? { expiry(leg.marks) }

    /// When an open leg is overdue to end: its session expiry, else its answer plus its lifetime.
    package func deadline(of leg: Leg) -> Timestamp {
        if let expiry = expiry(of: leg) { return expiry }
        let stated = leg.confirmed.map { facts[$0].lifetime } ?? -1
        let lifetime = stated >= 0 ? stated : settings.lifetimeSeconds
        return leg.answeredAt.advanced(by: lifetime * Settings.microsecondsPerSecond)
    }

    /// When an unanswered call is overdue to be answered or to fail.
    package var unansweredDeadline: Timestamp {
        startedAt.advanced(by: settings.unansweredSeconds * Settings.microsecondsPerSecond)
    }

    /// The earliest deadline of what is open in the call; null where nothing is.
    package var nextDeadline: Timestamp? {
        if legs.isEmpty { return end == nil ? unansweredDeadline : nil }
        var earliest: Timestamp?
        for leg in legs where leg.end == nil {
            let deadline = deadline(of: leg)
            earliest = min(earliest ?? deadline, deadline)
        }
        return earliest
    }
}
