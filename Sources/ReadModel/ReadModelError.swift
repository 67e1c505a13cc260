package import Events

/// What went wrong with the read model, said so that an operator knows what to do.
public struct ReadModelError: Error, CustomStringConvertible, Sendable {
    public enum Code: String, Sendable {
        /// SQLite refused: disk full, damaged file, locked.
        case database
        /// The read model was made from another log, or by another version.
        case foreign
        /// An event of the log can't be decoded: a bug, or a log of a later version.
        case undecodable
        /// The log says something else than the read model remembers.
        case inconsistent
        /// A policy or a setting can't be read.
        case configuration
    }

    public let code: Code
    package let position: Position?
    public let detail: String

    package init(_ code: Code, at position: Position? = nil, _ detail: String) {
        self.code = code
        self.position = position
        self.detail = detail
    }

    /// What somebody else threw.
    init(_ error: any Error) {
        self = error as? ReadModelError ?? ReadModelError(.database, "\(error)")
    }

    public var description: String {
        guard let position else { return detail }
        return "\(detail) (log position \(position))"
    }
}
