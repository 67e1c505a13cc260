import EventLog
import Events
import Projections

/// The loops that every event passes, each by itself: nanoseconds an event, and how often memory is asked
/// for.
///
/// Where a loop is given events it has seen before, it is because it remembers none.
final class HotLoops {
    enum Loop: String, CaseIterable {
        /// From bytes to a checked event, the copy to where it is decoded included.
        case decode
        /// Frames laid into a group: copy, header, checksum. No disk.
        case append
        /// Groups written and synced.
        case commit
        /// Calls folded, records and findings computed, rows made and thrown away. No disk.
        case fold
    }

    static let figures = ["ns_per_event", "allocations", "events"]
    private static let batchEvents = 256

    private let corpus: Corpus
    private let directory: BenchDirectory
    private var parts = Parts()

    /// What decoding needs, taken once.
    private struct Parts: ~Copyable {
        var side = PaddedBuffer(capacity: LogLimits.payloadBytesMax)
        var decoder = EventDecoder()
        var view = EventView()

        mutating func load(_ place: Int, of corpus: Corpus) {
            side.removeAll()
            let hasRoom = corpus.withPayload(place) { side.append($0) }
            precondition(hasRoom, "a payload of allowed size")
            decoder.begin(side.bytes)
        }

        /// Whether `view` holds another event.
        mutating func next() throws -> Bool {
            switch decoder.next(into: &view, from: .proxy) {
            case nil: return false
            case .event: return true
            case .fault(let fault):
                throw CommandFailure(
                    .answerIsNo, "an event of the traffic generator's is not valid: \(fault)")
            }
        }
    }

    /// - Parameter events: how many each run passes through the loop, rounded up to whole batches.
    init(events: Int, directory: BenchDirectory) {
        let batches = (events + Self.batchEvents - 1) / Self.batchEvents
        corpus = Corpus(events: batches * Self.batchEvents, batchEvents: Self.batchEvents)
        self.directory = directory
    }

    func run(_ loop: Loop, runs: Int, into report: BenchReport) throws {
        let progress = ProgressReport(loop.rawValue, unit: "runs")
        for run in 0..<runs {
            var nanoseconds: Int64 = 0
            var allocations: Int64?
            switch loop {
            case .decode:
                try decode(&parts)
                allocations = try AllocationCounter.during { nanoseconds = try decode(&parts) }
            case .append: (nanoseconds, allocations) = try append()
            case .commit: (nanoseconds, allocations) = try commit()
            case .fold: (nanoseconds, allocations) = try fold()
            }
            let count = Int64(corpus.eventCount)
            try report.add([nanoseconds / count, allocations, count])
            progress.update(UInt64(run + 1), of: UInt64(runs))
        }
        progress.finish()
    }

    @discardableResult
    private func decode(_ parts: inout Parts) throws -> Int64 {
        let begun = Stopwatch.now
        var found = 0
        for place in 0..<corpus.batchCount {
            parts.load(place, of: corpus)
            while try parts.next() { found += 1 }
        }
        let nanoseconds = Stopwatch.now - begun
        precondition(found == corpus.eventCount, "every line is an event")
        return nanoseconds
    }

    private func append() throws -> (Int64, Int64?) {
        let log = try LogDirectory.open(directory.fresh("append"))
        defer { log.close() }
        let group = log.makeGroup()
        var nanoseconds: Int64 = 0
        group.begin(at: log.tail)
        let allocations = AllocationCounter.during {
            let begun = Stopwatch.now
            for place in 0..<corpus.batchCount where !lay(place, first: 1, in: group) {
                // As if the one before had been written.
                group.begin(at: log.tail)
                let hasRoom = lay(place, first: 1, in: group)
                precondition(hasRoom, "a new group has room")
            }
            nanoseconds = Stopwatch.now - begun
        }
        return (nanoseconds, allocations)
    }

    /// Groups of a megabyte, as many batches come together while the disk is busy.
    private func commit() throws -> (Int64, Int64?) {
        let log = try LogDirectory.open(directory.fresh("commit"))
        defer { log.close() }
        log.startMaintenance()
        let group = log.makeGroup(capacity: 1 << 20)
        var nanoseconds: Int64 = 0
        var allocations: Int64? = AllocationCounter.count.map { _ in 0 }
        var place = 0
        group.begin(at: log.tail)
        while place < corpus.batchCount {
            while place < corpus.batchCount, lay(place, first: place * Self.batchEvents + 1, in: group) {
                place += 1
            }
            let counted = try AllocationCounter.during {
                let begun = Stopwatch.now
                try log.writer.commit(group)
                nanoseconds += Stopwatch.now - begun
            }
            if let counted { allocations = (allocations ?? 0) + counted }
            group.begin(at: group.tail)
        }
        return (nanoseconds, allocations)
    }

    private func lay(_ place: Int, first: Int, in group: FrameGroup) -> Bool {
        corpus.withPayload(place) { payload in
            // Safety: bytes are read as bytes.
            unsafe group.append(
                .events, from: BenchSource.origin, first: SequenceNumber(rawValue: Int64(first)),
                count: Self.batchEvents, receivedAt: Timestamp(rawValue: 0), payload: payload.bytes) != nil
        }
    }

    /// Decoding is part of the loop, and is measured alone just before, to be taken off.
    private func fold() throws -> (Int64, Int64?) {
        let decoding = try decode(&parts)
        let earlier = NoEarlierCalls()
        var book = CallBook(
            earlierCalls: earlier, seed: 1, settings: Settings(),
            sources: SourceRegistry([BenchSource.origin]))
        var nanoseconds: Int64 = 0
        let allocations = try AllocationCounter.during {
            let begun = Stopwatch.now
            try fold(&parts, into: &book)
            nanoseconds = Stopwatch.now - begun
        }
        return (max(0, nanoseconds - decoding), allocations)
    }

    private func fold(_ parts: inout Parts, into book: inout CallBook) throws {
        var number = 0
        for place in 0..<corpus.batchCount {
            parts.load(place, of: corpus)
            while try parts.next() {
                number += 1
                try book.apply(
                    parts.view, in: parts.side.bytes, at: Position(rawValue: UInt64(number)), sourceEpoch: 0,
                    seq: SequenceNumber(rawValue: Int64(number)))
            }
            // As often as the projector writes them.
            if book.rows.textBytes > 1 << 20 { book.rows.removeAll() }
            if place % 256 == 255 { book.takeChanges(open: { _, _, _, _ in }, closed: { _ in }) }
        }
        book.rows.removeAll()
        book.takeChanges(open: { _, _, _, _ in }, closed: { _ in })
        _ = book.takeMarks()
        _ = book.takeStatistics()
    }
}

/// All calls are new: nothing is to be fetched.
private final class NoEarlierCalls: EarlierCalls {
    func earlier(
        callID: [UInt8], fromTag: [UInt8], mark: UInt64, after pending: inout RowBatch
    ) throws -> EarlierCall? {
        nil
    }
}
