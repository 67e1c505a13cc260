internal import Events

/// Records that wait until their call leaves memory: what a rebuild from nothing does, for as long as nothing
/// asks for a record.
///
/// A call is then folded once, when nothing more of it is expected, and its rows are final: they can be
/// written in one go and need not be found again. Where an event does change a call that had ended, the call
/// is looked at before and after, so that the old revision is told as if the records had been written each
/// time. What comes for a call that has left is not taken: whoever rebuilds keeps it for later.
extension CallBook {
    /// The slot of a call, made where it is new; null where it has left memory.
    mutating func place(of key: CallKey) -> Int? {
        if let known = find(key) { return known }
        return forgotten.contains(key) ? nil : makeSlot(key)
    }

    /// Concludes what an earlier event has left undone, before another one comes.
    mutating func lookAgain(_ slot: Int, because position: Position) throws {
        guard entries[slot].marks.contains(.due) else { return }
        entries[slot].marks.subtract(.due)
        entries[slot].generation &+= 1
        try conclude(slot, because: position)
    }

    /// Puts a call in the line of those that leave memory one day.
    mutating func awaitLeaving(_ slot: Int, _ mark: Marks = .due) {
        entries[slot].marks.formUnion(mark)
        settled.append((UInt32(slot), entries[slot].generation))
    }

    /// Notes what a record says, and tells the revision before it, if it says something else.
    mutating func remember(
        _ record: CallRecord, _ policy: BillingPolicy, _ history: History, because position: Position
    ) {
        let place = rows.place
        record.append(to: &rows, of: fold, common: common, policy: policy.citation)
        let content = rows.contentHash(first: 0, count: CallRecord.revisedColumnCount)
        let text = rows.revisionText()
        rows.goBack(to: place)
        longest = max(longest, record.endedAt.microseconds(since: record.startedAt))
        guard let known = history.records.firstIndex(where: { fold.isToTag($0.toTag, of: record) }) else {
            history.records.append(
                History.Record(toTag: fold.toTag(record), revision: 1, content: content, text: text))
            return
        }
        if history.records[known].content == content { return }
        if history.records[known].content != nil {
            appendRevision(history.records[known], because: position, isWithdrawn: false)
        }
        history.records[known].revision += 1
        history.records[known].content = content
        history.records[known].text = text
    }

    /// A revision that has been superseded, as a row.
    mutating func appendRevision(_ record: History.Record, because position: Position, isWithdrawn: Bool) {
        rows.append(fold.callID, in: fold.bytes)
        rows.append(fold.fromTag, in: fold.bytes)
        rows.append(record.toTag)
        rows.integer(record.revision)
        rows.integer(Int64(position.rawValue))
        rows.integer(isWithdrawn ? 1 : 0)
        rows.append(record.text)
        rows.end(.insertRevision)
    }

    /// Makes the final rows of a call that is to leave memory, or puts it among those whose rows others make.
    ///
    /// - Returns: false where it has not ended after all, and so stays.
    mutating func leave(_ slot: Int) -> Bool {
        // One leg, and a BYE ends it: that it has ended can be said without folding it.
        if entries[slot].history == nil, entries[slot].marks.contains(.terminated),
            !entries[slot].marks.contains(.manyTags)
        {
            leaving.append(entries[slot].chain, in: arena)
            newMarks.append(ForgottenCalls.mark(entries[slot].key))
            return true
        }
        fold.fold(entries[slot].chain, in: arena, sources: sources)
        guard fold.isSettled else {
            // No record has to be told of before somebody asks, or another event comes.
            return false
        }
        entries[slot].marks.subtract(.due)
        newMarks.append(ForgottenCalls.mark(entries[slot].key))
        appendRecords(entries[slot].history)
        _ = countSettled()
        return true
    }

    /// The records of the call that is folded, as they stand.
    mutating func appendRecords(_ history: History?) {
        forEachRecord { book, record, leg, policy in
            record.append(to: &book.rows, of: book.fold, common: book.common, policy: policy.citation)
            let known = history?.records.first { book.fold.isToTag($0.toTag, of: record) }
            book.appendRest(known?.revision ?? 1, leg)
            book.rows.end(.insertRecord)
        }
    }

    /// Lets calls go that have ended, however lately: some of them, so that their rows can be handed over.
    ///
    /// - Returns: false where none is left.
    package mutating func letGo() -> Bool {
        let waiting = settled.count - settledHead
        forgetSettled(downTo: max(waiting - Limits.callsLetGo, 0))
        return waiting > 0
    }

    /// Ends the waiting: everything that has ended leaves memory, what is open stays with the records that it
    /// has, and from now on records are written as events change them.
    ///
    /// - Parameter handOver: takes rows, whenever there are many.
    package mutating func stopPuttingOff(_ handOver: (inout RowBatch) throws -> Void) rethrows {
        precondition(settledHead == settled.count, "what has ended is let go first, piece by piece")
        for slot in entries.indices where entries[slot].chain.count > 0 {
            markDirty(slot)
            guard entries[slot].marks.contains(.mayHaveEnded) else { continue }
            fold.fold(entries[slot].chain, in: arena, sources: sources)
            if entries[slot].history == nil, fold.legs.contains(where: { $0.end != nil }) {
                // Nothing has come since: it says what it would have said then.
                let history = History()
                entries[slot].history = history
                forEachRecord { book, record, _, policy in
                    book.remember(record, policy, history, because: Position(rawValue: 0))
                }
            }
            entries[slot].marks.subtract(.due)
            if let history = entries[slot].history {
                newMarks.append(ForgottenCalls.mark(entries[slot].key))
                appendRecords(history)
            }
            if rows.textBytes > Limits.rowTextBytes { try handOver(&rows) }
            entries[slot].history?.forgetTexts()
        }
        putsOff = false
    }
}

extension CallBook.History {
    /// From now on a database has them.
    fileprivate func forgetTexts() {
        for index in records.indices { records[index].text = [] }
    }
}
