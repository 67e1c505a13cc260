package import EventLog
package import Events
internal import Foundation
internal import GRDB
internal import Glibc
package import Projections

/// Makes a read model from the log alone, in a new file beside the one that is in use.
package final class Rebuild {
    /// What a read model is made by, besides the log.
    package struct Recipe: Sendable {
        package var settings = Settings()
        /// The text of a policy that all calls are billed by, whatever the log says.
        package var fixedPolicy: String?

        package init(settings: Settings = Settings(), fixedPolicy: String? = nil) {
            self.settings = settings
            self.fixedPolicy = fixedPolicy
        }
    }

    package let path: String
    /// Null once it is finished.
    private var projector: Projector?
    /// The position of the next event to be projected.
    package private(set) var next = Position.first

    /// Begins with an empty file; one that a rebuild before has left is thrown away.
    ///
    /// - Parameter settledMax: how many ended calls stay in memory.
    package init(
        _ log: LogDirectory, at path: String, recipe: Recipe,
        settledMax: Int = Projections.Limits.settledCallsInMemoryMax
    ) throws {
        self.path = path
        try Self.remove(path)
        let database = try ReadModelDatabase(path: path, logID: log.id, use: .rebuild)
        try database.use(recipe.settings)
        if let policy = recipe.fixedPolicy { try database.fix(policy: policy) }
        projector = try Projector(filling: database, log: log, settledMax: settledMax)
    }

    /// Projects what is durable, up to `limit`.
    ///
    /// - Parameter progress: is told the position now and then.
    package func advance(to limit: Position? = nil, progress: (Position) -> Void = { _ in }) throws {
        guard let projector else { preconditionFailure("a finished rebuild goes no further") }
        while try projector.advance(to: limit) {
            next = projector.next
            progress(next)
        }
    }

    /// Closes the file; all of it is on disk afterwards.
    package func finish() throws {
        try projector?.finish()
        projector = nil
        try Self.sync(path)
    }

    /// Puts a finished file in the place of the one in use. Nobody may write that one meanwhile; who reads it
    /// goes on reading the old one.
    package static func swap(_ new: String, into path: String) throws {
        // First the old one goes whole: its journal must never meet the new file. A crash in between leaves
        // no read model, and that is noticed.
        try remove(path)
        // Safety: here and below, a path is lent to the C library for the length of a call.
        guard unsafe rename(new, path) == 0 else {
            throw ReadModelError(.database, "\(new) can't be renamed to \(path): \(Self.reason(errno))")
        }
        try sync(directory(of: path))
    }

    /// Removes a read model with everything that SQLite has put beside it.
    package static func remove(_ path: String) throws {
        // Safety: the path is lent for the length of the call.
        for name in [path] + ReadModelDatabase.companions(path)
        where unsafe unlink(name) != 0 && errno != ENOENT {
            throw ReadModelError(.database, "\(name) can't be removed: \(reason(errno))")
        }
    }

    private static func sync(_ path: String) throws {
        // Safety: the path is lent for the length of the call.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw ReadModelError(.database, "\(path) can't be opened to be synced: \(reason(errno))")
        }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else {
            throw ReadModelError(.database, "\(path) can't be synced: \(reason(errno))")
        }
    }

    private static func directory(of path: String) -> String {
        let directory = URL(fileURLWithPath: path).deletingLastPathComponent().path
        return directory.isEmpty ? "." : directory
    }

    private static func reason(_ number: Int32) -> String {
        // Safety: the text is copied at once.
        unsafe String(cString: strerror(number))
    }
}

extension Rebuild.Recipe {
    /// What the read model of this file was made by; the defaults where there is none yet, or none that can
    /// be read.
    package init(ofReadModelAt path: String) {
        self.init()
        guard FileManager.default.fileExists(atPath: path), let recipe = try? Self(keptIn: path) else {
            return
        }
        self = recipe
    }
}

extension ReadModelSnapshot {
    /// What this read model was made by.
    package var recipe: Rebuild.Recipe {
        get throws {
            Rebuild.Recipe(
                settings: settings,
                fixedPolicy: try String.fetchOne(
                    db, sql: "SELECT value FROM meta WHERE name = 'fixed_policy'"))
        }
    }
}
