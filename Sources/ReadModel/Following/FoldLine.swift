internal import EventLog
internal import Events
internal import Projections

/// Folds the log's frames one after another into rows, and hands these to the writing thread.
struct FoldLine: ~Copyable {
    private let writing: WritingThread
    private let decoding: DecodingAhead
    /// The frames at hand, and which of them.
    private var frames: DecodedFrames?
    private var part = 0
    private let sources: SourceRegistry
    private var sourceEpochsWritten: Int
    private var book: CallBook
    private var completeness: Completeness
    /// The position of the next event to be folded.
    private(set) var next: Position
    /// The greatest time that the log tells.
    private var asOf: Timestamp
    /// Whether the calls that are open are kept once, at the end, and not round by round.
    private let keepsOpenLast: Bool
    private let callEvents: CallEvents
    private let settledCalls: SettledCalls
    private var openCalls: OpenCallChanges
    private var marks: CallMarks
    /// Events of calls that had left memory while records were put off, in their order.
    private var late: [Position] = []
    /// Makes the records of those that leave memory; null where none are put off.
    private var records: RecordThread?
    private var work = RecordThread.Work()
    /// How many of the sources it knows.
    private var sourcesTold = 0
    private var arePoliciesTold = true
    /// Rows besides records that wait with them.
    private var held = RowBatch()

    init(
        _ start: consuming ReadModelDatabase.Start, log: LogDirectory, writing: WritingThread,
        keepsOpenLast: Bool, putsOff: Bool, settledMax: Int, shelf: FileShelf?
    ) throws {
        self.keepsOpenLast = keepsOpenLast
        self.writing = writing
        next = start.next
        openCalls = OpenCallChanges(nextRow: start.openCallsRow)
        marks = CallMarks(row: start.marks.row, bytes: start.marks.bytes)
        asOf = start.asOf
        sources = SourceRegistry(start.sources)
        sourceEpochsWritten = start.sources.count
        completeness = start.completeness
        decoding = DecodingAhead(
            try log.reader(from: start.next, isReadOnce: true), seed: log.id.keySeed)
        callEvents = CallEvents(log: log, sources: sources)
        settledCalls = SettledCalls(events: callEvents, writing: writing, mayOvertake: !keepsOpenLast)
        book = CallBook(
            earlierCalls: settledCalls,
            seed: log.id.keySeed, settings: start.settings, sources: sources,
            policies: start.policies, putsOff: putsOff, settledMax: settledMax,
            shelf: shelf)
        book.use(completeness.open)
        if putsOff {
            records = RecordThread(
                settings: start.settings, policies: start.policies, seed: log.id.keySeed,
                writing: writing)
        }
    }

    /// Puts back the calls that are open, and what is known of all others.
    mutating func restoreOpenCalls(_ database: ReadModelDatabase) throws {
        try database.forEachMarks { book.know(marks: $0) }
        try database.forEachOpenCall { key, call in book.restore(call, key) }
    }

    /// How many calls are in memory, and how many there were at most.
    var callsInMemory: (now: Int, most: Int) { (book.count, book.countMost) }

    /// Ends reading ahead.
    func stop() {
        decoding.stop()
        records?.stop()
    }

    /// Whether there is a frame with something to fold below the limit; it then is the one at hand.
    mutating func readFrame(before limit: Position?) throws -> Bool {
        if let limit, next >= limit { return false }
        while true {
            if let frames {
                while part < frames.parts.count {
                    if frames.parts[part].frame.header.next > next { return true }
                    part += 1
                }
                if let failure = frames.failure { throw failure }
            }
            frames = decoding.next(frames.take())
            part = 0
            if frames == nil { return false }
        }
    }

    /// Folds frames until so many events are folded, or no more are there.
    mutating func takeRound(of count: Int, before limit: Position?) throws {
        var taken = 0
        while taken < count, try readFrame(before: limit), let frames {
            taken += try take(frames, frames.parts[part], before: limit)
            if book.putsOff {
                book.forgetSettled()
                try handOver(atLeast: ReadModelLimits.leavingBytes)
            }
        }
    }

    /// Hands over what the round has changed besides records, and the position, to be committed.
    ///
    /// - Parameter isLast: whether nothing will be folded afterwards.
    mutating func finishRound(isLast: Bool = false) throws {
        if isLast { try land() }
        // Sums can wait as well: nobody reads them before the end.
        if book.putsOff { return writing.commit(next) }
        if isLast { try keepOpenCalls(isLast: true) } else { try letGo() }
        let statistics = book.takeStatistics()
        book.rows.append(statistics, sources: sources)
        let new = book.takeMarks()
        marks.take(new, into: &book.rows, isCommitted: true)
        let findings = book.takeFindingSums()
        book.rows.append(findings)
        book.rows.append(&completeness, sources: sources, sourceEpochs: &sourceEpochsWritten)
        book.rows.set("next_position", Int64(next.rawValue))
        book.rows.set("as_of", asOf.rawValue)
        try writing.write(&book.rows)
        writing.commit(next)
        settledCalls.endRound(next)
    }

    /// Forgets the settled calls that are too many, once nothing of them is left to be written.
    private mutating func letGo() throws {
        if keepsOpenLast { book.forgetSettled() } else { try keepOpenCalls() }
    }

    private mutating func keepOpenCalls(isLast: Bool = false) throws {
        var rows = RowBatch()
        swap(&rows, &book.rows)
        let writing = writing
        try openCalls.take(from: &book, into: &rows, isLast: isLast) { rows in try writing.write(&rows) }
        swap(&rows, &book.rows)
    }
}

extension FoldLine {
    /// Folds a frame's events from `next` on; returns how many.
    private mutating func take(
        _ frames: DecodedFrames, _ part: DecodedFrames.Part, before limit: Position?
    ) throws -> Int {
        let header = part.frame.header
        let sourceEpoch = sources.index(of: header.source)
        let first = Int(next.rawValue) - Int(header.position.rawValue)
        var end = part.events.count
        if let limit { end = min(end, Int(limit.rawValue) - Int(header.position.rawValue)) }
        let begin = max(first, 0)
        let index = max(begin, end)
        if begin < end {
            try take(begin..<end, of: part, frames.views, frames.keys, sourceEpoch)
        }
        if let fault = part.fault, limit.map({ next < $0 }) ?? true { throw fault }
        if index > begin {
            // One entry for the frame; event by event only where that may close a gap.
            let numbers = header.firstSequence.rawValue + Int64(begin)
            try came(numbers...numbers + Int64(index - begin) - 1, sourceEpoch, header.source, at: next)
        }
        return index - begin
    }

    /// Folds some of a part's events.
    private mutating func take(
        _ some: Range<Int>, of part: DecodedFrames.Part, _ views: borrowing EventList, _ keys: [CallKey],
        _ sourceEpoch: UInt32
    ) throws {
        let header = part.frame.header
        let start = part.events.lowerBound
        var index = some.lowerBound
        while index < some.upperBound {
            let ahead = min(index + CallBook.touchMax, some.upperBound)
            book.touch(keys[start + index..<start + ahead], of: views)
            while index < ahead {
                let position = header.position.advanced(by: index)
                try take(
                    views[start + index], of: keys[start + index], part.frame.payload, header, position,
                    sourceEpoch, SequenceNumber(rawValue: header.firstSequence.rawValue + Int64(index)))
                if book.rows.textBytes > Limits.rowTextBytes {
                    if book.putsOff { try handOver(atLeast: 0) } else { try writing.write(&book.rows) }
                }
                index += 1
                next = header.position.advanced(by: index)
            }
        }
    }

    private mutating func take(
        _ view: borrowing EventView, of key: CallKey, _ payload: PaddedBytes, _ header: FrameHeader,
        _ position: Position, _ sourceEpoch: UInt32, _ seq: SequenceNumber
    ) throws {
        if view.type.tellsTime { asOf = max(asOf, view.time) }
        completeness.note(view, of: sourceEpoch)
        // What the event closes is closed before its own call is judged, so that one event makes one
        // revision.
        let closed = closes(view.type, header, sourceEpoch, seq)
        if !closed.isEmpty { book.use(completeness.open) }
        if view.type.belongsToCall {
            if try !book.apply(
                view, of: key, in: payload, at: position, sourceEpoch: sourceEpoch, seq: seq)
            {
                late.append(position)
                if late.count > ReadModelLimits.lateEventsMax { try land() }
            }
        }
        for gap in closed { try revise(gap, at: position) }
        switch view.type {
        case .ledgerGap: try open(view, payload, at: position)
        case .ledgerPolicy: try adopt(view, payload, header.source.epoch, seq, at: position)
        default: break
        }
    }

    /// The gaps that an event closes: its own number comes with it, and that of the event whose rejection it
    /// is.
    private mutating func closes(
        _ type: EventType, _ header: FrameHeader, _ sourceEpoch: UInt32, _ seq: SequenceNumber
    ) -> [Gap] {
        var closed: [Gap] = []
        if type == .ledgerRejected, let subject = header.subject {
            let number = sources.index(of: subject.source)
            completeness.noteRejected(number)
            if !subject.isConflict {
                closed += completeness.came(
                    subject.first.rawValue...subject.last.rawValue, of: number, subject.source)
            }
        }
        if completeness.hasOpenGaps {
            closed += completeness.came(seq.rawValue...seq.rawValue, of: sourceEpoch, header.source)
        }
        return closed
    }

    /// Numbers of a source have come: gaps that lacked them may be closed.
    private mutating func came(
        _ numbers: ClosedRange<Int64>, _ number: UInt32, _ source: SourceEpoch, at position: Position
    ) throws {
        for gap in completeness.came(numbers, of: number, source) {
            try revise(gap, at: position)
        }
    }

    private mutating func open(_ view: borrowing EventView, _ payload: PaddedBytes, at position: Position)
        throws
    {
        guard let source = view.text(.gapSource).flatMap({ SourceName($0, in: payload) }),
            let epoch = view.number(.gapEpoch), let first = view.number(.fromSeq),
            let last = view.number(.toSeq),
            first <= last
        else { return }
        let gap = Gap(
            sourceEpoch: SourceEpoch(source: source, epoch: Epoch(rawValue: epoch)), numbers: first...last,
            after: view.number(.after).map { Timestamp(rawValue: $0) },
            before: view.number(.before).map { Timestamp(rawValue: $0) }, time: view.time, position: position)
        if completeness.state(gap, of: sources.index(of: gap.sourceEpoch)) { try revise(gap, at: position) }
    }

    /// A gap has opened or closed: judge again the records whose evidence it touches.
    private mutating func revise(_ gap: Gap, at position: Position) throws {
        try land()
        book.use(completeness.open)
        try writing.write(&book.rows)
        for call in try writing.calls(touchedBy: gap) {
            try book.revisit(callID: call.callID, fromTag: call.fromTag, because: position)
        }
    }

    private mutating func adopt(
        _ view: borrowing EventView, _ payload: PaddedBytes, _ epoch: Epoch, _ seq: SequenceNumber,
        at position: Position
    ) throws {
        guard let range = view.text(.policy) else { return }
        let text = JSONText.string(range, in: payload)
        // An entry that holds no policy, imported from elsewhere, changes nothing and stops nobody.
        guard let policy = try? PolicyFile.parse(Array(text.utf8), path: "the log's ledger.policy")
        else { return }
        let entry = PolicyHistory.Entry(time: view.time, epoch: epoch, seq: seq)
        var changed = book.policies
        let span = changed.insert(policy, entry)
        if let span, book.putsOff, span.from <= book.endLatest { try land() }
        book.use(changed)
        arePoliciesTold = false
        if book.putsOff { return held.insert(policy: text, entry, at: position) }
        book.rows.insert(policy: text, entry, at: position)
        if let span { try billAgain(span, at: position) }
    }

    /// Hands over the calls that have left memory, and the rows that came with them, once there is enough of
    /// either.
    private mutating func handOver(atLeast bytes: Int) throws {
        let new = book.takeMarks()
        marks.take(new, into: &book.rows, isCommitted: false)
        guard let records, max(book.leaving.byteCount, book.rows.textBytes) >= bytes else { return }
        swap(&work.calls, &book.leaving)
        swap(&work.rows, &book.rows)
        work.newSources = sources.entries[sourcesTold...]
        sourcesTold = sources.entries.count
        work.policies = arePoliciesTold ? nil : book.policies
        arePoliciesTold = true
        try records.give(&work)
        swap(&work.calls, &book.leaving)
        swap(&work.rows, &book.rows)
    }

    /// Ends putting off: what has been concluded goes into the database, then come the events that have
    /// waited.
    ///
    /// What changes many calls at once (a gap, a policy for what has ended) has to find the records that it
    /// touches, and must not come before what came earlier.
    private mutating func land() throws {
        guard book.putsOff else { return }
        while book.letGo() { try handOver(atLeast: ReadModelLimits.leavingBytes) }
        try handOver(atLeast: 0)
        let records = records
        var work = RecordThread.Work()
        try book.stopPuttingOff { rows in
            swap(&rows, &work.rows)
            try records?.give(&work)
            swap(&rows, &work.rows)
        }
        try handOver(atLeast: 0)
        if let counted = try records?.finish() { book.add(counted.0, counted.1) }
        self.records = nil
        writing.land(longest: book.longest)
        swap(&held, &book.rows)
        for position in late {
            try callEvents.with(position) { view, bytes, sourceEpoch, seq in
                _ = try book.apply(view, in: bytes, at: position, sourceEpoch: sourceEpoch, seq: seq)
            }
            if book.rows.textBytes > Limits.rowTextBytes { try writing.write(&book.rows) }
            book.forgetSettled()
        }
        late = []
    }

    /// Another policy is in force for a time: what ended in it is billed anew, a page of calls at a time, so
    /// that memory holds no more than a page of them.
    private mutating func billAgain(_ span: PolicyHistory.Span, at position: Position) throws {
        try writing.write(&book.rows)
        var page = CallPage(endedIn: span)
        while true {
            page = try writing.next(page)
            if page.calls.isEmpty { return }
            for call in page.calls {
                try book.revisit(callID: call.callID, fromTag: call.fromTag, because: position)
            }
            try writing.write(&book.rows)
            try letGo()
        }
    }
}
