import Foundation
import Testing

/// A ledger in a directory of its own, asked through the program.
final class Ledger {
    let files: TemporaryDirectory
    let data: String

    init() throws {
        files = try TemporaryDirectory()
        data = files.path("data")
    }

    func run(
        _ arguments: String..., input: Data? = nil, environment: [String: String] = [:]
    ) throws -> BuiltProgram.Outcome {
        try BuiltProgram.run(arguments + ["--data", data], input: input, environment: environment)
    }

    /// The rows of an answer, each as an object.
    func rows(_ arguments: String...) throws -> [[String: Any]] {
        let outcome = try BuiltProgram.run(arguments + ["--data", data, "--format", "ndjson"])
        #expect(outcome.status == 0, "\(arguments): \(outcome.errors)")
        return try outcome.lines.map { line in
            try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        }
    }

    /// Lines are imported from a file.
    @discardableResult
    func take(_ lines: String) throws -> BuiltProgram.Outcome {
        let file = try files.write(lines, to: "lines.ndjson")
        return try run("import", file)
    }

    /// The calls of `Fixtures/calls.ndjson`.
    func takeFixture() throws {
        let outcome = try run("import", Self.fixture)
        #expect(outcome.status == 0, "\(outcome.errors)")
    }

    /// The calls of `Fixtures/stories.ndjson`.
    func takeStories() throws {
        let outcome = try run("import", Self.stories)
        #expect(outcome.status == 0, "\(outcome.errors)")
    }

    static let stories = BuiltProgram.repository.appendingPathComponent(
        "Tests/SystemTests/Fixtures/stories.ndjson"
    ).path
    static let fixture = BuiltProgram.repository.appendingPathComponent(
        "Tests/SystemTests/Fixtures/calls.ndjson"
    ).path
}

/// `tollbook serve` at work on a ledger.
final class Service {
    private let program: RunningProgram
    /// Where it takes acknowledged events.
    let endpoint: String

    /// Returns once it is ready.
    init(
        _ ledger: Ledger, _ endpoint: String = "tcp://127.0.0.1:*", _ more: [String] = [],
        environment: [String: String] = [:]
    ) throws {
        let arguments =
            ["serve", "--data", ledger.data, "--router", endpoint, "--pull", "none", "--sub", "none"] + more
        let program = try RunningProgram(arguments, environment: environment, files: TemporaryDirectory())
        self.program = program
        func lines() -> [Substring] { String(decoding: program.output, as: UTF8.self).split(separator: "\n") }
        try eventually("serve is ready") { !program.isRunning || lines().contains { $0.contains(": ready") } }
        try #require(program.isRunning, "serve has ended: \(program.errors)")
        let place = try #require(lines().first { $0.contains("listening router") })
        self.endpoint = String(try #require(place.split(separator: " ").last))
    }

    var errors: String { program.errors }
    var output: String { String(decoding: program.output, as: UTF8.self) }

    /// Asks it to read its policy again.
    func hangUp() { program.kill(SIGHUP) }

    /// - Returns: the exit status.
    @discardableResult
    func end(_ signal: Int32 = SIGTERM) -> Int32 {
        program.kill(signal)
        return program.wait()
    }
}
