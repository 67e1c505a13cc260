import Glibc

/// The reader of the output has gone away, as `head` does: nothing more is to be said, and nothing is wrong.
struct OutputClosed: Error {}

/// What a command answers with: gathered and written in large pieces.
final class StandardOutput {
    private var pending: [UInt8] = []
    /// Whether a person is likely to be looking.
    let isTerminal: Bool

    init() {
        isTerminal = isatty(STDOUT_FILENO) != 0
        pending.reserveCapacity(CommandLimits.outputBytesMax + 64 * 1024)
    }

    func write(_ text: String) throws {
        pending.append(contentsOf: text.utf8)
        try flushIfFull()
    }

    func writeLine(_ text: String) throws {
        pending.append(contentsOf: text.utf8)
        pending.append(0x0A)
        try flushIfFull()
    }

    /// Lets `body` append to what is to be written.
    func write(_ body: (inout [UInt8]) -> Void) throws {
        body(&pending)
        try flushIfFull()
    }

    private func flushIfFull() throws {
        if pending.count >= CommandLimits.outputBytesMax { try flush() }
    }

    func flush() throws {
        var failure: Int32 = 0
        unsafe pending.withUnsafeBytes { bytes in
            var done = 0
            while done < bytes.count, let start = bytes.baseAddress {
                // Safety: `done` stays below the count.
                let taken = unsafe Glibc.write(STDOUT_FILENO, start + done, bytes.count - done)
                if taken >= 0 {
                    done += taken
                } else if errno != EINTR {
                    failure = errno
                    return
                }
            }
        }
        pending.removeAll(keepingCapacity: true)
        guard failure != 0 else { return }
        if failure == EPIPE { throw OutputClosed() }
        throw CommandFailure(
            .environment,
            "the answer can't be written: \(SystemError.text(failure)); the part before it is incomplete")
    }
}

/// What the operating system says of an error number.
enum SystemError {
    static let brokenPipe = EPIPE

    static func text(_ number: Int32) -> String {
        // Safety: the text is copied before another call can change it.
        unsafe String(cString: strerror(number))
    }
}

/// Words for people, beside the answer.
enum StandardError {
    static var isTerminal: Bool { isatty(STDERR_FILENO) != 0 }

    static func write(_ text: String) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            // Safety: the bytes are only read, during the call.
            let taken = unsafe bytes.withUnsafeBytes {
                unsafe Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count)
            }
            if taken > 0 {
                bytes = bytes.dropFirst(taken)
            } else if errno != EINTR {
                return
            }
        }
    }

    static func writeLine(_ text: String) {
        write(text + "\n")
    }
}
