package import Events

/// What a `CallBook` asks for that is not in memory.
package protocol EarlierCalls: AnyObject {
    /// A call has left memory, or is about to; all of its rows were made before.
    ///
    /// - Parameter mark: see `ForgottenCalls.mark`.
    func left(_ mark: UInt64)

    /// The call that was put away under this key: all its events, and its records as they stand. Rows that
    /// are still in the batch have to be written first.
    func earlier(
        callID: [UInt8], fromTag: [UInt8], mark: UInt64, after pending: inout RowBatch
    ) throws -> EarlierCall?
}

extension EarlierCalls {
    package func left(_ mark: UInt64) {}
}

/// A call that has left memory.
package struct EarlierCall {
    package struct Record {
        package let toTag: [UInt8]
        /// The last revision that there ever was.
        package let revision: Int64
        /// What it says, before `revision`; null where it was withdrawn.
        package let content: RowHash?

        package init(toTag: [UInt8], revision: Int64, content: RowHash?) {
            self.toTag = toTag
            self.revision = revision
            self.content = content
        }
    }

    package let state: CallState
    package let records: [Record]

    package init(state: CallState, records: [Record]) {
        self.state = state
        self.records = records
    }
}

/// The calls that are open, and those that ended lately: takes events in the order of the log, and says which
/// rows make the records of every call what its facts make them.
package struct CallBook: ~Copyable {
    let earlierCalls: any EarlierCalls
    let seed: UInt64
    let settledMax: Int
    let sources: SourceRegistry
    package internal(set) var policies: PolicyHistory
    package internal(set) var gaps = OpenGaps()
    /// Rows to be written, in order.
    package var rows = RowBatch()
    /// Shares of settled calls that came and went since they were last taken.
    package internal(set) var statistics = StatisticsChanges()
    /// Findings of settled calls that came since they were last taken.
    package internal(set) var findingSums = FindingSums()

    var table = CallTable()
    var entries = CallEntries()
    var freeSlots: [Int] = []
    var arena = FactArena()
    var encoder = FactEncoder()
    var fold: CallFold
    var common = CallCommon()
    var timer = LegTimer()
    var dirty: [UInt32] = []
    /// How many calls the read model holds among the open ones.
    package internal(set) var keptCount = 0
    /// The slot that `forEachOpenAgain` goes on with, and the number of its pass through all of them: odd at
    /// first, so that what was put back was not handed over in it.
    var openAgainNext = 0
    var openAgainPass = 1
    /// Settled calls that are still in memory, oldest first: slot and the generation in which it settled.
    var settled: [(slot: UInt32, generation: UInt16)] = []
    var settledHead = 0
    /// Those of `settled` before this one have a history, or are settled no more.
    var historiesMade = 0
    /// Calls that have left memory, and those that had a record before the book was opened.
    var forgotten: ForgottenCalls
    var touched: UInt64 = 0
    /// Marks of calls that have had no record before (see `ForgottenCalls.mark`), since they were last taken.
    package internal(set) var newMarks: [UInt64] = []
    /// Whether records wait until their call leaves memory (see `CallBook+Leaving.swift`).
    package internal(set) var putsOff: Bool
    /// Calls that have left memory while records are put off, and whose records somebody else is to make.
    package var leaving = LeavingCalls()
    /// While records are put off, no record ends later than this: what is still to be taken counts too.
    package internal(set) var endLatest = Timestamp(rawValue: 0)
    /// Microseconds from start to end of the longest record that was put off and said something else later.
    package internal(set) var longest: Int64 = 0

    struct Entry {
        var key: CallKey
        var chain = FactArena.Chain()
        /// Where the To tag of the last fact that has one begins; length 0 for none.
        var tagOffset: UInt32 = 0
        var tagLength: UInt16 = 0
        var marks: Marks = []
        /// How many of the last bytes of its facts were not handed over as an open call's; the greatest
        /// number for as many or more.
        var unsaidBytes: UInt16 = 0
        /// Begins anew behind the last one: whatever stands in `settled` under the same number goes first.
        var generation: UInt16 = 0
        /// What a settled call lacks that has only ever had the records that its facts make, each in its
        /// first revision.
        var history: History?
    }

    struct Marks: OptionSet {
        let rawValue: UInt16
        static let dirty = Marks(rawValue: 1)
        static let settled = Marks(rawValue: 2)
        /// The read model holds it among the open calls.
        static let kept = Marks(rawValue: 4)
        /// A fact could end it or a leg of it.
        static let mayHaveEnded = Marks(rawValue: 8)
        static let hasFindings = Marks(rawValue: 16)
        /// Its facts may have ended it, and nobody has looked yet.
        static let due = Marks(rawValue: 32)
        /// It has a `dialog.terminated`.
        static let terminated = Marks(rawValue: 64)
        /// It may have more than one To tag.
        static let manyTags = Marks(rawValue: 128)
        /// It was handed over whole as an open call at last while `openAgainPass` was odd.
        static let saidInOddPass = Marks(rawValue: 256)
    }

    /// The records that a call ever had.
    final class History {
        struct Record {
            var toTag: [UInt8]
            var revision: Int64
            /// Null where it was withdrawn.
            var content: RowHash?
            /// What it says, as an old revision has it; kept only where no database does.
            var text: [UInt8] = []
        }

        var records: [Record] = []
    }

    /// - Parameters:
    ///   - putsOff: that records wait until their call leaves memory; for a book that is opened on nothing.
    ///   - shelf: for what is kept of calls that are gone; null to have it all in memory.
    package init(
        earlierCalls: any EarlierCalls, seed: UInt64, settings: Settings, sources: SourceRegistry,
        policies: PolicyHistory = PolicyHistory(), putsOff: Bool = false,
        settledMax: Int = Limits.settledCallsInMemoryMax, shelf: (any Shelf)? = nil
    ) {
        forgotten = ForgottenCalls(shelf: shelf)
        self.putsOff = putsOff
        self.earlierCalls = earlierCalls
        self.seed = seed
        self.settledMax = settledMax
        self.sources = sources
        self.policies = policies
        fold = CallFold(settings: settings)
    }

    /// How many calls are in memory, open or lately ended.
    package var count: Int { table.count }
    /// How many there were at most: places are used again.
    package var countMost: Int { entries.count }

    /// Takes an event of a call.
    ///
    /// - Returns: false where records are put off and the call has left memory: then nothing was taken.
    @discardableResult
    package mutating func apply(
        _ view: borrowing EventView, in text: PaddedBytes, at position: Position, sourceEpoch: UInt32,
        seq: SequenceNumber
    ) throws -> Bool {
        try apply(
            view, of: CallKey(view, in: text, seed: seed), in: text, at: position, sourceEpoch: sourceEpoch,
            seq: seq)
    }

    /// Takes an event of a call whose key has been made already.
    package mutating func apply(
        _ view: borrowing EventView, of key: CallKey, in text: PaddedBytes, at position: Position,
        sourceEpoch: UInt32, seq: SequenceNumber
    ) throws -> Bool {
        let slot: Int
        if putsOff {
            if CallState.mayEnd(view.type) { endLatest = max(endLatest, view.time) }
            guard let place = place(of: key) else { return false }
            slot = place
            try lookAgain(slot, because: position)
        } else {
            slot = try self.slot(of: key, view, in: text, at: position)
            markDirty(slot)
        }
        if entries[slot].marks.contains(.settled) { unsettle(slot) }
        append(view, in: text, at: position, sourceEpoch: sourceEpoch, seq: seq, to: slot)
        if CallState.mayEnd(view.type) { entries[slot].marks.formUnion(.mayHaveEnded) }
        guard entries[slot].marks.contains(.mayHaveEnded) else { return true }
        if putsOff, entries[slot].history == nil {
            awaitLeaving(slot)
        } else {
            try conclude(slot, because: position)
        }
        return true
    }

    /// Judges a call again because something besides its own events has changed.
    package mutating func revisit(callID: [UInt8], fromTag: [UInt8], because position: Position) throws {
        let key = CallKey(callID: callID, fromTag: fromTag, seed: seed)
        let slot: Int
        if let known = find(key) {
            slot = known
        } else {
            guard
                let earlier = try earlierCalls.earlier(
                    callID: callID, fromTag: fromTag, mark: ForgottenCalls.mark(key), after: &rows)
            else { return }
            slot = recall(earlier, key)
        }
        if entries[slot].marks.contains(.settled) { unsettle(slot) }
        markDirty(slot)
        try conclude(slot, because: position)
    }

    /// Puts a call back that the read model has kept among the open ones.
    ///
    /// - Parameter call: with all records that it ever had.
    package mutating func restore(_ call: EarlierCall, _ key: CallKey) {
        let slot = recall(call, key)
        entries[slot].marks.formUnion(.kept)
        keptCount += 1
    }

    /// Calls that had a record before the book was opened, by their marks: any other needn't be asked for.
    package mutating func know(marks: [UInt64]) {
        for mark in marks { forgotten.insert(mark: mark) }
    }

    /// Hands over the marks of calls that have got their first record.
    package mutating func takeMarks() -> [UInt64] {
        defer { newMarks.removeAll(keepingCapacity: true) }
        return newMarks
    }

    package mutating func takeStatistics() -> StatisticsChanges {
        defer { statistics = StatisticsChanges() }
        return statistics
    }

    package mutating func takeFindingSums() -> FindingSums {
        defer { findingSums = FindingSums() }
        return findingSums
    }
}

extension CallBook {
    func find(_ key: CallKey) -> Int? {
        table.find(key, in: entries)
    }

    private mutating func slot(
        of key: CallKey, _ view: borrowing EventView, in text: PaddedBytes, at position: Position
    ) throws -> Int {
        if let known = find(key) { return known }
        if forgotten.contains(key) {
            var callID: [UInt8] = []
            var fromTag: [UInt8] = []
            JSONText.append(view.text(.callID) ?? .empty, in: text, to: &callID)
            JSONText.append(view.text(.fromTag) ?? .empty, in: text, to: &fromTag)
            if let earlier = try earlierCalls.earlier(
                callID: callID, fromTag: fromTag, mark: ForgottenCalls.mark(key), after: &rows)
            {
                return recall(earlier, key)
            }
        }
        return makeSlot(key)
    }

    /// A slot for a call of which nothing has come yet.
    mutating func makeSlot(_ key: CallKey) -> Int {
        let slot: Int
        if let free = freeSlots.popLast() {
            let (generation, marks) = (entries[free].generation, entries[free].marks)
            entries[free] = Entry(key: key)
            entries[free].generation = generation
            entries[free].marks = marks
            slot = free
        } else {
            slot = entries.count
            entries.append(Entry(key: key))
        }
        table.insert(key, slot: slot)
        return slot
    }

    private mutating func append(
        _ view: borrowing EventView, in text: PaddedBytes, at position: Position, sourceEpoch: UInt32,
        seq: SequenceNumber, to slot: Int
    ) {
        let chain = entries[slot].chain
        if chain.count == 0 {
            encoder.encodeHead(view, in: text, at: position)
            encoder.encode(
                view, in: text, at: position, sourceEpoch: sourceEpoch, seq: seq,
                baseTime: view.time.rawValue,
                basePosition: position.rawValue, repeatsTag: false, isFirst: true)
        } else {
            let repeatsTag = repeatsTag(view, in: text, slot)
            encoder.encode(
                view, in: text, at: position, sourceEpoch: sourceEpoch, seq: seq,
                baseTime: Int64(bitPattern: arena.word(chain, at: 0)), basePosition: arena.word(chain, at: 8),
                repeatsTag: repeatsTag)
        }
        if view.type == .dialogTerminated { entries[slot].marks.formUnion(.terminated) }
        if encoder.tagLength > 0 {
            if entries[slot].tagLength > 0 { entries[slot].marks.formUnion(.manyTags) }
            entries[slot].tagOffset = chain.count + UInt32(encoder.tagOffset)
            entries[slot].tagLength = UInt16(encoder.tagLength)
        }
        entries[slot].unsaidBytes = UInt16(clamping: Int(entries[slot].unsaidBytes) &+ encoder.count)
        // Safety: copied before the encoder is used again.
        unsafe arena.append(encoder.bytes, to: &entries[slot].chain)
    }

    /// Whether an event's To tag is that of the call's last fact that has one.
    private func repeatsTag(_ view: borrowing EventView, in text: PaddedBytes, _ slot: Int) -> Bool {
        // An escaped tag is packed anew; the reader sees that it is the same.
        guard let tag = view.text(.toTag), !tag.isEscaped, Int(entries[slot].tagLength) == tag.length else {
            return false
        }
        // Safety: read during the call only.
        return unsafe arena.matches(
            entries[slot].chain, at: Int(entries[slot].tagOffset),
            text.pointer(at: Int(tag.start), to: tag.end))
    }

    mutating func markDirty(_ slot: Int) {
        guard !entries[slot].marks.contains(.dirty) else { return }
        entries[slot].marks.formUnion(.dirty)
        dirty.append(UInt32(slot))
    }

    /// A call as it was left.
    private mutating func recall(_ earlier: EarlierCall, _ key: CallKey) -> Int {
        let slot = makeSlot(key)
        // Safety: copied from the array while it is lent.
        unsafe earlier.state.bytes.withUnsafeBufferPointer {
            unsafe arena.append($0, to: &entries[slot].chain)
        }
        fold.fold(entries[slot].chain, in: arena, sources: sources)
        if fold.lastTag >= 0 {
            let tag = fold.tags[Int(fold.lastTag)]
            entries[slot].tagOffset = UInt32(tag.start)
            entries[slot].tagLength = UInt16(tag.length)
        }
        guard fold.facts.contains(where: { CallState.mayEnd($0.type) }) else { return slot }
        entries[slot].marks.formUnion(.mayHaveEnded)
        let history = History()
        history.records = earlier.records.map {
            History.Record(toTag: $0.toTag, revision: $0.revision, content: $0.content)
        }
        entries[slot].history = history
        if fold.isSettled { entries[slot].marks.formUnion([.settled, .hasFindings]) }
        return slot
    }

    /// Lets go of the calls that settled longest ago, as many as are too many.
    package mutating func forgetSettled() { forgetSettled(downTo: settledMax) }

    mutating func forgetSettled(downTo countMax: Int) {
        var ahead = settledHead
        while settled.count - settledHead > countMax {
            if ahead == settledHead { ahead = touchSettled() }
            let (slot, generation) = (Int(settled[settledHead].slot), settled[settledHead].generation)
            settledHead += 1
            // One that has changed since stands in the list again, or is open.
            guard entries[slot].generation == generation,
                !entries[slot].marks.isDisjoint(with: [.settled, .due])
            else { continue }
            if putsOff, !leave(slot) { continue }
            let key = entries[slot].key
            table.remove(key, slot: slot)
            forgotten.insert(key)
            if !putsOff { earlierCalls.left(ForgottenCalls.mark(key)) }
            arena.release(&entries[slot].chain)
            entries[slot].history = nil
            // The slot may wait in the list of what has changed, whoever has it then.
            entries[slot].marks.formIntersection(.dirty)
            entries[slot].generation &+= 1
            freeSlots.append(slot)
        }
        if settledHead > max(countMax, 1024), settledHead * 2 > settled.count {
            settled.removeSubrange(..<settledHead)
            historiesMade = max(historiesMade - settledHead, 0)
            settledHead = 0
        }
    }
}
