/// What went wrong with the log, where, and what an operator is to do about it.
package struct LogError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// The directory is no Tollbook log, or belongs to something else.
        case notALog
        /// There is no log here, and reading does not make one.
        case missing
        /// Another process has the log open for writing.
        case locked
        /// Bytes that were acknowledged are not as they were written.
        case damaged
        /// The log was written by a version that this one does not know.
        case versionUnknown
        /// The disk is full. Nothing was lost; intake stops until there is space again.
        case noSpace
        /// An earlier write or sync failed: nothing more is taken until the process starts anew.
        case poisoned
        /// A setting is outside its range.
        case invalidOption
        /// A position that the log does not have, or does not have yet.
        case outOfRange
        /// The operating system refused something else.
        case system
    }

    package let code: Code
    /// What the operating system said; 0 where it was not asked.
    package let errno: Int32
    /// The file or directory.
    package let path: String
    /// Where in the file, in bytes.
    package let offset: Int?
    /// One sentence on what is wrong and one on what to do.
    package let detail: String

    package init(_ code: Code, path: String, offset: Int? = nil, errno: Int32 = 0, _ detail: String) {
        self.code = code
        self.errno = errno
        self.path = path
        self.offset = offset
        self.detail = detail
    }

    package var description: String {
        let place = offset.map { "\(path) at byte \($0)" } ?? path
        return "\(place): \(detail)"
    }
}
