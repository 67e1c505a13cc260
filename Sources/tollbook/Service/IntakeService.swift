import EventLog
import Foundation
import Ingest
import ServiceLifecycle

/// Intake as a service of the group: it runs on threads of its own, is stopped with the group, and stops the
/// group where it fails.
final class IntakeService: Service {
    let ingest: IngestService
    private let ended: AsyncStream<Never>

    /// Listens, and begins to take events.
    init(log: LogDirectory, options: IngestOptions) throws(IngestError) {
        let (ended, end) = AsyncStream.makeStream(of: Never.self)
        self.ended = ended
        var options = options
        options.onFailure = { _ in end.finish() }
        ingest = try IngestService.start(log: log, options: options)
    }

    func run() async throws {
        // Over when intake has failed, or when the group ends.
        for await _ in ended.cancelOnGracefulShutdown() {}
        await OwnTime.spend { self.ingest.stop() }
        if let failure = ingest.failure { throw failure }
    }
}

/// Work that waits for disk or sockets, away from the threads that tasks share.
enum OwnTime {
    static func spend(_ body: @escaping @Sendable () -> Void) async {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                body()
                continuation.resume()
            }
        }
    }
}
