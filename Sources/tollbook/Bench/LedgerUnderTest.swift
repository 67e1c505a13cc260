import Events
import Foundation
import ReadModel

/// A whole service at work, `tollbook serve` in a process of its own, seen from outside.
final class LedgerUnderTest {
    let service: ServiceUnderTest
    private let readModelPath: String
    private var reader: ReadModelReader?

    /// Starts it, and returns once it listens.
    init(data: String) throws {
        // Traffic is played faster than its own time passes: nothing may be presumed to have ended by ours.
        service = try ServiceUnderTest([
            "serve", "--data", data, "--router", "tcp://127.0.0.1:*", "--pull", "none", "--sub", "none",
            "--grace", "86400", "--log-level", "error",
        ])
        readModelPath = DataDirectory(path: data).readModelPath
    }

    func read<Value>(_ body: (ReadModelSnapshot) throws -> Value) throws -> Value {
        if let reader { return try reader.read(body) }
        let opened = try ReadModelReader(path: readModelPath)
        reader = opened
        return try opened.read(body)
    }

    /// Waits until the read model has so many events.
    func waitUntilProjected(events: Int64) throws {
        let begun = Stopwatch.now
        while try read({ Int64($0.next.rawValue) }) <= events {
            guard Stopwatch.now - begun < Int64(BenchLimits.projectionSeconds) * 1_000_000_000 else {
                throw CommandFailure(
                    .environment,
                    "the read model has not taken in \(events) events within \(BenchLimits.projectionSeconds) "
                        + "seconds")
            }
            usleep(20_000)
        }
    }

    /// Memory of the process that no file stands behind, in bytes.
    var memory: Int64 { get throws { try status("RssAnon") } }

    private func status(_ name: String) throws -> Int64 {
        let path = "/proc/\(service.processID)/status"
        let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
        for line in text.split(separator: "\n") where line.hasPrefix(name + ":") {
            let number = line.drop { !$0.isNumber }.prefix { $0.isNumber }
            if let kilobytes = Int64(number) { return kilobytes * 1_024 }
        }
        throw CommandFailure(.environment, "\(path) doesn't say \(name): the figure needs Linux's")
    }

    func stop() throws {
        reader = nil
        try service.stop()
    }
}
