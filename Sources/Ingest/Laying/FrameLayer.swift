internal import EventLog
internal import Events

/// Lays what was taken into the group that is being filled: valid events as frames of their source, what
/// breaks the rules as `ledger.rejected`, what is missing as `ledger.gap`.
///
/// A batch without a fault is copied once, from the ZeroMQ frame to where its frame stands in the group, and
/// decoded there. A bad line costs its batch a second copy, since the frames around it are cut differently.
struct FrameLayer: ~Copyable {
    /// What became of a batch.
    struct Outcome {
        var events = 0
        var rejected = 0
        var duplicates = 0
        var conflicts = 0
    }

    let pipe: GroupPipe
    var finder: IdentityFinder
    var decoder = EventDecoder()
    var view = EventView()
    private var lines: [LinePlan] = []
    /// The frame of the log that a repetition was found in last.
    var held: HeldFrame?
    let log: LogDirectory
    /// Lines that were rejected or in conflict since they were taken last, for whoever names them to an
    /// operator; as many as `faultsMax`.
    private var faults: [(number: Int64, reason: String)] = []
    var faultsMax = 0
    private var side = PaddedBuffer(capacity: LogLimits.payloadBytesMax)
    private(set) var voice: LedgerVoice

    init(pipe: GroupPipe, log: LogDirectory, voice: LedgerVoice) {
        self.pipe = pipe
        self.voice = voice
        self.log = log
        finder = log.finder()
        lines.reserveCapacity(1_024)
    }

    // MARK: Batches

    /// Lays a batch all of whose numbers are new.
    ///
    /// - Throws: `refused` where the payload has not `count` lines, and nothing is laid; `diskFull` or `log`
    ///   where the log takes no more. What was laid until then, `machine` knows.
    mutating func lay(
        _ payload: borrowing Span<UInt8>, count: Int, first: SequenceNumber, of session: SessionIndex,
        in machine: inout ProtocolMachine, at now: Timestamp
    ) throws(IngestError) -> Outcome {
        let origin = machine.origin(session)
        if origin.source.isLedger {
            return try laySorted(payload, count: count, first: first, of: session, in: &machine, at: now)
        }
        guard let last = payload.indices.last, payload[last] == 0x0A else {
            throw .refused(Self.unendedRefusal)
        }
        let staged = try stage(payload, from: origin.source)
        guard try isFlawless(staged, count: count, at: now) else {
            return try laySorted(payload, count: count, first: first, of: session, in: &machine, at: now)
        }
        _ = pipe.group.appendStaged(from: origin, first: first, count: count, receivedAt: now)
        machine.took(
            session, NumberRange(first.rawValue, first.rawValue + Int64(count) - 1), in: pipe.filling)
        return Outcome(events: count)
    }

    /// Lays a batch line by line: what is new, what is there already, and what breaks the rules.
    mutating func laySorted(
        _ payload: borrowing Span<UInt8>, count: Int, first: SequenceNumber, of session: SessionIndex,
        in machine: inout ProtocolMachine, at now: Timestamp
    ) throws(IngestError) -> Outcome {
        guard let last = payload.indices.last, payload[last] == 0x0A else {
            throw .refused(Self.unendedRefusal)
        }
        side.removeAll()
        let hasRoom = side.append(payload)
        precondition(hasRoom, "a payload of allowed size")
        plan(from: machine.origin(session).source.isLedger ? .ledger : .proxy, at: now)
        guard lines.count == count else { throw .refused(Self.countRefusal(lines.count, count)) }
        var outcome = Outcome()
        var run = 0..<0
        for index in 0..<count {
            let number = first.rawValue + Int64(index)
            let isPresent = machine.isPresent(session, number)
            if !isPresent, lines[index].fault == nil, lines[index].entry == nil {
                run = run.isEmpty ? index..<(index + 1) : run.lowerBound..<(index + 1)
                continue
            }
            try lay(run: run, first: first, of: session, in: &machine, at: now, &outcome)
            run = 0..<0
            if isPresent {
                try hold(index, number, against: session, in: &machine, at: now, &outcome)
            } else if let entry = lines[index].entry {
                try lay(entry, index, number, of: session, in: &machine, at: now)
                outcome.events += 1
            } else {
                try reject(index, number, of: session, in: &machine, at: now)
                outcome.rejected += 1
            }
        }
        try lay(run: run, first: first, of: session, in: &machine, at: now, &outcome)
        return outcome
    }

    private mutating func isFlawless(_ staged: PaddedBytes, count: Int, at now: Timestamp) throws(IngestError)
        -> Bool
    {
        decoder.begin(staged)
        let latest = now.advanced(by: Limits.futureMicrosecondsMax)
        var found = 0
        var hasFault = false
        while let line = decoder.next(into: &view, from: .proxy, latest: latest) {
            found += 1
            if case .fault = line { hasFault = true }
        }
        guard found == count else { throw .refused(Self.countRefusal(found, count)) }
        return !hasFault
    }

    /// Finds the lines of what is in `side`.
    private mutating func plan(from speaker: EventDecoder.Speaker, at now: Timestamp) {
        decoder.begin(side.bytes)
        let latest = now.advanced(by: Limits.futureMicrosecondsMax)
        lines.removeAll(keepingCapacity: true)
        while let line = decoder.next(into: &view, from: speaker, latest: latest) {
            var plan = LinePlan(start: view.start, end: view.end)
            switch line {
            case .fault(let fault): plan.fault = fault
            case .event: if speaker == .ledger { plan.entry = LedgerEntry(view, in: side.bytes) }
            }
            lines.append(plan)
        }
    }

    /// Lays one of the ledger's own rejections or gaps, as a file to be imported has it.
    private mutating func lay(
        _ entry: LedgerEntry, _ index: Int, _ number: Int64, of session: SessionIndex,
        in machine: inout ProtocolMachine, at now: Timestamp
    ) throws(IngestError) {
        let place = SequenceNumber(rawValue: number)
        // Safety: `side` keeps the bytes, and isn't changed during the call.
        let bytes = unsafe side.bytes.pointer(at: lines[index].start, to: lines[index].end + 1)
        try unsafe append(
            entry.kind, from: machine.origin(session), first: place, count: 1, at: now, about: entry.subject,
            bytes.span.bytes)
        machine.tookEntry(session, place, entry.kind, about: entry.subject, in: pipe.filling)
    }

    private mutating func lay(
        run: Range<Int>, first: SequenceNumber, of session: SessionIndex, in machine: inout ProtocolMachine,
        at now: Timestamp, _ outcome: inout Outcome
    ) throws(IngestError) {
        guard let begin = run.first, let end = run.last else { return }
        let number = first.rawValue + Int64(begin)
        // Safety: `side` keeps the bytes, and isn't changed during the call.
        let bytes = unsafe side.bytes.pointer(at: lines[begin].start, to: lines[end].end + 1)
        try unsafe append(
            .events, from: machine.origin(session), first: SequenceNumber(rawValue: number), count: run.count,
            at: now, bytes.span.bytes)
        machine.took(session, NumberRange(number, number + Int64(run.count) - 1), in: pipe.filling)
        outcome.events += run.count
    }

    // MARK: Rejections

    private mutating func reject(
        _ index: Int, _ number: Int64, of session: SessionIndex, in machine: inout ProtocolMachine,
        at now: Timestamp
    ) throws(IngestError) {
        let line = lines[index]
        let reason = Array((line.fault?.description ?? "").utf8)
        // Safety: `side` keeps the bytes, and isn't changed during the call.
        let raw = unsafe side.bytes.pointer(at: line.start, to: line.end)
        try unsafe reject(
            raw.span, number, of: machine.origin(session), reason: reason, isConflict: false, at: now)
        machine.took(session, NumberRange(number, number), in: pipe.filling)
    }

    /// Lays a `ledger.rejected`.
    mutating func reject(
        _ raw: borrowing Span<UInt8>, _ number: Int64, of origin: SourceEpoch, reason: [UInt8],
        isConflict: Bool,
        at now: Timestamp
    ) throws(IngestError) {
        if faults.count < faultsMax { faults.append((number, String(decoding: reason, as: UTF8.self))) }
        voice.sayRejected(raw, of: origin, number, reason: reason, at: now)
        let place = SequenceNumber(rawValue: number)
        try appendOwn(
            .rejected, about: FrameSubject(source: origin, first: place, last: place, isConflict: isConflict),
            at: now)
    }

    /// Holds a line against what is there under its number.
    private mutating func hold(
        _ index: Int, _ number: Int64, against session: SessionIndex, in machine: inout ProtocolMachine,
        at now: Timestamp, _ outcome: inout Outcome
    ) throws(IngestError) {
        // Safety: `side` keeps the bytes, and isn't changed during the call.
        let raw = unsafe side.bytes.pointer(at: lines[index].start, to: lines[index].end)
        let origin = machine.origin(session)
        if try unsafe isHeld(raw.span, SequenceNumber(rawValue: number), of: origin) {
            outcome.duplicates += 1
            return
        }
        if try unsafe isOnRecord(raw.span, SequenceNumber(rawValue: number), of: origin) {
            outcome.duplicates += 1
            return
        }
        try unsafe reject(raw.span, number, of: origin, reason: Self.conflict, isConflict: true, at: now)
        machine.noted(session, in: pipe.filling)
        outcome.conflicts += 1
    }

    /// Lays a single event that came without a batch around it.
    mutating func layOne(
        _ raw: borrowing Span<UInt8>, _ number: Int64, of session: SessionIndex,
        in machine: inout ProtocolMachine,
        at now: Timestamp
    ) throws(IngestError) -> Outcome {
        var line: [UInt8] = []
        line.reserveCapacity(raw.count + 1)
        var hasBreak = false
        for index in raw.indices {
            line.append(raw[index])
            hasBreak = hasBreak || raw[index] == 0x0A
        }
        if !hasBreak {
            line.append(0x0A)
            return try laySorted(
                line.span, count: 1, first: SequenceNumber(rawValue: number), of: session, in: &machine,
                at: now)
        }
        // JSON allows a line break between tokens, NDJSON doesn't, and bytes are never changed here.
        let origin = machine.origin(session)
        if machine.isPresent(session, number) {
            if try isOnRecord(raw, SequenceNumber(rawValue: number), of: origin) {
                return Outcome(duplicates: 1)
            }
            try reject(raw, number, of: origin, reason: Self.conflict, isConflict: true, at: now)
            machine.noted(session, in: pipe.filling)
            return Outcome(conflicts: 1)
        }
        try reject(raw, number, of: origin, reason: Self.lineBreak, isConflict: false, at: now)
        machine.took(session, NumberRange(number, number), in: pipe.filling)
        return Outcome(rejected: 1)
    }

    mutating func takeFaults() -> [(number: Int64, reason: String)] {
        guard !faults.isEmpty else { return [] }
        defer { faults.removeAll() }
        return faults
    }

    // MARK: Gaps and other entries of the ledger's own

    /// Lays a `ledger.gap`.
    mutating func state(
        _ range: NumberRange, missingOf session: SessionIndex, reason: [UInt8]?,
        in machine: inout ProtocolMachine,
        at now: Timestamp
    ) throws(IngestError) {
        let origin = machine.origin(session)
        let after = try time(nextTo: range, isBefore: true, of: session, in: &machine)
        let before = try time(nextTo: range, isBefore: false, of: session, in: &machine)
        voice.sayGap(range, of: origin, after: after, before: before, reason: reason, at: now)
        let number = voice.next
        try appendOwn(
            .gap,
            about: FrameSubject(
                source: origin, first: SequenceNumber(rawValue: range.first),
                last: SequenceNumber(rawValue: range.last)),
            at: now)
        machine.stated(session, range, by: voice.origin, number, in: pipe.filling)
    }

    /// Lays entries that other parts of the process state: whole lines, each ended by a newline.
    mutating func layOwn(_ payload: borrowing Span<UInt8>, count: Int, at now: Timestamp) throws(IngestError)
    {
        // Safety: bytes are read as bytes.
        try unsafe append(
            .events, from: voice.origin, first: voice.next, count: count, at: now, payload.bytes)
        _ = voice.take(count)
    }

    // MARK: Frames

    private func stage(_ payload: borrowing Span<UInt8>, from source: SourceName) throws(IngestError)
        -> PaddedBytes
    {
        // Safety: bytes are read as bytes.
        if let staged = unsafe pipe.group.stage(payload.bytes, from: source) { return staged }
        try pipe.rotate(room: FrameGroup.frameBytes(payload: payload.count, from: source))
        guard let staged = unsafe pipe.group.stage(payload.bytes, from: source) else {
            throw .refused(Self.tooLargeRefusal)
        }
        return staged
    }

    /// Lays a frame, handing over the group where it has no room.
    func append(
        _ kind: FrameKind, from origin: SourceEpoch, first: SequenceNumber, count: Int, at now: Timestamp,
        about subject: FrameSubject? = nil, _ payload: RawSpan
    ) throws(IngestError) {
        if pipe.group.append(
            kind, from: origin, first: first, count: count, receivedAt: now, about: subject, payload: payload)
            != nil
        {
            return
        }
        try pipe.rotate(
            room: FrameGroup.frameBytes(payload: payload.byteCount, from: origin.source, about: subject))
        if pipe.group.append(
            kind, from: origin, first: first, count: count, receivedAt: now, about: subject, payload: payload)
            == nil
        {
            throw .refused(Self.tooLargeRefusal)
        }
    }

    private mutating func appendOwn(
        _ kind: FrameKind, about subject: FrameSubject, at now: Timestamp
    ) throws(IngestError) {
        // Safety: bytes are read as bytes.
        try unsafe append(
            kind, from: voice.origin, first: voice.next, count: 1, at: now, about: subject,
            voice.line.bytes.span.bytes)
        _ = voice.take()
    }

    static let lineBreak = Array("line_break".utf8)
    static let conflict = Array("conflict".utf8)
    /// Only where segments are smaller than batches may be, as in tests.
    private static let tooLargeRefusal = Refusal(.tooLarge, "a frame is larger than a segment of the log")
    private static let unendedRefusal = Refusal(.countMismatch, "the payload's last line is not ended")

    private static func countRefusal(_ found: Int, _ stated: Int) -> Refusal {
        Refusal(.countMismatch, "the header says \(stated) events, the payload has \(found) lines")
    }
}
