import ArgumentParser
import EventLog
import Events
import Foundation
import ReadModel

struct DataOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The ledger's data directory.", valueName: "dir"))
    var data = DataDirectory.standardPath

    var directory: DataDirectory { DataDirectory(path: data) }
}

/// A ledger on disk: the log, and the read model that is made from it.
struct DataDirectory {
    static let standardPath = "./tollbook-data"

    let path: String

    var readModelPath: String { path + "/" + ReadModelDatabase.fileName }

    /// How the log is opened, here as everywhere.
    static func logOptions(segmentBytes: Int? = nil) -> LogOptions {
        var options = LogOptions()
        options.neighbours.formUnion(ReadModelDatabase.fileNames)
        if let segmentBytes { options.segmentBytes = segmentBytes }
        options.notify = { notice in
            switch notice {
            case .compressed: break
            case .compressionFailed(let error):
                StandardError.writeLine("tollbook: a segment of the log stays uncompressed: \(error)")
            case .damaged(let error): StandardError.writeLine("tollbook: \(error)")
            }
        }
        return options
    }

    /// Opens the log for reading; a service may be writing it.
    func openLogForReading() throws -> LogDirectory {
        do throws(LogError) {
            return try LogDirectory.openReadOnly(path)
        } catch {
            guard error.code == .missing else { throw error }
            throw CommandFailure(
                .environment,
                "there is no ledger in \(path). Name its directory with --data, or begin one with "
                    + "`tollbook serve` or `tollbook import`.")
        }
    }

    /// Opens the log for writing where there is one and nobody else has it; null where somebody has.
    func openLogIfFree(segmentBytes: Int? = nil) throws -> LogDirectory? {
        do throws(LogError) {
            return try LogDirectory.open(path, options: Self.logOptions(segmentBytes: segmentBytes))
        } catch {
            guard error.code == .locked else { throw error }
            return nil
        }
    }

    var hasReadModel: Bool { FileManager.default.fileExists(atPath: readModelPath) }
}

/// Keeps the read model with the log: brings it up to date, or makes one where there is none.
struct ReadModelUpkeep {
    let directory: DataDirectory

    /// Takes in what the log has beyond the read model.
    ///
    /// - Parameter log: open for writing, so that nobody else writes the read model.
    func catchUp(_ log: LogDirectory) throws {
        guard directory.hasReadModel else {
            try make(log, recipe: Rebuild.Recipe())
            return
        }
        let database = try ReadModelDatabase(path: directory.readModelPath, logID: log.id, use: .live)
        try follow(log, with: database)
        try database.close()
    }

    /// In a function of its own, so that the projector's statements are gone before the read model is closed.
    private func follow(_ log: LogDirectory, with database: ReadModelDatabase) throws {
        let projector = try Projector(database, log: log)
        let end = log.durable.next
        let progress = ProgressReport("taking in new events", unit: "events")
        let start = projector.next.rawValue
        while try projector.advance() {
            progress.update(projector.next.rawValue - start, of: end.rawValue - start)
        }
    }

    /// Makes the read model anew and puts it in the place of the one that is there, which stays where making
    /// fails.
    ///
    /// - Returns: the position of the next event.
    @discardableResult
    func make(_ log: LogDirectory, recipe: Rebuild.Recipe) throws -> Position {
        let path = directory.readModelPath + ".new"
        let next: Position
        do {
            next = try build(log, at: path, recipe: recipe)
        } catch {
            // A disk may be full, and the log needs what this took. What can't be removed now, the next
            // rebuild removes.
            try? Rebuild.remove(path)
            throw error
        }
        try Rebuild.swap(path, into: directory.readModelPath)
        return next
    }

    /// In a function of its own, so that its threads are gone before the file is.
    private func build(_ log: LogDirectory, at path: String, recipe: Rebuild.Recipe) throws -> Position {
        let rebuild = try Rebuild(log, at: path, recipe: recipe)
        let end = log.durable.next
        let progress = ProgressReport("building the read model", unit: "events")
        try rebuild.advance { progress.update($0.rawValue - 1, of: end.rawValue - 1) }
        let next = rebuild.next
        try rebuild.finish()
        return next
    }
}

/// Reads the read model as it is, after bringing it up to date where nobody else does.
struct ReadModelAccess {
    let reader: ReadModelReader

    init(_ directory: DataDirectory) throws {
        try Self.freshen(directory)
        reader = try ReadModelReader(path: directory.readModelPath)
    }

    func read<Value>(_ body: (ReadModelSnapshot) throws -> Value) throws -> Value {
        try reader.read(body)
    }

    private static func freshen(_ directory: DataDirectory) throws {
        let end = try directory.openLogForReading().durable.next
        var next: Position?
        if directory.hasReadModel {
            next = try ReadModelReader(path: directory.readModelPath).read { $0.next }
        }
        if let next, next >= end { return }
        if let log = try directory.openLogIfFree() {
            defer { log.close() }
            try ReadModelUpkeep(directory: directory).catchUp(log)
            return
        }
        guard let next else {
            throw CommandFailure(
                .environment,
                "the read model \(directory.readModelPath) does not exist yet, and another process has the ledger: "
                    + "try again in a moment, or stop that process and run `tollbook rebuild`")
        }
        let behind = end.rawValue - next.rawValue
        guard behind > CommandLimits.behindUnmentionedMax else { return }
        StandardError.writeLine(
            "tollbook: the read model is \(HumanCount.grouped(behind)) events behind the log; the process that has "
                + "the ledger is taking them in, and this answer lacks them")
    }
}
