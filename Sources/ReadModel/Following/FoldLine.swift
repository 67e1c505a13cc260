internal import EventLog
internal import Events
internal import Projections

/// Folds the log's frames one after another into rows, and hands these to the writing thread.
struct FoldLine: ~Copyable {
    private let writing: WritingThread
    private var reader: LogReader
    private var decoder = EventDecoder()
    private var view = EventView()
    private let sources: SourceRegistry
    private var sourceEpochsWritten: Int
    private var book: CallBook
    private var completeness: Completeness
    private var frame: LogFrame?
    /// The position of the next event to be folded.
    private(set) var next: Position
    /// The greatest time that the log tells.
    private var asOf: Timestamp
    /// Whether the calls that are open are kept once, at the end, and not round by round.
    private let keepsOpenLast: Bool

    /// How much text of rows is held back before it is handed over.
    private static let batchTextBytes = 1 << 20

    init(
        _ start: consuming ReadModelDatabase.Start, log: LogDirectory, writing: WritingThread,
        keepsOpenLast: Bool, settledMax: Int
    ) throws {
        self.keepsOpenLast = keepsOpenLast
        self.writing = writing
        next = start.next
        asOf = start.asOf
        sources = SourceRegistry(start.sources)
        sourceEpochsWritten = start.sources.count
        completeness = start.completeness
        reader = try log.reader(from: start.next)
        book = CallBook(
            earlierCalls: SettledCalls(events: CallEvents(log: log, sources: sources), writing: writing),
            seed: log.id.low ^ log.id.high, settings: start.settings, sources: sources,
            policies: start.policies, knowsAll: start.next == .first, settledMax: settledMax)
        book.gaps = completeness.open
    }

    /// Puts back the calls that are open.
    mutating func restoreOpenCalls(_ database: ReadModelDatabase) throws {
        try database.forEachOpenCall { state, records in
            try book.restore(state, records: records)
        }
    }

    /// How many calls are in memory, and how many there were at most.
    var callsInMemory: (now: Int, most: Int) { (book.count, book.countMost) }

    /// Whether there is a frame with something to fold below the limit; it then is `frame`.
    mutating func readFrame(before limit: Position?) throws -> Bool {
        if let limit, next >= limit { return false }
        if let frame, frame.header.next > next { return true }
        frame = nil
        while let read = try reader.next() {
            guard read.header.next > next else { continue }
            frame = read
            return true
        }
        return false
    }

    /// Folds frames until so many events are folded, or no more are there.
    mutating func takeRound(of count: Int, before limit: Position?) throws {
        var taken = 0
        while taken < count, try readFrame(before: limit), let frame {
            taken += try take(frame, before: limit)
        }
    }

    /// Hands over what the round has changed besides records, and the position, to be committed.
    ///
    /// - Parameter isLast: whether nothing will be folded afterwards.
    mutating func finishRound(isLast: Bool = false) throws {
        if isLast { try keepOpenCalls() } else { try letGo() }
        let statistics = book.takeStatistics()
        book.rows.append(statistics, sources: sources)
        let findings = book.takeFindingSums()
        book.rows.append(findings)
        book.rows.append(&completeness, sources: sources, sourceEpochs: &sourceEpochsWritten)
        book.rows.set("next_position", Int64(next.rawValue))
        book.rows.set("as_of", asOf.rawValue)
        try writing.write(&book.rows)
        writing.commit(next)
    }

    /// Forgets the settled calls that are too many, once nothing of them is left to be written.
    private mutating func letGo() throws {
        if keepsOpenLast { book.forgetSettled() } else { try keepOpenCalls() }
    }

    private mutating func keepOpenCalls() throws {
        var changes = RowBatch()
        swap(&changes, &book.rows)
        try book.takeChanges { fold in
            changes.keepOpen(fold)
            if changes.textBytes > Self.batchTextBytes { try writing.write(&changes) }
        } closed: { fold in
            changes.dropOpen(fold)
        }
        swap(&changes, &book.rows)
    }
}

extension FoldLine {
    /// Folds a frame's events from `next` on; returns how many.
    private mutating func take(_ frame: LogFrame, before limit: Position?) throws -> Int {
        let header = frame.header
        let speaker: EventDecoder.Speaker = header.source.source.isLedger ? .ledger : .proxy
        let sourceEpoch = sources.index(of: header.source)
        decoder.begin(frame.payload)
        var position = header.position
        var seq = header.firstSequence
        var taken = 0
        var last = seq
        while let line = decoder.next(into: &view, from: speaker) {
            defer {
                position = position.advanced(by: 1)
                seq = SequenceNumber(rawValue: seq.rawValue + 1)
            }
            if position < next { continue }
            if let limit, position >= limit { break }
            if case .fault(let fault) = line {
                throw ReadModelError(
                    .undecodable, at: position,
                    "an event of the log breaks the rules it was taken by: \(fault)")
            }
            try take(frame.payload, header, position, sourceEpoch, seq)
            if book.rows.textBytes > Self.batchTextBytes { try writing.write(&book.rows) }
            taken += 1
            last = seq
            next = position.advanced(by: 1)
        }
        if taken > 0 {
            // One entry for the frame; event by event only where that may close a gap.
            try came(
                last.rawValue - Int64(taken) + 1...last.rawValue, sourceEpoch, header.source, at: next)
        }
        return taken
    }

    private mutating func take(
        _ payload: PaddedBytes, _ header: FrameHeader, _ position: Position, _ sourceEpoch: UInt32,
        _ seq: SequenceNumber
    ) throws {
        if view.type.tellsTime { asOf = max(asOf, view.time) }
        completeness.note(view, of: sourceEpoch)
        // What the event closes is closed before its own call is judged, so that one event makes one
        // revision.
        let closed = closes(header, sourceEpoch, seq)
        if !closed.isEmpty { book.gaps = completeness.open }
        if view.type.belongsToCall {
            try book.apply(view, in: payload, at: position, sourceEpoch: sourceEpoch, seq: seq)
        }
        for gap in closed { try revise(gap, at: position) }
        switch view.type {
        case .ledgerGap: try open(payload, at: position)
        case .ledgerPolicy: try adopt(payload, header.source.epoch, seq, at: position)
        default: break
        }
    }

    /// The gaps that an event closes: its own number comes with it, and that of the event whose rejection it
    /// is.
    private mutating func closes(_ header: FrameHeader, _ sourceEpoch: UInt32, _ seq: SequenceNumber)
        -> [Gap]
    {
        var closed: [Gap] = []
        if view.type == .ledgerRejected, let subject = header.subject {
            let number = sources.index(of: subject.source)
            completeness.noteRejected(number)
            if !subject.isConflict {
                closed += completeness.came(
                    subject.first.rawValue...subject.last.rawValue, of: number, subject.source)
            }
        }
        if !completeness.open.isEmpty {
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

    private mutating func open(_ payload: PaddedBytes, at position: Position) throws {
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
        book.gaps = completeness.open
        try writing.write(&book.rows)
        for call in try writing.calls(touchedBy: gap) {
            try book.revisit(callID: call.callID, fromTag: call.fromTag, because: position)
        }
    }

    private mutating func adopt(
        _ payload: PaddedBytes, _ epoch: Epoch, _ seq: SequenceNumber, at position: Position
    ) throws {
        guard let range = view.text(.policy) else { return }
        let text = JSONText.string(range, in: payload)
        // An entry that holds no policy, imported from elsewhere, changes nothing and stops nobody.
        guard let policy = try? PolicyFile.parse(Array(text.utf8), path: "the log's ledger.policy")
        else { return }
        let entry = PolicyHistory.Entry(time: view.time, epoch: epoch, seq: seq)
        book.rows.insert(policy: text, entry, at: position)
        if let span = book.policies.insert(policy, entry) { try billAgain(span, at: position) }
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
