internal import Events

/// What a call's facts make of its records, each time one is added to a call that may have ended.
extension CallBook {
    /// Takes back what a settled call has added, before it changes.
    mutating func unsettle(_ slot: Int) {
        if !putsOff {
            fold.fold(entries[slot].chain, in: arena, sources: sources)
            statistics.remove(fold.statisticsShare(asOf: .last), userAgent: fold.countedUserAgent)
            if entries[slot].history == nil { makeHistory(slot) }
        }
        entries[slot].marks.subtract(.settled)
        entries[slot].generation &+= 1
    }

    /// Makes the call's records what its facts make them now.
    mutating func conclude(_ slot: Int, because position: Position) throws {
        fold.fold(entries[slot].chain, in: arena, sources: sources)
        let known = entries[slot].history
        if known != nil || fold.hasRecord {
            // A call that was put back has a history without records where none was made yet.
            if known?.records.isEmpty ?? true, fold.hasRecord, !putsOff {
                newMarks.append(ForgottenCalls.mark(entries[slot].key))
            }
            let history = known ?? (canTellLater ? nil : beginHistory(slot))
            forEachRecord { book, record, leg, policy in
                book.put(record, leg, policy, history, because: position)
            }
            if let known { withdrawOthers(known, because: position) }
        }
        settle(slot)
    }

    /// Whether the records of the call that is folded, its first ones, can be told again from its facts for
    /// as long as nothing changes: most calls are never asked again.
    private var canTellLater: Bool { !putsOff && gaps.isEmpty && fold.isSettled }

    private mutating func beginHistory(_ slot: Int) -> History {
        let history = History()
        entries[slot].history = history
        return history
    }

    /// Notes what the records of the settled call that is folded say, and have said since it settled.
    private mutating func makeHistory(_ slot: Int) {
        let history = beginHistory(slot)
        forEachRecord { book, record, _, policy in
            let place = book.rows.place
            record.append(to: &book.rows, of: book.fold, common: book.common, policy: policy.citation)
            let content = book.rows.contentHash(first: 0, count: CallRecord.revisedColumnCount)
            book.rows.goBack(to: place)
            history.records.append(
                History.Record(toTag: book.fold.toTag(record), revision: 1, content: content))
        }
    }

    /// Makes the histories of all settled calls that lack one, before something changes that records are made
    /// of besides a call's own facts.
    private mutating func makeHistories() {
        for index in max(historiesMade, settledHead)..<settled.count {
            let slot = Int(settled[index].slot)
            guard entries[slot].generation == settled[index].generation,
                entries[slot].marks.contains(.settled), entries[slot].history == nil
            else { continue }
            fold.fold(entries[slot].chain, in: arena, sources: sources)
            makeHistory(slot)
        }
        historiesMade = settled.count
    }

    /// Bills what is concluded from now on by these policies.
    package mutating func use(_ policies: PolicyHistory) {
        if !putsOff { makeHistories() }
        self.policies = policies
    }

    /// Makes records from now on with these gaps open.
    package mutating func use(_ gaps: OpenGaps) {
        // While any are open, histories are made at once.
        if !putsOff, self.gaps.isEmpty, !gaps.isEmpty { makeHistories() }
        self.gaps = gaps
    }

    /// Makes each record that the call has, as it is folded.
    mutating func forEachRecord(
        _ body: (inout CallBook, CallRecord, _ leg: Int?, BillingPolicy) -> Void
    ) {
        common.gather(fold, sources: sources)
        if fold.end != nil {
            let record = fold.recordWithoutLegs(gaps: gaps, sources: sources)
            body(&self, record, nil, policies.policy(at: record.endedAt))
        }
        for index in fold.legs.indices {
            guard let endedAt = fold.legs[index].endedAt else { continue }
            let policy = policies.policy(at: endedAt)
            var record = CallRecord()
            fold.fill(&record, of: fold.legs[index], policy: policy, gaps: gaps, sources: sources)
            body(&self, record, index, policy)
        }
    }

    private mutating func put(
        _ record: CallRecord, _ leg: Int?, _ policy: BillingPolicy, _ history: History?,
        because position: Position
    ) {
        if putsOff, let history { return remember(record, policy, history, because: position) }
        record.append(to: &rows, of: fold, common: common, policy: policy.citation)
        guard let history else {
            appendRest(1, leg)
            return rows.end(.insertRecord)
        }
        let content = rows.contentHash(first: 0, count: CallRecord.revisedColumnCount)
        let known = history.records.firstIndex { fold.isToTag($0.toTag, of: record) }
        let old = known.flatMap { history.records[$0].content }
        let isSame = old == content
        let revision = (known.map { history.records[$0].revision } ?? 0) + (isSame ? 0 : 1)
        appendRest(revision, leg)
        if old != nil, !isSame {
            rows.endBehind(.replaceRecord) { rows in
                rows.append(fold.callID, in: fold.bytes)
                rows.append(fold.fromTag, in: fold.bytes)
                rows.append(record.toTag ?? TextSlice(start: 0, length: 0), in: fold.bytes)
                rows.integer(Int64(position.rawValue))
                rows.integer(0)
            }
        } else {
            rows.end(old == nil ? .insertRecord : .replaceRecord)
        }
        if let known {
            history.records[known].revision = revision
            history.records[known].content = content
        } else {
            history.records.append(
                History.Record(toTag: fold.toTag(record), revision: revision, content: content))
        }
    }

    /// The columns of a record that are no part of what it says.
    mutating func appendRest(_ revision: Int64, _ leg: Int?) {
        guard let leg else { return LegTimer.appendNone(to: &rows, revision, common.positions) }
        fold.fill(&timer, of: fold.legs[leg], asOf: .last)
        timer.append(to: &rows, revision, common.positions)
    }

    /// Records that the facts no longer make: their next revision is a withdrawal.
    private mutating func withdrawOthers(_ history: History, because position: Position) {
        for index in history.records.indices {
            guard history.records[index].content != nil, !stands(history.records[index].toTag) else {
                continue
            }
            let toTag = history.records[index].toTag
            if putsOff { appendRevision(history.records[index], because: position, isWithdrawn: true) }
            history.records[index].revision += 1
            history.records[index].content = nil
            if putsOff { continue }
            rows.append(fold.callID, in: fold.bytes)
            rows.append(fold.fromTag, in: fold.bytes)
            rows.append(toTag)
            rows.integer(Int64(position.rawValue))
            rows.integer(1)
            rows.end(.supersede)
            rows.append(fold.callID, in: fold.bytes)
            rows.append(fold.fromTag, in: fold.bytes)
            rows.append(toTag)
            rows.end(.deleteRecord)
        }
    }

    /// Whether the call, as folded, has a record with this To tag.
    private func stands(_ toTag: [UInt8]) -> Bool {
        if fold.end != nil, toTag.isEmpty { return true }
        for leg in fold.legs where leg.end != nil {
            if TextBytes.areEqual(fold.bytes, fold.toTag(leg), toTag) { return true }
        }
        return false
    }

    /// Keeps statistics and findings of settled calls in step; those of open ones are asked for when needed.
    private mutating func settle(_ slot: Int) {
        if putsOff {
            if fold.isSettled { awaitLeaving(slot, .settled) }
            return
        }
        if entries[slot].marks.contains(.hasFindings) {
            rows.append(fold.callID, in: fold.bytes)
            rows.append(fold.fromTag, in: fold.bytes)
            rows.end(.deleteFindings)
            entries[slot].marks.subtract(.hasFindings)
        }
        guard fold.isSettled else { return }
        awaitLeaving(slot, .settled)
        if countSettled() { entries[slot].marks.formUnion(.hasFindings) }
    }

    /// Adds the settled call's share of statistics and findings; says whether there are findings.
    mutating func countSettled() -> Bool {
        statistics.add(fold.statisticsShare(asOf: .last), userAgent: fold.countedUserAgent)
        let context = CallFold.AuditContext(policies: policies, gaps: gaps, asOf: .last)
        let findings = fold.audit(context, sources: sources)
        if findings.isEmpty { return false }
        for finding in findings { append(finding) }
        findingSums.add(findings, userAgent: fold.countedUserAgent)
        return true
    }

    private mutating func append(_ finding: Finding) {
        rows.word(finding.code.rawValue)
        rows.word(finding.code.severity.name)
        rows.append(fold.callID, in: fold.bytes)
        rows.append(fold.fromTag, in: fold.bytes)
        rows.append(finding.toTag ?? TextSlice(start: 0, length: 0), in: fold.bytes)
        rows.integer(finding.at.rawValue)
        var positions: [UInt8] = []
        CallCommon.append(finding.positions, to: &positions)
        rows.append(positions)
        rows.append(finding.detail)
        rows.append(fold.countedUserAgent)
        rows.end(.insertFinding)
    }
}

extension CallFold {
    /// The To tag of a record's key; empty for leg 0.
    package func toTag(_ record: CallRecord) -> [UInt8] {
        guard let slice = record.toTag else { return [] }
        // Safety: copied during the call; the slicing checks the range.
        return unsafe bytes.withUnsafeBufferPointer {
            unsafe [UInt8](UnsafeBufferPointer(rebasing: $0[slice.range]))
        }
    }

    func isToTag(_ toTag: [UInt8], of record: CallRecord) -> Bool {
        guard let slice = record.toTag else { return toTag.isEmpty }
        return TextBytes.areEqual(bytes, slice, toTag)
    }

    /// Each record that the call has: one for each leg that has ended, or leg 0's.
    package func forEachRecord<Failure: Error>(
        gaps: OpenGaps, policies: PolicyHistory, sources: SourceRegistry,
        _ body: (CallRecord, Leg?, String) throws(Failure) -> Void
    ) throws(Failure) {
        if end != nil {
            let record = recordWithoutLegs(gaps: gaps, sources: sources)
            try body(record, nil, policies.policy(at: record.endedAt).citation)
        }
        for leg in legs {
            guard let endedAt = leg.endedAt else { continue }
            let policy = policies.policy(at: endedAt)
            try body(record(of: leg, policy: policy, gaps: gaps, sources: sources), leg, policy.citation)
        }
    }
}
