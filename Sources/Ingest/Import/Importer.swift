package import EventLog
package import Events

/// Appends events from NDJSON files to a log that nobody else is writing: what the `import` command does.
///
/// A line is either an event with its identity, `{"source","epoch","seq","event"}`, as `events` prints it,
/// or a bare event. The former keeps its identity and its bytes, whatever the order of the lines; the
/// ledger's own entries too. The latter gets one: the source that the caller derived from the file's
/// contents, epoch 1, the line's number. What is there already is not added again, so that importing a file
/// twice adds nothing. No gaps are concluded.
///
/// Events stand in the log in the order of their lines: a record's revisions tell how it came, and what one
/// log tells must be what a copy of it tells. Lines that follow each other in one epoch, with consecutive
/// numbers, are laid as one frame.
///
/// ```
/// var importer = try Importer(log: log)
/// importer.begin("calls.ndjson", bare: Importer.bareSource(sha256: digest))
/// while let chunk = … { try importer.take(chunk) }
/// try importer.endFile()
/// let report = try importer.finish()
/// ```
package struct Importer: ~Copyable {
    /// Lines of consecutive numbers of one epoch that wait to be laid, and stand one behind the other.
    struct Run {
        var session = SessionIndex(rawValue: 0)
        var first: Int64 = 0
        var count = 0
        var payload: [UInt8] = []

        /// Whether an event may stand in the same frame.
        func goesOn(with event: Int, _ number: Int64, of session: SessionIndex) -> Bool {
            session == self.session && number == first + Int64(count) && count < Limits.importFrameEventsMax
                && payload.count + event < Limits.importFrameBytesMax
        }
    }

    package internal(set) var report = ImportReport()
    let pipe: GroupPipe
    var layer: FrameLayer
    var machine: ProtocolMachine
    let clock: @Sendable () -> Timestamp
    var run = Run()
    /// Bytes that were laid since the writer was given a group.
    var laidBytes = 0

    // The file at hand.
    var file = ""
    var bareSource: SourceEpoch?
    var lineNumber: Int64 = 0
    /// A line whose end has not come yet.
    var partial: [UInt8] = []
    var isTooLong = false

    /// - Parameter log: open for writing.
    package init(
        log: LogDirectory, clock: @escaping @Sendable () -> Timestamp = { IngestOptions.wallClock() }
    ) throws(IngestError) {
        self.clock = clock
        machine = ProtocolMachine(table: log.sources)
        pipe = try GroupPipe(log: log)
        layer = FrameLayer(
            pipe: pipe, log: log, voice: LedgerVoice(epoch: Receiver.nextEpoch(log.sources, clock())))
        layer.faultsMax = Limits.importFaultsNamedMax
    }

    deinit {
        pipe.stop()
    }

    /// The source of a file's bare events: `import:` and the first 16 hex digits of the SHA-256 of its bytes.
    package static func bareSource(sha256 digest: [UInt8]) -> SourceName {
        precondition(digest.count >= 8, "a SHA-256 has 32 bytes")
        var text = "import:"
        for byte in digest.prefix(8) {
            let digits = String(byte, radix: 16)
            text += digits.count == 1 ? "0" + digits : digits
        }
        guard let name = SourceName(text) else { preconditionFailure("hex digits are allowed in names") }
        return name
    }

    // MARK: Files

    /// Starts on a file.
    ///
    /// - Parameters:
    ///   - name: how the operator calls it.
    ///   - bare: the source of its bare events.
    package mutating func begin(_ name: String, bare: SourceName) {
        file = name
        bareSource = SourceEpoch(source: bare, epoch: Epoch(rawValue: 1))
        lineNumber = 0
        partial.removeAll(keepingCapacity: true)
        isTooLong = false
    }

    /// Takes the next piece of the file, cut anywhere.
    package mutating func take(_ piece: borrowing Span<UInt8>) throws(IngestError) {
        var start = 0
        while start < piece.count {
            guard let end = Self.lineEnd(in: piece, from: start) else {
                keep(piece.extracting(start..<piece.count))
                return
            }
            if partial.isEmpty, !isTooLong {
                try takeLine(piece.extracting(start..<end))
            } else {
                keep(piece.extracting(start..<end))
                try takePartial()
            }
            start = end + 1
        }
    }

    /// Ends the file; a last line may lack its newline.
    package mutating func endFile() throws(IngestError) {
        try endLines()
        try layRun()
    }

    /// Makes everything durable.
    ///
    /// - Throws: `diskFull`, `log`.
    package mutating func finish() throws(IngestError) -> ImportReport {
        try pipe.flush()
        return report
    }

    private mutating func endLines() throws(IngestError) {
        if !partial.isEmpty || isTooLong { try takePartial() }
    }

    private mutating func keep(_ piece: borrowing Span<UInt8>) {
        guard !isTooLong, partial.count + piece.count <= Limits.importLineBytesMax else {
            isTooLong = true
            partial.removeAll(keepingCapacity: true)
            return
        }
        for index in piece.indices { partial.append(piece[index]) }
    }

    private mutating func takePartial() throws(IngestError) {
        if isTooLong {
            isTooLong = false
            lineNumber += 1
            report.lines += 1
            report.unreadable += 1
            report.note(file, lineNumber, "longer than \(Limits.importLineBytesMax) bytes")
            return
        }
        let line = partial
        partial.removeAll(keepingCapacity: true)
        try takeLine(line.span)
    }

    // MARK: Lines

    private mutating func takeLine(_ line: borrowing Span<UInt8>) throws(IngestError) {
        lineNumber += 1
        guard !Self.isBlank(line) else { return }
        report.lines += 1
        switch Envelope.kind(of: line) {
        case .envelope(let envelope) where envelope.event != nil && envelope.isWhole:
            guard let event = envelope.event else { return }
            try put(line.extracting(event), envelope.number, of: envelope.origin)
        case .envelope, .header, .plain, .other:
            // Whatever states no identity is a bare event, and be it one that is rejected.
            guard let bareSource else { preconditionFailure("a file is begun before its lines are taken") }
            try put(line, lineNumber, of: bareSource)
        }
    }

    // MARK: Runs

    /// Puts an event to the ones before it, where its number follows on theirs.
    private mutating func put(
        _ event: borrowing Span<UInt8>, _ number: Int64, of origin: SourceEpoch
    ) throws(IngestError) {
        let most = origin.source.isLedger ? Limits.importEntryBytesMax : Limits.batchBytesMax
        guard event.count <= most else {
            report.unreadable += 1
            report.note(file, lineNumber, "an event of \(event.count) bytes; \(most) is the most")
            return
        }
        let session = machine.place(of: origin)
        if !run.goesOn(with: event.count, number, of: session) {
            try layRun()
            run.session = session
            run.first = number
        }
        run.count += 1
        Self.append(event, to: &run.payload)
        run.payload.append(0x0A)
    }

    private mutating func layRun() throws(IngestError) {
        guard self.run.count > 0 else { return }
        var run = Run()
        swap(&run, &self.run)
        defer {
            // The memory serves the next.
            run.payload.removeAll(keepingCapacity: true)
            swap(&run.payload, &self.run.payload)
        }
        let origin = machine.origin(run.session)
        let range = NumberRange(run.first, run.first + Int64(run.count) - 1)
        machine.groupDurable(pipe.durable)
        let verdict = machine.receiveUnasked(origin, range).1
        let first = SequenceNumber(rawValue: run.first)
        let outcome =
            if case .sort = verdict {
                try layer.laySorted(
                    run.payload.span, count: run.count, first: first, of: run.session, in: &machine,
                    at: clock())
            } else {
                try layer.lay(
                    run.payload.span, count: run.count, first: first, of: run.session, in: &machine,
                    at: clock())
            }
        report.events += UInt64(outcome.events)
        report.rejected += UInt64(outcome.rejected)
        report.duplicates += UInt64(outcome.duplicates)
        report.conflicts += UInt64(outcome.conflicts)
        for fault in layer.takeFaults() {
            let place =
                run.session == bareSession
                ? "\(file):\(fault.number)"
                : "\(file): \(origin.source)/\(origin.epoch.rawValue)/\(fault.number)"
            report.note(place, fault.reason)
        }
        laidBytes += run.payload.count
        // Nobody waits for the single event.
        if laidBytes >= Limits.importGroupBytesMin, pipe.submit() { laidBytes = 0 }
    }

    private var bareSession: SessionIndex? {
        mutating get { bareSource.map { machine.place(of: $0) } }
    }

    // MARK: Bytes

    private static func isBlank(_ line: borrowing Span<UInt8>) -> Bool {
        for index in line.indices where ![0x20, 0x09, 0x0D].contains(line[index]) { return false }
        return true
    }

    private static func copy(_ line: borrowing Span<UInt8>) -> [UInt8] {
        var bytes: [UInt8] = []
        append(line, to: &bytes)
        return bytes
    }

    private static func append(_ line: borrowing Span<UInt8>, to target: inout [UInt8]) {
        unsafe line.withUnsafeBufferPointer { source in
            // Safety: read during the call.
            unsafe target.append(contentsOf: source)
        }
    }

    private static func lineEnd(in piece: borrowing Span<UInt8>, from start: Int) -> Int? {
        for index in start..<piece.count where piece[index] == 0x0A { return index }
        return nil
    }
}
