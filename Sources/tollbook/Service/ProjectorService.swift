import EventLog
import Events
import Foundation
import Ingest
import Logging
import ReadModel
import ServiceLifecycle
import Synchronization

/// Follows the log with the read model, on a thread of its own, and lets the watchdog look where it has
/// caught up.
final class ProjectorService: Service, @unchecked Sendable {
    // Safety: projector, watchdog and `refusedAt` are used by whoever makes the service, until `run` starts
    // its thread, and by that thread from then on; the rest is made for being shared.
    private let log: LogDirectory
    private let database: ReadModelDatabase
    /// Null once the thread has taken it: its statements go with it, and the read model can be closed.
    private var projector: Projector?
    private let watchdog: Watchdog
    /// When it was last said that the read model can't be written; null while it can.
    private var refusedAt: ContinuousClock.Instant?
    private let logger: Logger
    private let next: Atomic<UInt64>
    private let isStopping = Atomic<Bool>(false)
    private let failure = Mutex<(any Error)?>(nil)

    init(
        log: LogDirectory, database: ReadModelDatabase, graceSeconds: Int64, policy: WantedPolicy,
        logger: Logger
    ) throws {
        self.log = log
        self.database = database
        self.logger = logger
        let projector = try Projector(database, log: log)
        self.projector = projector
        next = Atomic(projector.next.rawValue)
        watchdog = Watchdog(
            try ReadModelReader(path: database.path), log: log, graceSeconds: graceSeconds, policy: policy,
            logger: logger)
    }

    /// Where the watchdog's conclusions go.
    func appendsThrough(_ ingest: IngestService) {
        watchdog.ingest = ingest
    }

    /// How many events of the log the read model has not taken in.
    var lag: UInt64 {
        let (durable, projected) = (log.durable.next.rawValue, next.load(ordering: .acquiring))
        return durable > projected ? durable - projected : 0
    }

    func run() async throws {
        await withTaskCancellationHandler {
            await withGracefulShutdownHandler {
                await OwnTime.spend { self.follow() }
            } onGracefulShutdown: {
                self.isStopping.store(true, ordering: .releasing)
            }
        } onCancel: {
            self.isStopping.store(true, ordering: .releasing)
        }
        if let error = failure.withLock({ $0 }) { throw error }
    }

    private func follow() {
        while !isStopping.load(ordering: .acquiring) {
            do {
                let projector = try self.projector ?? Projector(database, log: log)
                self.projector = nil
                try follow(projector)
            } catch let error as ReadModelError where error.code == .database {
                // A full disk above all. What the log takes can't be had again, what the read model lacks
                // can: intake goes on as long as the log has room, and so does this once it is let.
                let isNew = refusedAt.map { $0.duration(to: .now) > .seconds(ServiceLimits.refusalSeconds) }
                if isNew ?? true {
                    refusedAt = .now
                    logger.error("the read model can't be written, and is tried again: \(error)")
                }
                log.durable.wait(for: Position(rawValue: .max), atMost: .seconds(ServiceLimits.retrySeconds))
            } catch {
                logger.critical("the read model can't be kept: \(error)")
                failure.withLock { $0 = error }
                return
            }
        }
    }

    private func follow(_ projector: Projector) throws {
        var told = ContinuousClock.now
        while !isStopping.load(ordering: .acquiring) {
            // What is durable now is taken in before the watchdog judges this moment.
            let now = IngestOptions.wallClock()
            let end = log.durable.next
            while projector.next < end, !isStopping.load(ordering: .acquiring) {
                try advance(projector)
                if told.duration(to: .now) > .milliseconds(CommandLimits.progressLineMilliseconds), lag > 0 {
                    told = .now
                    logger.notice("the read model is \(HumanCount.grouped(lag)) events behind")
                }
            }
            if projector.next >= end {
                try settle(projector)
                try watchdog.look(at: now, projected: projector.committed)
            }
            log.durable.wait(
                for: projector.next, atMost: .milliseconds(ServiceLimits.projectorWaitMilliseconds))
        }
        // What intake has taken at last; if it is much, the next start does it.
        let stopped = ContinuousClock.now
        while projector.next < log.durable.next,
            stopped.duration(to: .now) < .seconds(ServiceLimits.restSeconds)
        {
            try advance(projector)
        }
        try settle(projector)
    }

    private func advance(_ projector: Projector) throws {
        let behind = log.durable.next.rawValue - min(projector.next.rawValue, log.durable.next.rawValue)
        let round = min(max(Int(behind) / 2, ServiceLimits.roundEventsMin), ServiceLimits.roundEventsMax)
        try projector.advance(round: round)
        next.store(projector.committed.rawValue, ordering: .releasing)
    }

    /// Waits until what was folded is there for readers, the watchdog among them.
    private func settle(_ projector: Projector) throws {
        try projector.settle()
        next.store(projector.committed.rawValue, ordering: .releasing)
        if refusedAt != nil { logger.notice("the read model is written again") }
        refusedAt = nil
    }
}
