import EventLog
import Events
import Ingest
import Logging
import Projections
import ReadModel
import ServiceLifecycle
import UnixSignals

/// The service, put together: intake, projector, watchdog. Everything that can be wrong is found before the
/// first event is taken.
struct LedgerService {
    private let configuration: ServiceConfiguration
    private let directory: DataDirectory
    private let logger: Logger

    init(_ configuration: ServiceConfiguration) {
        self.configuration = configuration
        directory = DataDirectory(path: configuration.data)
        var logger = Logger(label: "tollbook") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = configuration.logLevel
        self.logger = logger
    }

    /// Runs until SIGTERM or SIGINT, or until something fails that only a new start can mend.
    func run() async throws {
        let policy = WantedPolicy(try configuration.policyPath.map { try PolicyText(contentsOf: $0) })
        // Before anybody is told that the service is there, so that no SIGHUP ends it.
        let hangups = await UnixSignalsSequence(trapping: .sighup)
        let log = try openLog()
        defer { log.close() }
        let database = try openReadModel(log)
        let projector = try ProjectorService(
            log: log, database: database, graceSeconds: configuration.settings.graceSeconds, policy: policy,
            logger: logger)
        let intake = try IntakeService(log: log, options: options(projector))
        projector.appendsThrough(intake.ingest)
        log.startMaintenance()
        let announcement = Announcement { sayStarted(log, intake.ingest, projector) }
        var group = ServiceGroupConfiguration(
            // Ended in the opposite order: intake first, then the projector, with all that intake has taken.
            services: [
                .init(
                    service: projector, successTerminationBehavior: .gracefullyShutdownGroup,
                    failureTerminationBehavior: .gracefullyShutdownGroup),
                .init(
                    service: intake, successTerminationBehavior: .gracefullyShutdownGroup,
                    failureTerminationBehavior: .gracefullyShutdownGroup),
                .init(
                    service: PolicyReload(
                        path: configuration.policyPath, wanted: policy, hangups: hangups, logger: logger)),
                .init(service: announcement, successTerminationBehavior: .ignore),
            ],
            gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        group.maximumGracefulShutdownDuration = .seconds(ServiceLimits.shutdownSeconds)
        try await ServiceGroup(configuration: group).run()
        try database.close()
        say("ended in good order; the log has \(HumanCount.grouped(log.durable.next.rawValue - 1)) events")
    }

    private func openLog() throws -> LogDirectory {
        do throws(LogError) {
            return try LogDirectory.open(directory.path, options: logOptions)
        } catch {
            guard error.code == .locked else { throw error }
            throw CommandFailure(
                .environment,
                "another process has the ledger in \(directory.path): stop it first, or name another directory with "
                    + "--data")
        }
    }

    private var logOptions: LogOptions {
        var options = DataDirectory.logOptions(segmentBytes: configuration.segmentBytes)
        if configuration.compressionLevel == 0 {
            options.compression = nil
        } else {
            options.compression?.level = configuration.compressionLevel
        }
        options.notify = { [logger] notice in
            switch notice {
            case .compressed(let report):
                let sizes = "\(report.plainBytes) bytes to \(report.compressedBytes)"
                logger.info("compressed \(report.path): \(sizes), level \(report.level)")
            case .compressionFailed(let error):
                logger.warning("a segment of the log stays uncompressed: \(error)")
            case .damaged(let error): logger.error("the log is damaged: \(error)")
            }
        }
        return options
    }

    private func openReadModel(_ log: LogDirectory) throws -> ReadModelDatabase {
        if !directory.hasReadModel, log.durable.next > .first {
            // Much faster than following, and nobody can have asked for anything yet.
            try ReadModelUpkeep(directory: directory).make(
                log, recipe: Rebuild.Recipe(settings: configuration.settings))
        }
        let database = try ReadModelDatabase(path: directory.readModelPath, logID: log.id, use: .live)
        try database.use(configuration.settings)
        return database
    }

    private func options(_ projector: ProjectorService) -> IngestOptions {
        var options = IngestOptions()
        options.routerEndpoints = configuration.routerEndpoints
        options.pullEndpoints = configuration.pullEndpoints
        options.subscriberEndpoints = configuration.subscriberEndpoints
        options.creditEvents = configuration.creditEvents
        options.gapMicroseconds = configuration.gapMicroseconds
        options.logger = logger
        options.readModelProgress = { projector.progress }
        return options
    }

    private func sayStarted(_ log: LogDirectory, _ ingest: IngestService, _ projector: ProjectorService) {
        say("data directory \(directory.path), log \(log.id)")
        let events = HumanCount.grouped(log.durable.next.rawValue - 1)
        let lag = projector.lag
        say(
            "log has \(events) events, read model "
                + (lag == 0 ? "is up to date" : "is \(HumanCount.grouped(lag)) events behind and catches up"))
        if log.recovery.droppedBytes > 0 {
            say(
                "recovered: \(log.recovery.droppedBytes) bytes of an unfinished write were dropped, none of it "
                    + "acknowledged")
        }
        for (kind, endpoints) in [
            ("router", ingest.routerEndpoints), ("pull", ingest.pullEndpoints),
            ("sub", ingest.subscriberEndpoints),
        ] {
            for endpoint in endpoints { say("listening \(kind) \(endpoint)") }
        }
        let option = directory.path == DataDirectory.standardPath ? "" : " --data \(directory.path)"
        say("ready; see calls with `tollbook cdrs\(option)`, end with Ctrl-C")
    }

    /// Says that the service is there once signals end it in good order, and not before: who reads it may
    /// send one at once.
    private struct Announcement: Service {
        let say: @Sendable () -> Void

        func run() async { say() }
    }

    /// What an operator reads when starting and ending it; the rest goes to the log.
    private func say(_ text: String) {
        let output = StandardOutput()
        // Nobody may be listening any more, and the service goes on.
        try? output.writeLine("tollbook: \(text)")
        try? output.flush()
    }
}
