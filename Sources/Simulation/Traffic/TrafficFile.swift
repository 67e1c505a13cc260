import Glibc

/// A file of events that `import` takes: one `{"source","epoch","seq","event"}` a line.
///
/// It is written in large pieces. Until `close` has returned, part of it may be missing; it is not synced,
/// since it can be made again from its seed.
package struct TrafficFile: ~Copyable {
    private let output: OutputDescriptor
    private var pending = EventBytes(capacity: TrafficLimits.fileWriteBytes * 2)
    package private(set) var eventsWritten = 0
    package private(set) var bytesWritten = 0

    /// Makes the file new, over one of that name. `-` is the standard output.
    package init(path: String) throws(TrafficFileError) {
        output = try OutputDescriptor(path: path)
    }

    /// Writes all of `traffic`, and calls `progress` with the number of events so far about once a megabyte.
    package mutating func write(
        _ traffic: inout Traffic, progress: (Int) -> Void = { _ in }
    ) throws(TrafficFileError) {
        while traffic.nextLine(into: &pending) {
            eventsWritten += 1
            if pending.count >= TrafficLimits.fileWriteBytes {
                try flush()
                progress(eventsWritten)
            }
        }
        try flush()
        progress(eventsWritten)
    }

    /// Closes the file and says whether all of it has been taken.
    package consuming func close() throws(TrafficFileError) {
        try flush()
        try output.close()
    }

    private mutating func flush() throws(TrafficFileError) {
        let failure = pending.withBytes { bytes in output.write(bytes) }
        guard failure == 0 else { throw TrafficFileError(code: .write, errno: failure) }
        bytesWritten += pending.count
        pending.removeAll()
    }
}

/// An open file, or the standard output, which stays open.
private struct OutputDescriptor: ~Copyable {
    private let number: CInt
    private let isOwned: Bool

    init(path: String) throws(TrafficFileError) {
        let isNamed = path != "-"
        // Safety: the string is a C string for the length of the call.
        let opened =
            isNamed ? unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644) : STDOUT_FILENO
        guard opened >= 0 else { throw TrafficFileError(code: .open, errno: errno) }
        number = opened
        isOwned = isNamed
    }

    deinit {
        if isOwned { _ = Glibc.close(number) }
    }

    consuming func close() throws(TrafficFileError) {
        let (number, isOwned) = (number, isOwned)
        discard self
        if isOwned && Glibc.close(number) != 0 { throw TrafficFileError(code: .close, errno: errno) }
    }

    /// 0 once all bytes are taken, else what went wrong.
    func write(_ bytes: RawSpan) -> CInt {
        // Safety: the pointer stays within the closure, and `done` below the count.
        unsafe bytes.withUnsafeBytes { buffer in
            var done = 0
            while done < buffer.count {
                let taken = unsafe Glibc.write(number, buffer.baseAddress! + done, buffer.count - done)
                if taken >= 0 {
                    done += taken
                } else if errno != EINTR {
                    return errno
                }
            }
            return 0
        }
    }
}

/// A file of events could not be written.
package struct TrafficFileError: Error, CustomStringConvertible {
    package enum Code: String, Sendable {
        case open, write, close
    }

    package let code: Code
    package let errno: CInt

    package var description: String { "can't \(code.rawValue) the file of events: error \(errno)" }
}
