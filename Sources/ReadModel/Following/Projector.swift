package import EventLog
package import Events
internal import GRDB
internal import Projections

/// Takes the log's frames in order and keeps the read model what the log makes it. Rows and position are
/// committed together, so that a crash at any moment costs a repetition and nothing else.
///
/// One thread uses a projector.
package final class Projector {
    private let database: ReadModelDatabase
    private let log: LogDirectory
    private var reader: LogReader
    private var decoder = EventDecoder()
    private var view = EventView()
    private let sources: SourceRegistry
    private var book: CallBook
    private let writer: RowWriter
    private let settledCalls: SettledCalls
    private let state: StateWriter
    private var completeness: Completeness
    private var frame: LogFrame?
    /// The position of the next event to be projected.
    package private(set) var next: Position
    /// The greatest time that the log tells.
    package private(set) var asOf: Timestamp
    private var hasFailed = false
    /// Whether the calls that are open are kept once, at the end, and not round by round.
    private let keepsOpenLast: Bool

    /// How many events are committed in one transaction at most, and read before others get a turn.
    package static let roundEventsMax = 65_536
    /// How much text of rows is held back before it is written.
    private static let batchTextBytes = 1 << 20

    /// - Parameter settledMax: how many ended calls stay in memory.
    package init(
        _ database: ReadModelDatabase, log: LogDirectory,
        settledMax: Int = Projections.Limits.settledCallsInMemoryMax
    ) throws {
        self.database = database
        self.log = log
        keepsOpenLast = database.use == .rebuild
        let start = try database.loadStart(log: log)
        next = start.next
        asOf = start.asOf
        sources = SourceRegistry(start.sources)
        completeness = start.completeness
        reader = try log.reader(from: start.next)
        let events = CallEvents(log: log, sources: sources)
        let isFresh = start.next == .first
        (writer, settledCalls, state) = try database.write { db in
            let writer = try RowWriter(db)
            return (
                writer,
                try SettledCalls(db, events: events, writer: writer),
                try StateWriter(db)
            )
        }
        book = CallBook(
            earlierCalls: settledCalls, seed: log.id.low ^ log.id.high, settings: start.settings,
            sources: sources,
            policies: start.policies, knowsAll: isFresh, settledMax: settledMax)
        book.gaps = completeness.open
        try database.write { db in
            try restoreOpenCalls(db)
        }
    }

    /// How many calls are in memory, and how many there were at most.
    package var callsInMemory: (now: Int, most: Int) { (book.count, book.countMost) }

    /// Projects what is durable, up to `limit`, in rounds of one transaction each.
    ///
    /// - Returns: whether anything was there to project.
    @discardableResult
    package func advance(to limit: Position? = nil, round: Int = roundEventsMax) throws -> Bool {
        guard !hasFailed else {
            throw ReadModelError(
                .inconsistent, "the projector has failed before: start over from the read model")
        }
        guard try readFrame(before: limit) else { return false }
        hasFailed = true
        try database.write { db in
            try db.inTransaction {
                var taken = 0
                while taken < round, try self.readFrame(before: limit), let frame = self.frame {
                    taken += try self.take(frame, before: limit)
                }
                try self.finishRound()
                return .commit
            }
        }
        hasFailed = false
        return true
    }

    /// Whether there is a frame with something to project below the limit; it then is `frame`.
    private func readFrame(before limit: Position?) throws -> Bool {
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

    /// Takes a frame's events from `next` on; returns how many.
    private func take(_ frame: LogFrame, before limit: Position?) throws -> Int {
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
            if book.rows.textBytes > Self.batchTextBytes { try writer.write(&book.rows) }
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

    private func take(
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
    private func closes(_ header: FrameHeader, _ sourceEpoch: UInt32, _ seq: SequenceNumber) -> [Gap] {
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
    private func came(
        _ numbers: ClosedRange<Int64>, _ number: UInt32, _ source: SourceEpoch, at position: Position
    ) throws {
        for gap in completeness.came(numbers, of: number, source) {
            try revise(gap, at: position)
        }
    }

    private func open(_ payload: PaddedBytes, at position: Position) throws {
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
    private func revise(_ gap: Gap, at position: Position) throws {
        book.gaps = completeness.open
        try writer.write(&book.rows)
        for call in try state.calls(touchedBy: gap, longest: writer.longest) {
            try book.revisit(callID: call.callID, fromTag: call.fromTag, because: position)
        }
    }

    private func adopt(
        _ payload: PaddedBytes, _ epoch: Epoch, _ seq: SequenceNumber, at position: Position
    ) throws {
        guard let range = view.text(.policy) else { return }
        let text = JSONText.string(range, in: payload)
        // An entry that holds no policy, imported from elsewhere, changes nothing and stops nobody.
        guard let policy = try? PolicyFile.parse(Array(text.utf8), path: "the log's ledger.policy")
        else { return }
        let entry = PolicyHistory.Entry(time: view.time, epoch: epoch, seq: seq)
        try state.insert(policy: text, entry, at: position)
        if let span = book.policies.insert(policy, entry) { try billAgain(span, at: position) }
    }

    /// Another policy is in force for a time: what ended in it is billed anew, a page of calls at a time, so
    /// that memory holds no more than a page of them.
    private func billAgain(_ span: PolicyHistory.Span, at position: Position) throws {
        try writer.write(&book.rows)
        var page = StateWriter.Page(start: span.from.rawValue - writer.longest)
        while try state.readCalls(endedIn: span, &page) {
            for call in page.calls {
                try book.revisit(callID: call.callID, fromTag: call.fromTag, because: position)
            }
            try writer.write(&book.rows)
            try letGo()
        }
    }

    /// Writes what the round has changed besides records, and the position.
    private func finishRound() throws {
        try writer.write(&book.rows)
        try letGo()
        try state.write(book.takeStatistics(), sources: sources)
        try state.write(&completeness, sources: sources)
        try state.write(next: next, asOf: asOf, longest: writer.longest)
    }

    /// Forgets the settled calls that are too many, once nothing of them is left to be written.
    private func letGo() throws {
        if keepsOpenLast { book.forgetSettled() } else { try keepOpenCalls() }
    }

    private func keepOpenCalls() throws {
        try book.takeChanges { fold in
            try state.keepOpen(fold)
        } closed: { fold in
            try state.dropOpen(fold)
        }
    }

    /// Writes what was put off to the end of a rebuild. Nothing may be projected afterwards.
    func finish() throws {
        guard keepsOpenLast, !hasFailed else { return }
        hasFailed = true
        try database.write { db in
            try db.inTransaction {
                try self.keepOpenCalls()
                return .commit
            }
        }
    }

    private func restoreOpenCalls(_ db: Database) throws {
        for call in try database.openCalls(db) {
            var ignored: Set<UInt64> = []
            let records = try settledCalls.records(
                callID: call.callID, fromTag: call.fromTag, positions: &ignored)
            book.restore(
                EarlierCall(state: CallState(restoring: call.state), records: records), callID: call.callID,
                fromTag: call.fromTag)
        }
    }
}
