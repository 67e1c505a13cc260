import Foundation
import Glibc

/// The service in a process of its own, as it runs elsewhere: this same program, started anew.
final class ServiceUnderTest {
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private var pending = Data()
    private(set) var endpoint = ""
    let started = Stopwatch.now

    /// What intake alone told of itself when it ended.
    struct Account: Decodable {
        let events: Int64
        let groups: Int64
        let processorNanoseconds: Int64
        /// Null where nobody counts them.
        let allocations: Int64?

        private enum CodingKeys: String, CodingKey {
            case events, groups, allocations
            case processorNanoseconds = "cpu_ns"
        }
    }

    /// Starts it, and returns once it listens.
    ///
    /// - Parameter arguments: of a command that says `listening router ENDPOINT`.
    init(_ arguments: [String]) throws {
        guard let program = Bundle.main.executableURL else {
            throw CommandFailure(.environment, "the program can't find itself: call it by its whole path")
        }
        process.executableURL = program
        process.arguments = arguments
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        while let line = try nextLine() {
            if let place = line.range(of: "listening router ") {
                endpoint = String(line[place.upperBound...])
                return
            }
        }
        process.waitUntilExit()
        throw CommandFailure(
            .environment, "the service under test ended with status \(process.terminationStatus) at once")
    }

    /// Where none was stopped, for whatever reason.
    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    }

    var processID: Int32 { process.processIdentifier }

    /// Waits until a line holds `text`.
    func waitForLine(holding text: String) throws {
        while let line = try nextLine() {
            if line.contains(text) { return }
        }
        throw CommandFailure(.environment, "the service under test ended before it said “\(text)”")
    }

    /// Ends it in good order.
    ///
    /// - Returns: the last line that it said.
    @discardableResult
    func stop() throws -> String {
        kill(process.processIdentifier, SIGTERM)
        var last = ""
        while let line = try nextLine() { last = line }
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw CommandFailure(
                .environment, "the service under test ended with status \(process.terminationStatus)")
        }
        return last
    }

    /// Ends intake, and returns what it tells of itself.
    func stopIntake() throws -> Account {
        let line = try stop()
        guard let account = try? JSONDecoder().decode(Account.self, from: Data(line.utf8)) else {
            throw CommandFailure(.environment, "intake ended with “\(line)” instead of its account")
        }
        return account
    }

    private func nextLine() throws -> String? {
        while true {
            if let end = pending.firstIndex(of: 0x0A) {
                let line = String(decoding: pending[pending.startIndex..<end], as: UTF8.self)
                pending = Data(pending[pending.index(after: end)...])
                return line
            }
            let more = output.fileHandleForReading.availableData
            if more.isEmpty { return nil }
            pending.append(more)
        }
    }
}
