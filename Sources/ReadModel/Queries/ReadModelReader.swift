internal import EventLog
package import Events
internal import Foundation
internal import GRDB
package import Projections

/// Answers questions from the read model, also while a service writes it: each `read` sees one moment.
package final class ReadModelReader: Sendable {
    private let queue: DatabaseQueue
    private let path: String

    package init(path: String) throws {
        self.path = path
        guard FileManager.default.fileExists(atPath: path) else {
            throw ReadModelError(
                .database,
                "there is no read model at \(path): check --data, or make one with `tollbook rebuild`")
        }
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(5)
        do {
            queue = try DatabaseQueue(path: path, configuration: configuration)
        } catch let error as DatabaseError {
            throw ReadModelDatabase.explained(error, path: path)
        }
    }

    package func read<Value>(_ body: (ReadModelSnapshot) throws -> Value) throws -> Value {
        do {
            return try queue.read { db in
                let version = try Int64.fetchOne(
                    db, sql: "SELECT value FROM meta WHERE name = 'schema_version'")
                guard version == ReadModelSchema.version else {
                    throw ReadModelError(
                        .foreign,
                        "\(path) is a read model of version \(version ?? 0), this program reads version "
                            + "\(ReadModelSchema.version): run `tollbook rebuild`")
                }
                return try body(try ReadModelSnapshot(db))
            }
        } catch let error as DatabaseError {
            throw ReadModelDatabase.explained(error, path: path)
        }
    }
}

/// The read model at one moment.
package final class ReadModelSnapshot {
    let db: Database
    /// The greatest time that the log tells.
    package let asOf: Timestamp
    /// The position of the next event to be projected.
    package let next: Position
    package let settings: Settings
    let sources: SourceRegistry
    let policies: PolicyHistory
    let gaps: OpenGaps
    /// What the keys of calls are made with.
    let keySeed: UInt64

    init(_ db: Database) throws {
        self.db = db
        asOf = Timestamp(rawValue: try ReadModelDatabase.meta(db, "as_of"))
        next = Position(rawValue: UInt64(try ReadModelDatabase.meta(db, "next_position")))
        settings = try ReadModelDatabase.settings(db)
        sources = SourceRegistry(try ReadModelDatabase.sourceEpochs(db))
        policies = try ReadModelDatabase.policies(db)
        gaps = try ReadModelDatabase.openGaps(db)
        let log = try String.fetchOne(db, sql: "SELECT value FROM meta WHERE name = 'log'")
        guard let log = log.flatMap({ LogID($0) }) else {
            throw ReadModelError(
                .inconsistent, "the read model doesn't say of which log it is: run `tollbook rebuild`")
        }
        keySeed = log.keySeed
    }

    /// Folds each open call in turn, in the order of Call-ID and From tag.
    func forEachOpenCall(
        callID: String? = nil, _ body: (borrowing CallFold) throws -> Void
    ) throws {
        var fold = CallFold(settings: settings)
        for call in try OpenCallList(db, callID: callID.map { Array($0.utf8) }).calls {
            fold.fold(call.state, sources: sources)
            try body(fold)
        }
    }
}

extension CallFold {
    func string(_ slice: TextSlice?) -> String? {
        slice.map { String(decoding: bytes[$0.range], as: UTF8.self) }
    }
}
