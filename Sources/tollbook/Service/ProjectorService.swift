import EventLog
import Events
import Foundation
import Ingest
import Logging
import ReadModel
import ServiceLifecycle
import Synchronization

/// Follows the log with the read model, on a thread of its own, and has the watchdog look at what is there.
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
    /// Whether the read model can't be written now.
    private let isRefused = Atomic<Bool>(false)
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

    /// The same in words that intake understands. A read model that can't be written is helped by no pause.
    var progress: ReadModelProgress {
        switch lag {
        case ...ServiceLimits.projectionLagCurrentMax: .current
        case ...ServiceLimits.projectionLagMax: isRefused.load(ordering: .relaxed) ? .current : .behind
        default: .farBehind
        }
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
                isRefused.store(true, ordering: .relaxed)
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
        let begun = projector.next
        var waitsForRoom = false
        while !isStopping.load(ordering: .acquiring) {
            let behind = log.durable.next.rawValue - min(projector.next.rawValue, log.durable.next.rawValue)
            let isCommitted = projector.committed == projector.next
            let lacksRoom = log.lacksRoom
            if lacksRoom, !waitsForRoom {
                logger.notice(
                    "the disk is nearly full: the read model waits until segments of the log are compressed")
            }
            waitsForRoom = lacksRoom
            if lacksRoom, isCommitted {
                log.durable.wait(
                    for: Position(rawValue: .max),
                    atMost: .milliseconds(ServiceLimits.projectorWaitMilliseconds))
            } else if lacksRoom {
                try projector.settle()
            } else if behind >= ServiceLimits.roundEventsMin || (behind > 0 && isCommitted) {
                try advance(projector, behind)
            } else if !isCommitted {
                // What comes meanwhile makes one round.
                try projector.settle()
            } else if log.durable.wait(
                for: projector.next, atMost: .milliseconds(ServiceLimits.projectorWaitMilliseconds))
                <= projector.next
            {
                // Nothing came. What went wrong behind the last commit is told here.
                try projector.settle()
            }
            note(projector, since: begun)
            if lag >= ServiceLimits.behindToldMin,
                told.duration(to: .now) > .milliseconds(CommandLimits.progressLineMilliseconds)
            {
                told = .now
                logger.notice("the read model is \(HumanCount.grouped(lag)) events behind")
            }
            try watchdog.look(projected: projector.committed)
        }
        // What intake has taken at last; if it is much, the next start does it.
        let stopped = ContinuousClock.now
        while projector.next < log.durable.next,
            stopped.duration(to: .now) < .seconds(ServiceLimits.restSeconds)
        {
            try advance(projector, log.durable.next.rawValue - projector.next.rawValue)
        }
        try projector.settle()
        note(projector, since: begun)
    }

    /// - Parameter behind: how many events are there.
    private func advance(_ projector: Projector, _ behind: UInt64) throws {
        try projector.advance(
            round: min(max(Int(behind) / 2, ServiceLimits.roundEventsMin), ServiceLimits.roundEventsMax))
    }

    /// Takes note of what is there for readers.
    ///
    /// - Parameter begun: where this projector began.
    private func note(_ projector: Projector, since begun: Position) {
        next.store(projector.committed.rawValue, ordering: .releasing)
        guard refusedAt != nil, projector.committed > begun || projector.committed == log.durable.next else {
            return
        }
        logger.notice("the read model is written again")
        refusedAt = nil
        isRefused.store(false, ordering: .relaxed)
    }
}
