/// Why a command ends with another status than 0, in words for whoever called it.
struct CommandFailure: Error, CustomStringConvertible {
    enum Status: Int32, Sendable {
        /// The answer is "no"; the answer itself has said the rest.
        case answerIsNo = 1
        /// The command was called wrongly.
        case usage = 2
        /// Disk, network, another process.
        case environment = 3
    }

    let status: Status
    /// What is wrong, where, and what to do; empty where that has been said already.
    let message: String

    init(_ status: Status, _ message: String = "") {
        self.status = status
        self.message = message
    }

    var description: String { message }
}
