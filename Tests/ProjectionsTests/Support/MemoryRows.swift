import Testing

@testable import Events
@testable import Projections
@testable import Simulation

/// The rows of a read model in memory, and the log that it fetches earlier calls from.
final class MemoryRows: EarlierCalls {
    enum Value: Hashable {
        case null
        case integer(Int64)
        case text([UInt8])

        var bytes: [UInt8] {
            guard case .text(let bytes) = self else { return [] }
            return bytes
        }
    }

    struct Superseded: Hashable {
        var record: [Value]
        var by: Int64
        var isWithdrawn: Bool
    }

    /// By Call-ID, From tag and To tag.
    private(set) var standing: [[Value]: [Value]] = [:]
    private(set) var superseded: [Superseded] = []
    private(set) var findings: Set<[Value]> = []
    private(set) var recalls = 0
    private let events: [UInt64: StatedEvent]
    private let sources: SourceRegistry

    init(events: [StatedEvent], sources: SourceRegistry) {
        self.events = Dictionary(uniqueKeysWithValues: events.map { ($0.position, $0) })
        self.sources = sources
    }

    func write(_ batch: inout RowBatch) {
        for row in batch.rows {
            let values = batch.cells[row.cells].map { (cell) -> Value in
                switch cell {
                case .null: .null
                case .integer(let value): .integer(value)
                case .text(let start, let length), .blob(let start, let length):
                    .text(Array(batch.text[Int(start)..<Int(start + length)]))
                }
            }
            apply(row.operation, values)
        }
        batch.removeAll()
    }

    private func apply(_ operation: RowBatch.Operation, _ values: [Value]) {
        let key = Array(values.prefix(3))
        switch operation {
        case .insertRecord:
            #expect(standing[key] == nil, "a record is inserted twice")
            #expect(values.count == CallRecord.columns.count + LegTimer.columns.count)
            standing[key] = values
        case .replaceRecord:
            #expect(standing[key] != nil, "a record is replaced that isn't there")
            standing[key] = values
        case .supersede:
            guard let record = standing[key], case .integer(let by) = values[3] else {
                Issue.record("a record is superseded that isn't there")
                return
            }
            superseded.append(Superseded(record: record, by: by, isWithdrawn: values[4] == .integer(1)))
        case .deleteRecord: standing[key] = nil
        case .insertFinding: #expect(findings.insert(values).inserted, "a finding is inserted twice")
        case .deleteFindings: findings = findings.filter { Array($0[2...3]) != values }
        default: Issue.record("a book of calls knows nothing of \(operation)")
        }
    }

    func earlier(
        callID: [UInt8], fromTag: [UInt8], mark: UInt64, after pending: inout RowBatch
    ) throws -> EarlierCall? {
        write(&pending)
        let call: [Value] = [.text(callID), .text(fromTag)]
        let rows = standing.values.filter { Array($0[0...1]) == call }
        guard !rows.isEmpty else { return nil }
        recalls += 1
        var positions: Set<UInt64> = []
        var records: [EarlierCall.Record] = []
        for row in rows {
            for position in String(decoding: row[34].bytes, as: UTF8.self).split(whereSeparator: {
                !$0.isNumber
            }) {
                positions.insert(try #require(UInt64(position)))
            }
            guard case .integer(let revision) = row[33] else { continue }
            records.append(
                EarlierCall.Record(toTag: row[2].bytes, revision: revision, content: Self.hash(row)))
        }
        for old in superseded where old.isWithdrawn && Array(old.record[0...1]) == call {
            guard case .integer(let revision) = old.record[33] else { continue }
            let toTag = old.record[2].bytes
            if let known = records.firstIndex(where: { $0.toTag == toTag }) {
                if records[known].content == nil, records[known].revision <= revision {
                    records[known] = EarlierCall.Record(toTag: toTag, revision: revision + 1, content: nil)
                }
            } else {
                records.append(EarlierCall.Record(toTag: toTag, revision: revision + 1, content: nil))
            }
        }
        var builder = CallStateBuilder()
        for position in positions.sorted() {
            let event = try #require(events[position])
            Feed.decode(event) { view, bytes, source in
                builder.append(
                    view, in: bytes, at: Position(rawValue: position), sourceEpoch: sources.index(of: source),
                    seq: SequenceNumber(rawValue: event.seq))
            }
        }
        let state = builder.finish()
        return EarlierCall(state: try #require(state), records: records)
    }

    private static func hash(_ row: [Value]) -> RowHash {
        var hash = RowHash()
        for value in row.prefix(CallRecord.revisedColumnCount) {
            switch value {
            case .null: hash.null()
            case .integer(let number): hash.integer(number)
            case .text(let bytes): unsafe bytes.withUnsafeBufferPointer { unsafe hash.text($0) }
            }
        }
        return hash
    }
}

/// Feeds stated events to a book of calls.
struct Feed: ~Copyable {
    let rows: MemoryRows
    let sources: SourceRegistry
    var book: CallBook
    var statistics = StatisticsChanges()
    /// What is open, by call.
    var open: [CallKey: String] = [:]

    init(_ events: [StatedEvent], settledMax: Int) {
        sources = SourceRegistry()
        rows = MemoryRows(events: events, sources: sources)
        book = CallBook(
            earlierCalls: rows, seed: 7, settings: Settings(), sources: sources, settledMax: settledMax)
    }

    mutating func take(_ event: StatedEvent) throws {
        var failure: (any Error)?
        Self.decode(event) { view, bytes, source in
            do {
                try book.apply(
                    view, in: bytes, at: Position(rawValue: event.position),
                    sourceEpoch: sources.index(of: source),
                    seq: SequenceNumber(rawValue: event.seq))
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }

    /// Ends a round, as a commit does.
    mutating func cut() throws {
        rows.write(&book.rows)
        var changed: [(key: CallKey, text: String?)] = []
        book.takeChanges { key, fold, _, _ in
            var text = "\(String(describing: fold.nextDeadline?.rawValue)) \(fold.legs.count)"
            for leg in fold.legs {
                text += " \(fold.marks[leg.marks].map { "\($0.time.rawValue)/\($0.interval)" })"
            }
            let share = fold.statisticsShare(asOf: Timestamp(rawValue: 2_000_000_000_000_000))
            changed.append((key, text + " \(share.hour) \(share.statistics.hashValue)"))
        } closed: { key in
            changed.append((key, nil))
        }
        for change in changed { open[change.key] = change.text }
        let taken = book.takeStatistics()
        statistics.merge(taken)
    }

    static func decode(_ event: StatedEvent, _ body: (borrowing EventView, PaddedBytes, SourceEpoch) -> Void)
    {
        let buffer = PaddedBuffer(copying: Array(event.json.utf8))
        var decoder = EventDecoder()
        decoder.begin(buffer.bytes)
        var view = EventView()
        let speaker: EventDecoder.Speaker = event.source == "ledger" ? .ledger : .proxy
        guard case .event? = decoder.next(into: &view, from: speaker), let name = SourceName(event.source)
        else {
            Issue.record("no valid event: \(event.json)")
            return
        }
        body(view, buffer.bytes, SourceEpoch(source: name, epoch: Epoch(rawValue: event.epoch)))
    }
}
