/// What keeps intake from starting or going on.
package struct IngestError: Error, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// An endpoint that is no `tcp://address:port`, `ipc://` or `inproc://`.
        case endpointInvalid = "endpoint_invalid"
        /// Plain text on an address that others can reach.
        case endpointNotLoopback = "endpoint_not_loopback"
        case endpointInUse = "endpoint_in_use"
        case endpointUnavailable = "endpoint_unavailable"
        /// A call of libzmq that must not fail has failed.
        case socket
        /// No thread, no event descriptor, no memory.
        case system
        /// The log took no more: the service has to be started again.
        case log
        /// There is no space for what was laid. Nothing is lost: it is written once there is.
        case diskFull = "disk_full"
        /// The inbox for the ledger's own entries is full.
        /// A message that was not taken; `refusal` says why.
        case refused
        case inboxFull = "inbox_full"
        case stopped
        /// A line that is no event, in a file to be imported.
        case line
        /// A file that can't be read.
        case file
    }

    package let code: Code
    /// The operating system's or libzmq's error number; 0 where none tells more.
    package let number: Int32
    /// What happened and what to do, for the operator.
    package let message: String
    /// What the source is told.
    package let refusal: Refusal?

    package init(_ code: Code, number: Int32 = 0, _ message: String) {
        self.code = code
        self.number = number
        self.message = message
        refusal = nil
    }

    private init(_ refusal: Refusal) {
        code = .refused
        number = 0
        message = refusal.reason
        self.refusal = refusal
    }

    static func refused(_ refusal: Refusal) -> IngestError { IngestError(refusal) }

    package var description: String { message }
}
