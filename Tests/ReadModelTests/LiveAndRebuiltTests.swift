import Foundation
import GRDB
import Testing

@testable import EventLog
@testable import Events
@testable import Projections
@testable import ReadModel
@testable import Simulation

/// A read model that was kept up to date round by round, over restarts, equals one that is made anew: every
/// table, every row, every column. Tried on realistic traffic with duplicates, late events and lost numbers,
/// and on gaps that open and close under records that stand.
struct LiveAndRebuiltTests {
    @Test(arguments: [1, 2, 3, 4, 5, 6])
    func areEqualTableByTable(seed: UInt64) throws {
        let place = try TestPlace()
        let traffic = try place.fill(seed: seed, calls: 400)
        #expect(traffic > 2000)
        var random = RandomStream(seed: seed)
        // Rounds of random size, and a new projector now and then, as after a crash.
        var next = Position.first
        while next < place.log.durable.next {
            let database = try ReadModelDatabase(path: place.readModel, logID: place.log.id, use: .live)
            next = try project(database, place.log, &random)
            try database.close()
        }
        let report = try Comparison.run(readModel: place.readModel, log: place.log)
        #expect(report.isEqual, "seed \(seed): \(report.examples.prefix(5))")
        #expect(report.tables.contains { $0.name == "cdrs" && $0.rows > 300 })
    }

    /// As long as no gap and no policy asks for records, a rebuild puts them off until their calls leave
    /// memory and writes them past SQLite. However many calls stay in memory, and wherever a policy or a gap
    /// ends that, the same comes out: late events, calls that go on after they had ended, old revisions and
    /// all.
    @Test(arguments: [0, 1, 7, 60, 100_000])
    func areEqualHoweverLongRecordsAreUntold(settledMax: Int) throws {
        for seed in UInt64(20)...25 {
            let place = try TestPlace()
            var faults = Faults.some
            (faults.lost, faults.invalid, faults.late) = (0, 0, 0.03)
            if seed == 25 { faults.lost = 0.0003 }
            try place.fill(seed: seed, calls: 250, faults: faults, policyAfter: seed % 2 == 0 ? 500 : nil)
            let database = try ReadModelDatabase(path: place.readModel, logID: place.log.id, use: .live)
            var random = RandomStream(seed: seed)
            while try project(database, place.log, &random) < place.log.durable.next {}
            try database.close()
            let report = try Comparison.run(
                readModel: place.readModel, log: place.log, settledMax: settledMax)
            #expect(report.isEqual, "seed \(seed): \(report.examples.prefix(5))")
            #expect(report.tables.contains { $0.name == "cdr_revisions" && $0.rows > 20 })
            #expect(report.tables.contains { $0.name == "policies" && $0.rows == (seed % 2 == 0 ? 1 : 0) })
            #expect(report.tables.contains { $0.name == "gaps" && ($0.rows > 0) == (seed == 25) })
            try checkFile(place, settledMax)
        }
    }

    /// The same where the records fill a part of their table on the way, with restarts, revisions and records
    /// that are withdrawn on both sides: each record is in a part where its call is looked for.
    @Test(arguments: [31, 32] as [UInt64])
    func areEqualAcrossParts(seed: UInt64) throws {
        let place = try TestPlace()
        var faults = Faults.some
        (faults.lost, faults.invalid, faults.late) = (0, 0, 0.05)
        try place.fill(seed: seed, calls: 250, faults: faults)
        var random = RandomStream(seed: seed)
        var next = Position.first
        while next < place.log.durable.next {
            let database = try ReadModelDatabase(path: place.readModel, logID: place.log.id, use: .live)
            if next == .first {
                // A row of nobody's, behind which the others get their numbers.
                try database.write { db in try db.execute(sql: Self.strangersRow) }
            }
            next = try project(database, place.log, &random)
            try database.close()
        }
        let database = try ReadModelDatabase(path: place.readModel, logID: place.log.id, use: .live)
        try database.write { db in
            let parts = try CallParts(db)
            let rows = try Row.fetchAll(db, sql: "SELECT id, callid, from_tag FROM cdrs")
            #expect(Set(rows.map { KeyShape.part(of: $0["id"]) }).count > 1)
            for row in rows {
                let key = [row["callid"] as String, row["from_tag"] as String].map { Array($0.utf8) }
                let found = try parts.candidates(RowBatch.hash(of: key))
                #expect(found.contains(KeyShape.part(of: row["id"])))
            }
            let kept = try Int.fetchAll(db, sql: "SELECT part FROM call_parts ORDER BY part")
            let last = try Int.fetchOne(db, sql: "SELECT max(id) >> 16 FROM cdrs") ?? 0
            #expect(kept == Array(0..<last))
            try db.execute(sql: "DELETE FROM cdrs WHERE callid = 'nobody'")
        }
        try database.close()
        let report = try Comparison.run(readModel: place.readModel, log: place.log)
        #expect(report.isEqual, "seed \(seed): \(report.examples.prefix(5))")
        #expect(report.tables.contains { $0.name == "cdr_revisions" && $0.rows > 20 })
    }

    private static var strangersRow: String {
        let columns = (CallRecord.columns + LegTimer.columns).filter { !$0.mayBeNull }
        let values = columns.map { column in
            column.name == "callid" ? "'nobody'" : column.kind == .integer ? "0" : "'[]'"
        }
        return "INSERT INTO cdrs (id, \(columns.map(\.name).joined(separator: ", "))) "
            + "VALUES (\((1 << ReadModelSchema.partBits) - 150), \(values.joined(separator: ", ")))"
    }

    /// SQLite finds nothing wrong with what was written past it, indexes included.
    private func checkFile(_ place: TestPlace, _ settledMax: Int) throws {
        let path = place.readModel + ".new"
        let rebuild = try Rebuild(place.log, at: path, recipe: Rebuild.Recipe(), settledMax: settledMax)
        try rebuild.advance()
        try rebuild.finish()
        let database = try DatabaseQueue(path: path)
        try database.read { db in
            let check = try String.fetchAll(db, sql: "PRAGMA integrity_check")
            #expect(check == ["ok"])
        }
    }

    /// What a record once said counts for `longest_call_us`, also where it says something else in the end: a
    /// BYE at 3,000 s, then one that was sent at 100 s.
    @Test func theLongestCallIsNotForgotten() throws {
        let place = try TestPlace()
        try place.lay([
            event("dialog.trying", "a", nil, at: 0, #","cseq":1"#),
            event("dialog.confirmed", "a", "x", at: 1, #","cseq":1,"sip_code":200"#),
            event("dialog.terminated", "a", "x", at: 3_000, #","by":"caller""#),
            event("dialog.terminated", "a", "x", at: 100, #","by":"callee""#),
        ])
        let revisions = try compare(place)
        #expect(revisions == 1)
    }

    /// A policy bills a late end anew that waited for its call to be looked for: other calls have long made
    /// the first leg leave memory when the second one's end comes.
    @Test func aPolicyCountsForWhatWaits() throws {
        let place = try TestPlace()
        var lines = [
            event("dialog.trying", "a", nil, at: 0, #","cseq":1"#),
            event("dialog.confirmed", "a", "x", at: 1, #","cseq":1,"sip_code":200"#),
            event("dialog.terminated", "a", "x", at: 100, #","by":"caller""#),
        ]
        for number in 0..<5 {
            lines += [
                event("dialog.trying", "b\(number)", nil, at: 1, #","cseq":1"#),
                event("dialog.failed", "b\(number)", nil, at: 2, #","cseq":1,"sip_code":486,"by":"callee""#),
            ]
        }
        lines.append(event("timeout.lifetime", "a", "y", at: 5_000, #","bye_sent":true"#))
        try place.lay(lines)
        try place.lay(policyAt: Timestamp(rawValue: 1_700_000_000_000_000 + 4_000 * 1_000_000))
        let revisions = try compare(place)
        #expect(revisions == 1)
    }

    private func event(_ type: String, _ call: String, _ tag: String?, at time: Int64, _ rest: String)
        -> String
    {
        let tag = tag.map { #","to_tag":"\#($0)""# } ?? ""
        return #"{"type":"\#(type)","time":\#(1_700_000_000_000_000 + time * 1_000_000),"callid":"\#(call)""#
            + #","from_tag":"f"\#(tag)\#(rest)}"#
    }

    /// Holds rebuilds against the live read model of a log; returns how many old revisions there are.
    private func compare(_ place: TestPlace) throws -> Int {
        try place.log.writer.commit(place.writing)
        let database = try ReadModelDatabase(path: place.readModel, logID: place.log.id, use: .live)
        var random = RandomStream(seed: 1)
        while try project(database, place.log, &random) < place.log.durable.next {}
        try database.close()
        var revisions = -1
        for settledMax in [0, 2, 100] {
            let report = try Comparison.run(
                readModel: place.readModel, log: place.log, settledMax: settledMax)
            #expect(report.isEqual, "\(settledMax): \(report.examples.prefix(5))")
            revisions = report.tables.first { $0.name == "cdr_revisions" }?.rows ?? -1
        }
        return revisions
    }

    /// What a rebuild can't write reaches whoever asked for it, whichever thread it befalls, and nobody waits
    /// for ever.
    @Test func aRebuildThatCannotWriteSaysSo() throws {
        let place = try TestPlace()
        try place.fill(seed: 3, calls: 200, faults: .none)
        let path = place.readModel + ".new"
        let rebuild = try Rebuild(place.log, at: path, recipe: Rebuild.Recipe(), settledMax: 10)
        // Where the sorted keys would go there is a folder.
        try FileManager.default.createDirectory(atPath: path + "-runs", withIntermediateDirectories: true)
        let error = #expect(throws: ReadModelError.self) {
            try rebuild.advance()
            try rebuild.finish()
        }
        #expect(error?.detail.contains("-runs") == true, "\(String(describing: error))")
    }

    /// One that is given up half way ends its threads.
    @Test func aRebuildMayBeGivenUp() throws {
        let place = try TestPlace()
        try place.fill(seed: 4, calls: 300, faults: .none)
        for limit in [1, 100, 1_000] as [UInt64] {
            let rebuild = try Rebuild(
                place.log, at: place.readModel + ".new", recipe: Rebuild.Recipe(), settledMax: 5)
            try rebuild.advance(to: Position(rawValue: limit))
            #expect(rebuild.next <= Position(rawValue: max(limit, 1)))
        }
    }

    /// A few rounds; the projector's statements go with it.
    private func project(
        _ database: ReadModelDatabase, _ log: LogDirectory, _ random: inout RandomStream
    ) throws -> Position {
        // New records one by one, or many at once where the last round had so many.
        let projector = try Projector(
            database, log: log, settledMax: Int(random.next() % 50),
            stagedRecordsMin: [0, 1, 20, 1_000][Int(random.next() % 4)])
        for _ in 0..<Int(random.next() % 6) + 1 {
            try projector.advance(round: Int(random.next() % 400) + 1)
        }
        return projector.next
    }

    private static let withAgent = "SELECT min(rowid) FROM cdrs WHERE user_agent IS NOT NULL"

    /// Whatever is not the same is found, and told row by row, with everything else left out.
    @Test(arguments: [
        ("UPDATE cdrs SET duration_us = duration_us + 1 WHERE rowid = 7; DELETE FROM cdrs WHERE id = 8", 2),
        // What is added to the one is taken from the other.
        ("UPDATE cdrs SET duration_us = duration_us + 16 - rowid WHERE rowid IN (15, 17)", 2),
        ("UPDATE cdrs SET user_agent = CAST(user_agent AS BLOB) WHERE rowid = (\(withAgent))", 1),
        ("UPDATE cdrs SET user_agent = NULL WHERE rowid = (\(withAgent))", 1),
        ("UPDATE cdrs SET callid = callid || 'x' WHERE rowid = 7", 2),
    ])
    func aDifferenceIsFound(sql: String, count: Int) throws {
        let place = try TestPlace()
        try place.fill(seed: 9, calls: 50)
        let database = try ReadModelDatabase(path: place.readModel, logID: place.log.id, use: .live)
        var random = RandomStream(seed: 9)
        while try project(database, place.log, &random) < place.log.durable.next {}
        try database.write { db in try db.execute(sql: sql) }
        try database.close()
        let report = try Comparison.run(readModel: place.readModel, log: place.log)
        #expect(report.tables.first { $0.name == "cdrs" }?.differences == count)
        #expect(report.examples.allSatisfy { $0.table == "cdrs" } && report.examples.count >= count)
    }
}

/// A data directory of a test's own, with a log in it.
final class TestPlace {
    let directory: String
    let log: LogDirectory
    var readModel: String { directory + "/" + ReadModelDatabase.fileName }

    init() throws {
        directory = NSTemporaryDirectory() + "tollbook-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        var options = LogOptions()
        options.neighbours = ReadModelDatabase.fileNames
        log = try LogDirectory.open(directory, options: options)
    }

    deinit {
        log.close()
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// Fills the log with realistic traffic, in the order in which faults leave it. Numbers that were lost
    /// become gaps, and every second gap closes at the end; returns how many events there are.
    @discardableResult
    func fill(seed: UInt64, calls: Int) throws -> Int {
        var faults = Faults.some
        (faults.lost, faults.invalid, faults.duplicated) = (0.005, 0, 0)
        return try fill(seed: seed, calls: calls, faults: faults)
    }

    /// - Parameter policyAfter: how many batches come before another policy does.
    @discardableResult
    func fill(seed: UInt64, calls: Int, faults: Faults, policyAfter: Int? = nil) throws -> Int {
        var settings = TrafficSettings.realistic(
            seed: seed, start: Timestamp(rawValue: 1_700_000_000_000_000), calls: calls, callsPerSecond: 20,
            sources: 3)
        settings.faults = faults
        var traffic = Traffic(settings)
        var batch = TrafficBatch()
        var seen: [SourceEpoch: Int64] = [:]
        var lost: [(source: SourceEpoch, numbers: ClosedRange<Int64>)] = []
        writing.begin(at: log.tail)
        var batches = 0
        while traffic.next(into: &batch) {
            batches += 1
            if batches == policyAfter { try lay(policyAt: batch.readyAt) }
            let source = SourceEpoch(source: batch.source, epoch: batch.epoch)
            let expected = (seen[source] ?? 0) + 1
            let first = batch.firstSequence.rawValue
            if first > expected {
                lost.append((source, expected...first - 1))
                try lay(gap: expected...first - 1, of: source, at: batch.readyAt)
            }
            // A log has no number twice.
            if first < expected { continue }
            seen[source] = first + Int64(batch.count) - 1
            let payload = batch.payload.withBytes { bytes in
                // Safety: offsets within the span.
                (0..<bytes.byteCount).map { unsafe bytes.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }
            }
            try lay(.events, source, first, batch.count, payload)
        }
        for (index, gap) in lost.enumerated() where index % 2 == 0 {
            for number in gap.numbers {
                try lay(rejected: number, of: gap.source)
            }
        }
        if !writing.isEmpty { try log.writer.commit(writing) }
        return Int(log.durable.next.rawValue) - 1
    }

    lazy var writing = log.makeGroup()
    private var ledgerSeq: Int64 = 0
    /// What `state` has laid.
    var stated: [SourceEpoch: Int64] = [:]
    var position = Position.first
    var isWriting = false
    private let ledger = SourceEpoch(source: .ledger, epoch: Epoch(rawValue: 1))

    private func lay(gap numbers: ClosedRange<Int64>, of source: SourceEpoch, at time: Timestamp) throws {
        let line =
            #"{"type":"ledger.gap","time":\#(time.rawValue),"gap_source":"\#(source.source)","#
            + #""gap_epoch":\#(source.epoch.rawValue),"from_seq":\#(numbers.lowerBound),"#
            + #""to_seq":\#(numbers.upperBound),"after":\#(time.rawValue - 5_000_000),"before":\#(time.rawValue)}"#
        try layOwn(.gap, line, numbers, of: source)
    }

    private func lay(rejected number: Int64, of source: SourceEpoch) throws {
        let line =
            #"{"type":"ledger.rejected","time":1700000000000000,"reason":"not_json","raw":"e30=","#
            + #""of_source":"\#(source.source)","of_epoch":\#(source.epoch.rawValue),"of_seq":\#(number)}"#
        try layOwn(.rejected, line, number...number, of: source)
    }

    /// Lays events of one source, each in a batch of its own.
    func lay(_ lines: [String]) throws {
        let name = try #require(SourceName("p"))
        writing.begin(at: log.tail)
        for (index, line) in lines.enumerated() {
            try lay(
                .events, SourceEpoch(source: name, epoch: Epoch(rawValue: 1)), Int64(index + 1), 1,
                Array((line + "\n").utf8))
        }
    }

    func lay(policyAt time: Timestamp) throws {
        let line =
            #"{"type":"ledger.policy","time":\#(time.rawValue),"policy":"{\"id\":\"other\",\"round_ms\":60000}"}"#
        ledgerSeq += 1
        try lay(.events, ledger, ledgerSeq, 1, Array((line + "\n").utf8))
    }

    private func layOwn(
        _ kind: FrameKind, _ line: String, _ numbers: ClosedRange<Int64>, of source: SourceEpoch
    ) throws {
        ledgerSeq += 1
        try lay(
            kind, ledger, ledgerSeq, 1, Array((line + "\n").utf8),
            FrameSubject(
                source: source, first: SequenceNumber(rawValue: numbers.lowerBound),
                last: SequenceNumber(rawValue: numbers.upperBound)))
    }

    func lay(
        _ kind: FrameKind, _ source: SourceEpoch, _ first: Int64, _ count: Int, _ payload: [UInt8],
        _ subject: FrameSubject? = nil
    ) throws {
        for _ in 0..<2 {
            // Safety: bytes of an array of bytes.
            let position = unsafe writing.append(
                kind, from: source, first: SequenceNumber(rawValue: first), count: count,
                receivedAt: Timestamp(rawValue: 1_700_000_000_000_000), about: subject,
                payload: payload.span.bytes)
            if position != nil { return }
            try log.writer.commit(writing)
            writing.begin(at: writing.tail)
        }
        Issue.record("a batch has no room in an empty group")
    }
}
