import Testing

@testable import Events
@testable import Projections

/// The rows of a read model in memory, and the log that it fetches earlier calls from.
final class MemoryRows: CallRows {
    struct Key: Hashable {
        var callID: [UInt8]
        var fromTag: [UInt8]
        var toTag: [UInt8]
    }

    struct Standing: Equatable {
        var columns: [UInt8]
        var positions: [UInt8]
        var revision: Int64
        var timer: [UInt8]
    }

    private(set) var standing: [Key: Standing] = [:]
    private(set) var revisions: [Key: Int64] = [:]
    private(set) var superseded: [(key: Key, revision: Int64, by: UInt64, isWithdrawn: Bool)] = []
    private(set) var findings: [[[UInt8]]: [String]] = [:]
    private(set) var recalls = 0
    private let events: [UInt64: StatedEvent]
    private let sources: SourceRegistry

    init(events: [StatedEvent], sources: SourceRegistry) {
        self.events = Dictionary(uniqueKeysWithValues: events.map { ($0.position, $0) })
        self.sources = sources
    }

    func earlier(callID: [UInt8], fromTag: [UInt8]) throws -> EarlierCall? {
        let keys = standing.keys.filter { $0.callID == callID && $0.fromTag == fromTag }
        guard let first = keys.first, let row = standing[first] else { return nil }
        recalls += 1
        let positions = String(decoding: row.positions, as: UTF8.self).split { !$0.isNumber }.compactMap { UInt64($0) }
        var state: CallState?
        for position in positions {
            guard let event = events[position] else { continue }
            Feed.decode(event) { view, bytes, source in
                if state == nil { state = CallState(view, in: bytes, at: Position(rawValue: position)) }
                state?.append(
                    view, in: bytes, at: Position(rawValue: position), sourceEpoch: sources.index(of: source),
                    seq: SequenceNumber(rawValue: event.seq))
            }
        }
        let known = revisions.filter { $0.key.callID == callID && $0.key.fromTag == fromTag }
        return EarlierCall(state: try #require(state), revisions: known.map { ($0.key.toTag, $0.value) })
    }

    func put(_ revision: RecordRevision, of fold: borrowing CallFold, common: borrowing CallCommon) throws {
        let key = Key(
            callID: Array(fold.bytes[fold.callID.range]), fromTag: Array(fold.bytes[fold.fromTag.range]),
            toTag: fold.toTag(revision.record))
        if let old = revision.old {
            #expect(standing[key]?.columns == old)
            if !revision.isSameRevision {
                superseded.append((key, revision.revision - 1, revision.position.rawValue, false))
            }
        } else {
            #expect(standing[key] == nil)
        }
        standing[key] = Standing(
            columns: ColumnBytes.of(revision.record, fold, common, revision.policy), positions: common.positions,
            revision: revision.revision, timer: revision.timer?.marks ?? [])
        revisions[key] = revision.revision
    }

    func withdraw(
        toTag: [UInt8], old: [UInt8], revision: Int64, by position: Position, of fold: borrowing CallFold
    ) throws {
        let key = Key(
            callID: Array(fold.bytes[fold.callID.range]), fromTag: Array(fold.bytes[fold.fromTag.range]),
            toTag: toTag)
        #expect(standing[key]?.columns == old)
        standing[key] = nil
        revisions[key] = revision + 1
        superseded.append((key, revision, position.rawValue, true))
    }

    func replaceFindings(_ findings: [Finding], of fold: borrowing CallFold, hadSome: Bool) throws {
        let call = [Array(fold.bytes[fold.callID.range]), Array(fold.bytes[fold.fromTag.range])]
        var texts: [String] = []
        for finding in findings {
            let tag = finding.toTag.map { String(decoding: fold.bytes[$0.range], as: UTF8.self) } ?? ""
            texts.append(
                "\(finding.code) \(tag) \(finding.at.rawValue) \(finding.positions.map(\.rawValue)) "
                    + String(decoding: finding.detail, as: UTF8.self))
        }
        self.findings[call] = texts.isEmpty ? nil : texts.sorted()
    }
}

/// Feeds stated events to a book of calls.
struct Feed: ~Copyable {
    let rows: MemoryRows
    let sources: SourceRegistry
    var book: CallBook<MemoryRows>
    var statistics = StatisticsChanges()
    /// What is open, by call: the packed state folds to these marks and legs.
    var open: [[UInt8]: String] = [:]

    init(_ events: [StatedEvent], settledMax: Int) {
        sources = SourceRegistry()
        rows = MemoryRows(events: events, sources: sources)
        book = CallBook(
            rows: rows, seed: 7, settings: Settings(), sources: sources, settledMax: settledMax)
    }

    mutating func take(_ event: StatedEvent) throws {
        var failure: (any Error)?
        // The closure borrows; the book is moved through a local.
        Self.decode(event) { view, bytes, source in
            do {
                try book.apply(
                    view, in: bytes, at: Position(rawValue: event.position), sourceEpoch: sources.index(of: source),
                    seq: SequenceNumber(rawValue: event.seq))
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }

    /// Ends a round, as a commit does.
    mutating func cut() throws {
        var changed: [(key: [UInt8], text: String?)] = []
        let sources = sources
        try book.takeChanges { fold, state in
            let key = Array(fold.bytes[fold.callID.range]) + [0] + Array(fold.bytes[fold.fromTag.range])
            var text = "\(String(describing: fold.nextDeadline?.rawValue)) \(fold.legs.count)"
            for leg in fold.legs { text += " \(fold.marks[leg.marks].map { "\($0.time.rawValue)/\($0.interval)" })" }
            let share = fold.statisticsShare(asOf: Timestamp(rawValue: 2_000_000_000_000_000), sources: sources)
            changed.append((key, text + " \(share.hashValue)"))
        } closed: { fold in
            changed.append((Array(fold.bytes[fold.callID.range]) + [0] + Array(fold.bytes[fold.fromTag.range]), nil))
        }
        for change in changed { open[change.key] = change.text }
        let taken = book.takeStatistics()
        statistics.merge(taken)
    }

    static func decode(_ event: StatedEvent, _ body: (EventView, PaddedBytes, SourceEpoch) -> Void) {
        let buffer = PaddedBuffer(copying: Array(event.json.utf8))
        var decoder = EventDecoder()
        decoder.begin(buffer.bytes)
        var view = EventView()
        let speaker: EventDecoder.Speaker = event.source == "ledger" ? .ledger : .proxy
        guard case .event? = decoder.next(into: &view, from: speaker), let name = SourceName(event.source) else {
            Issue.record("no valid event: \(event.json)")
            return
        }
        body(view, buffer.bytes, SourceEpoch(source: name, epoch: Epoch(rawValue: event.epoch)))
    }
}
