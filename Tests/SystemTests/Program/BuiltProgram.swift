import Foundation
import Testing

/// The program as it was built beside the tests, run as anybody would run it.
enum BuiltProgram {
    /// What a run of it came to.
    struct Outcome {
        let status: Int32
        let output: Data
        let errors: String

        var text: String { String(decoding: output, as: UTF8.self) }
        /// Lines without their ends.
        var lines: [Substring] { text.split(separator: "\n") }
    }

    static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// Beside the bundle of the tests.
    static let path: String = {
        let bundle = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        return bundle.appendingPathComponent("tollbook").path
    }()

    static func run(
        _ arguments: [String], input: Data? = nil, environment: [String: String] = [:]
    ) throws -> Outcome {
        try run(path, arguments, input: input, environment: environment)
    }

    /// Runs any program to its end, with nothing of the caller's environment that could change what it says.
    static func run(
        _ program: String, _ arguments: [String], input: Data? = nil, environment: [String: String] = [:]
    ) throws -> Outcome {
        let files = try TemporaryDirectory()
        let running = try RunningProgram(
            program, arguments, input: input, environment: environment, files: files)
        let status = running.wait()
        return Outcome(status: status, output: running.output, errors: running.errors)
    }
}

/// A process that is at work. Its output goes to files, so that no pipe can fill.
final class RunningProgram {
    private let process = Process()
    private let files: TemporaryDirectory

    convenience init(
        _ arguments: [String], environment: [String: String] = [:], files: TemporaryDirectory
    ) throws {
        try self.init(BuiltProgram.path, arguments, input: nil, environment: environment, files: files)
    }

    init(
        _ program: String, _ arguments: [String], input: Data?, environment: [String: String],
        files: TemporaryDirectory
    ) throws {
        self.files = files
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        var variables = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("TOLLBOOK_") }
        variables["COLUMNS"] = nil
        variables.merge(environment) { $1 }
        process.environment = variables
        if let input {
            try input.write(to: files.url("stdin"))
            process.standardInput = try FileHandle(forReadingFrom: files.url("stdin"))
        } else {
            process.standardInput = FileHandle.nullDevice
        }
        process.standardOutput = try Self.made(files.url("stdout"))
        process.standardError = try Self.made(files.url("stderr"))
        try process.run()
    }

    deinit {
        if process.isRunning { kill(SIGKILL) }
    }

    private static func made(_ url: URL) throws -> FileHandle {
        try Data().write(to: url)
        return try FileHandle(forWritingTo: url)
    }

    var isRunning: Bool { process.isRunning }
    var output: Data { (try? Data(contentsOf: files.url("stdout"))) ?? Data() }
    var errors: String {
        String(decoding: (try? Data(contentsOf: files.url("stderr"))) ?? Data(), as: UTF8.self)
    }

    func kill(_ signal: Int32) {
        Foundation.kill(process.processIdentifier, signal)
    }

    /// The exit status; that of a process that a signal has ended is 128 and the signal's number.
    func wait() -> Int32 {
        process.waitUntilExit()
        let status = process.terminationStatus
        return process.terminationReason == .uncaughtSignal ? 128 + status : status
    }
}

/// A directory that goes with the test.
final class TemporaryDirectory {
    let root: URL

    init() throws {
        root = FileManager.default.temporaryDirectory.appendingPathComponent("tollbook-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(at: root)
    }

    func url(_ name: String) -> URL { root.appendingPathComponent(name) }
    func path(_ name: String) -> String { url(name).path }

    @discardableResult
    func write(_ text: String, to name: String) throws -> String {
        try Data(text.utf8).write(to: url(name))
        return path(name)
    }
}

/// Waits until something holds; what it waits for is looked at again and again, for a minute at most.
func eventually(_ what: String, seconds: Double = 60, _ body: () throws -> Bool) throws {
    let end = ContinuousClock.now.advanced(by: .seconds(seconds))
    while try !body() {
        guard ContinuousClock.now < end else {
            Issue.record("\(what): not within \(seconds) seconds")
            return
        }
        usleep(20_000)
    }
}
