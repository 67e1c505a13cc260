internal import CXXHash
package import Events

/// The frames that one sync makes durable, laid out in memory as they will stand in the segment.
///
/// A service has two: while a `LogWriter` writes and syncs one, another thread lays frames into the other.
/// Memory is taken once. A group belongs to one thread at a time; handing it over is up to its owner, who may
/// look at it while it is written.
///
/// ```
/// group.begin(at: tail)
/// while let batch = … {
///     guard group.append(.events, …) != nil else { break }  // full: commit, begin the next, append again
/// }
/// let durable = try writer.commit(group)                      // then acknowledge
/// tail = group.tail
/// ```
@safe
package final class FrameGroup: @unchecked Sendable {
    // Safety: used by one thread at a time, see above, but that the frames may be read by two: writing
    // changes what is around them alone. The memory is taken in init and given back in deinit.
    private let memory: UnsafeMutableRawPointer
    /// Where the first frame lies: as far behind a page of memory as it lies behind one of the segment.
    private var base: UnsafeMutableRawPointer
    private let log: LogID
    private let segmentBytesNew: Int
    package let capacity: Int
    private var room = 0
    /// Where the group begins.
    package private(set) var start: LogTail
    /// Bytes laid so far.
    package private(set) var byteCount = 0
    package private(set) var frameCount = 0
    package private(set) var eventCount = 0
    private var segmentSeed: UInt64 = 0
    /// What was copied and is no frame yet; without payload where there is nothing.
    private var staged = (headerBytes: 0, payloadBytes: 0)

    init(log: LogID, tail: LogTail, segmentBytesNew: Int, capacity: Int) {
        self.log = log
        self.capacity = capacity
        self.segmentBytesNew = segmentBytesNew
        start = tail
        // Room for a page before the first frame and one behind the last, and for who decodes there.
        let bytes = capacity + 2 * LogLimits.pageBytes + PaddedBytes.padding
        // Safety: zeroed, so that every page is there before the first frame, and padding is never
        // uninitialised.
        unsafe memory = .allocate(byteCount: bytes, alignment: LogLimits.pageBytes)
        unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
        unsafe base = memory
        begin(at: tail)
    }

    deinit {
        // Safety: allocated in init.
        unsafe memory.deallocate()
    }

    /// Empties the group and starts it where the one before it ends.
    ///
    /// Decides whether the log goes on in a new segment: where the live one has less room than `bytes`, or
    /// than a group ought to have.
    ///
    /// - Parameters:
    ///   - tail: `tail` of the group that is committed before this one, or of the log where there is none.
    ///   - bytes: how much the next payload and its header need, as `frameBytes(payload:from:)` says; matters
    ///     where a payload did not fit into the group before.
    package func begin(at tail: LogTail, room bytes: Int = 0) {
        let room = max(bytes, min(LogLimits.groupRoomMin, segmentBytesNew / 8))
        if tail.room < room, tail.offset > SegmentHeader.bytes {
            start = LogTail(
                segment: SegmentID(ordinal: tail.segment.ordinal + 1, first: tail.next),
                offset: SegmentHeader.bytes, segmentBytes: segmentBytesNew, next: tail.next)
        } else {
            start = tail
        }
        self.room = min(capacity, start.room)
        // Safety: the memory is a page longer than the capacity.
        unsafe base = memory + start.offset % LogLimits.pageBytes
        segmentSeed = SegmentHeader.seed(log: log, segment: start.segment)
        byteCount = 0
        frameCount = 0
        eventCount = 0
        staged = (0, 0)
    }

    package var isEmpty: Bool { frameCount == 0 }

    /// Where the next group begins, before it decides on a new segment.
    package var tail: LogTail {
        LogTail(
            segment: start.segment, offset: start.offset + byteCount, segmentBytes: start.segmentBytes,
            next: start.next.advanced(by: eventCount))
    }

    /// How many bytes of the log a frame takes.
    package static func frameBytes(
        payload: Int, from source: SourceName, about subject: FrameSubject? = nil
    ) -> Int {
        FrameLayout.rounded(FrameLayout.headerBytes(source: source, subject: subject) + payload)
    }

    /// Lays one frame: copies the payload once and computes its checksum.
    ///
    /// - Parameters:
    ///   - kind: `rejected` and `gap` come with a subject, `events` without.
    ///   - source: who states it; the ledger for `rejected` and `gap`.
    ///   - first: the sequence number of the first event; the others follow without holes.
    ///   - count: how many lines `payload` has.
    ///   - payload: NDJSON, each line ended by a newline.
    /// - Returns: the position of the first event; null, and nothing laid, where the group has no room for
    ///   it.
    package func append(
        _ kind: FrameKind, from source: SourceEpoch, first: SequenceNumber, count: Int, receivedAt: Timestamp,
        about subject: FrameSubject? = nil, payload: RawSpan
    ) -> Position? {
        precondition((subject != nil) == (kind != .events), "a subject goes with `rejected` and `gap`")
        let headerBytes = FrameLayout.headerBytes(source: source.source, subject: subject)
        guard copy(payload, behind: headerBytes) else { return nil }
        staged = (0, 0)
        return seal(
            kind, from: source, first: first, count: count, receivedAt: receivedAt, about: subject,
            headerBytes: headerBytes, payloadBytes: payload.byteCount)
    }

    /// Copies the payload of a batch to where its frame will have it, so that it can be decoded there before
    /// it is taken with `appendStaged`. Anything else that is laid or staged takes its place.
    ///
    /// - Returns: the bytes, padded; they last until the group begins anew. Null where there is no room.
    package func stage(_ payload: RawSpan, from source: SourceName) -> PaddedBytes? {
        let headerBytes = FrameLayout.headerBytes(source: source, subject: nil)
        guard copy(payload, behind: headerBytes) else { return nil }
        staged = (headerBytes, payload.byteCount)
        // Safety: the group's memory goes on for `padding` bytes behind its last payload.
        return unsafe PaddedBytes(
            base: UnsafePointer((base + byteCount + headerBytes).assumingMemoryBound(to: UInt8.self)),
            count: payload.byteCount)
    }

    /// Makes a frame of kind `events` of what was staged last, or of the first `bytes` bytes of it.
    ///
    /// - Returns: the position of the first event.
    package func appendStaged(
        from source: SourceEpoch, first: SequenceNumber, count: Int, receivedAt: Timestamp, bytes: Int? = nil
    ) -> Position {
        let staged = staged
        precondition(
            staged.payloadBytes > 0
                && staged.headerBytes == FrameLayout.headerBytes(source: source.source, subject: nil),
            "something is staged, behind room for the header")
        let payloadBytes = bytes ?? staged.payloadBytes
        precondition(payloadBytes <= staged.payloadBytes, "no more than was staged")
        self.staged = (0, 0)
        return seal(
            .events, from: source, first: first, count: count, receivedAt: receivedAt, about: nil,
            headerBytes: staged.headerBytes, payloadBytes: payloadBytes)
    }

    /// Writes the laid bytes to where they belong, in whole pages.
    ///
    /// - Parameter edge: what the segment has before them of the page that they begin in; afterwards, of the
    ///   page that they end in.
    func write(to file: any StorageFile, behind edge: inout [UInt8]) throws(LogError) {
        let page = LogLimits.pageBytes
        precondition(edge.count == start.offset % page, "what is there stays as it is")
        let end = edge.count + byteCount
        let rounded = (end + page - 1) / page * page
        // Safety: there is room for a page on either side of the frames, of which nobody else has any; what
        // was laid is initialised, and stays as it is until the group begins anew.
        unsafe edge.withUnsafeBytes { bytes in
            unsafe UnsafeMutableRawBufferPointer(start: memory, count: page).copyMemory(from: bytes)
        }
        unsafe (memory + end).initializeMemory(as: UInt8.self, repeating: 0, count: rounded - end)
        let bytes = unsafe UnsafeRawBufferPointer(start: memory, count: rounded)
        try unsafe file.writeAll(bytes.bytes, at: start.offset - edge.count)
        edge.removeAll(keepingCapacity: true)
        unsafe edge.append(contentsOf: bytes[(end / page * page)..<end])
    }

    /// Notes each frame in the summary of their segment.
    func note(in summary: inout SummaryBuilder) {
        look { header, bytes in summary.add(header, at: bytes.lowerBound) }
    }

    /// Where in the segment the frames will lie that hold an event or are about it, rising.
    func offsets(for source: SourceEpoch, _ number: Int64) -> [Int] {
        var offsets: [Int] = []
        look { header, bytes in
            if header.isAbout(source, number) { offsets.append(bytes.lowerBound) }
        }
        return offsets
    }

    /// The frame that will lie there: a copy, which lasts.
    func frame(at offset: Int, in pages: BlockMemory) -> SegmentScan.Found {
        let frameBytes = FrameLayout.rounded(Int(window.load(at: offset + 4) as UInt32))
        let buffer = pages.take(frameBytes)
        // Safety: the buffer has room for the frame, which was laid, and nobody else has it yet; the window
        // keeps the loan.
        unsafe buffer.base.copyMemory(from: base + (offset - start.offset), byteCount: frameBytes)
        buffer.zeroPadding(behind: frameBytes)
        let copy = unsafe SegmentWindow(
            base: UnsafeRawPointer(buffer.base), range: offset..<offset + frameBytes,
            owner: BlockLoan(buffer, of: pages))
        var parser = FrameParser(segmentSeed: segmentSeed)
        guard let header = parser.laid(copy, at: offset)?.header else {
            preconditionFailure("a frame is as it was laid")
        }
        let payload =
            offset + FrameLayout.headerBytes(source: header.source.source, subject: header.subject)
        return SegmentScan.Found(
            header: header, offset: offset, payload: payload..<payload + header.payloadBytes, window: copy)
    }

    // Safety: what was laid is initialised, stays until the group begins anew, and has padding behind it.
    private var window: SegmentWindow {
        unsafe SegmentWindow(base: base, range: start.offset..<start.offset + byteCount, owner: self)
    }

    private func look(_ body: (FrameHeader, _ bytes: Range<Int>) -> Void) {
        let window = window
        var parser = FrameParser(segmentSeed: segmentSeed)
        var offset = start.offset
        while offset < window.range.upperBound {
            guard let frame = parser.laid(window, at: offset) else {
                preconditionFailure("a frame is as it was laid")
            }
            body(frame.header, offset..<frame.next)
            offset = frame.next
        }
    }

    private func copy(_ payload: RawSpan, behind headerBytes: Int) -> Bool {
        precondition((1...LogLimits.payloadBytesMax).contains(payload.byteCount), "a payload of allowed size")
        guard FrameLayout.rounded(headerBytes + payload.byteCount) <= room - byteCount else { return false }
        let target = unsafe base + byteCount + headerBytes
        // Safety: the room was checked; a payload never lies in the group itself.
        unsafe payload.withUnsafeBytes { source in
            unsafe target.copyMemory(from: source.baseAddress!, byteCount: source.count)
        }
        return true
    }

    private func seal(
        _ kind: FrameKind, from source: SourceEpoch, first: SequenceNumber, count: Int, receivedAt: Timestamp,
        about subject: FrameSubject?, headerBytes: Int, payloadBytes: Int
    ) -> Position {
        precondition(
            (1...LogLimits.frameEventsMax).contains(count) && payloadBytes >= count, "a line an event")
        precondition(first.rawValue >= 1, "numbers begin with 1")
        let position = start.next.advanced(by: eventCount)
        let header = FrameHeader(
            kind: kind, source: source, firstSequence: first, count: count, receivedAt: receivedAt,
            position: position, payloadBytes: payloadBytes, subject: subject, groupOffset: start.offset)
        let frame = unsafe base + byteCount
        let frameBytes = headerBytes + payloadBytes
        // Safety: `copy` made sure that the rounded frame fits.
        unsafe precondition(
            (frame + frameBytes - 1).load(as: UInt8.self) == 0x0A, "each line ends in a newline")
        unsafe header.encode(to: frame, headerBytes: headerBytes)
        let seed = FrameLayout.seed(
            segment: segmentSeed, offset: start.offset + byteCount, frameBytes: frameBytes)
        let checksum = unsafe tollbook_xxh3_64(frame + 16, frameBytes - 16, seed)
        unsafe frame.storeBytes(of: checksum.littleEndian, toByteOffset: 8, as: UInt64.self)
        let roundedBytes = FrameLayout.rounded(frameBytes)
        for offset in frameBytes..<roundedBytes {
            unsafe frame.storeBytes(of: 0, toByteOffset: offset, as: UInt8.self)
        }
        byteCount += roundedBytes
        frameCount += 1
        eventCount += count
        return position
    }
}
