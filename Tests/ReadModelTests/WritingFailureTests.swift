import GRDB
import Testing

@testable import EventLog
@testable import Events
@testable import Projections
@testable import ReadModel

/// What the thread that writes can't write must reach whoever folds, whatever it is doing just then, and
/// nobody may wait for ever. A trigger of SQLite's stands for a disk that refuses.
@Suite(.timeLimit(.minutes(1))) struct WritingFailureTests {
    /// At the first row, in the middle of a round, at the commit, and where an earlier call is asked for.
    @Test(
        arguments: [
            ("BEFORE INSERT ON cdrs", 1), ("BEFORE INSERT ON cdrs WHEN (SELECT count(*) FROM cdrs) > 40", 30),
            ("BEFORE INSERT ON meta", 1), ("BEFORE INSERT ON cdr_revisions", 0),
        ])
    func refusalIsToldAndLeavesNothing(trigger: String, settledMax: Int) throws {
        let place = try TestPlace()
        try place.fill(seed: 3, calls: 200)
        let database = try ReadModelDatabase(path: place.readModel, logID: place.log.id, use: .live)
        try database.write { db in
            try db.execute(sql: "CREATE TRIGGER refusal \(trigger) BEGIN SELECT raise(ABORT, 'no room'); END")
        }
        let told = try fail(database, place.log, settledMax: settledMax)
        #expect(told.contains("no room"), "\(told)")
        // What was committed is whole: a projector that begins anew makes it what a rebuild makes it.
        try database.write { db in try db.execute(sql: "DROP TRIGGER refusal") }
        try follow(database, place.log)
        try database.close()
        let report = try Comparison.run(readModel: place.readModel, log: place.log)
        #expect(report.isEqual, "\(report.examples.prefix(5))")
    }

    /// Projects in small rounds until it fails; the projector ends with this function.
    private func fail(
        _ database: ReadModelDatabase, _ log: LogDirectory, settledMax: Int
    ) throws -> String {
        let projector = try Projector(database, log: log, settledMax: settledMax)
        var told = ""
        let error = #expect(throws: ReadModelError.self) {
            while try projector.advance(round: 100) {}
        }
        told = error?.description ?? ""
        #expect(projector.committed < log.durable.next)
        #expect(throws: ReadModelError.self) { try projector.advance() }
        return told
    }

    private func follow(_ database: ReadModelDatabase, _ log: LogDirectory) throws {
        let projector = try Projector(database, log: log)
        while try projector.advance() {}
        #expect(projector.committed == log.durable.next)
    }
}
