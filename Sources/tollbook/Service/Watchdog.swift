import EventLog
import Events
import Ingest
import Logging
import Projections
import ReadModel
import Synchronization

/// A source like any other: states the passing of time while dialogs are open (`ledger.tick`), presumes the
/// end of what has outlived its deadline and the grace period (`ledger.expired`), and writes down a change of
/// the billing policy (`ledger.policy`). A rebuild reads all that, and asks no clock.
///
/// One thread uses it, the projector's; the policy that it is to write down comes from others.
final class Watchdog {
    private let reader: ReadModelReader
    private let log: LogDirectory
    private let graceMicroseconds: Int64
    private let wanted: WantedPolicy
    private let logger: Logger
    var ingest: IngestService?
    private var lookedAt: Timestamp?
    private var moment = AwaitedMoment()
    private let appending = Appending()

    /// What was appended and has not come back through the read model yet. Until it has, nothing is
    /// concluded, so that nothing is concluded twice.
    private final class Appending: Sendable {
        static let none: UInt64 = 0
        static let underWay = UInt64.max
        /// `none`, `underWay`, or the position that the read model has to reach.
        let state = Atomic<UInt64>(none)
    }

    init(
        _ reader: ReadModelReader, log: LogDirectory, graceSeconds: Int64, policy: WantedPolicy,
        logger: Logger
    ) {
        self.reader = reader
        self.log = log
        wanted = policy
        self.logger = logger
        graceMicroseconds = graceSeconds * 1_000_000
    }

    /// Concludes what there is to conclude at some moment: at this one where the read model has everything
    /// that is durable, else at one of which it has had everything since.
    ///
    /// - Parameter projected: how far the read model is, for readers.
    func look(projected: Position) throws {
        let due = moment.due(projected: projected, clock: IngestOptions.wallClock) { log.durable.next }
        if let due { try look(at: due, projected) }
    }

    private func look(at now: Timestamp, _ projected: Position) throws {
        let state = appending.state.load(ordering: .acquiring)
        guard state == Appending.none || state <= projected.rawValue else { return }
        appending.state.store(Appending.none, ordering: .relaxed)
        if let lookedAt, now >= lookedAt,
            now.microseconds(since: lookedAt) < ServiceLimits.watchIntervalMicroseconds
        {
            return
        }
        lookedAt = now
        if let policy = wanted.take() {
            do {
                if try adopt(policy) { return }
            } catch {
                wanted.put(back: policy)
                throw error
            }
        }
        let due = now.advanced(by: -graceMicroseconds)
        let (isOpen, overdue) = try reader.read { snapshot in
            let isOpen = try snapshot.hasOpenCalls
            return (isOpen, isOpen ? try snapshot.overdue(at: due, max: ServiceLimits.presumptionsMax) : [])
        }
        guard isOpen else { return }
        var entries = [LedgerEntry.tick(at: now)]
        for dialog in overdue where dialog.deadline.rawValue <= Timestamp.last.rawValue - graceMicroseconds {
            entries.append(LedgerEntry.expired(dialog, at: dialog.deadline.advanced(by: graceMicroseconds)))
        }
        if !overdue.isEmpty {
            logger.notice("presuming the end of \(overdue.count) dialogs that outlived their deadline")
        }
        try append(entries)
    }

    /// Writes down that another policy is in force from now on, unless the log's last one is the same.
    ///
    /// - Returns: whether there was something to write.
    private func adopt(_ policy: PolicyText) throws -> Bool {
        let (last, isFixed) = try reader.read { (try $0.lastPolicy, $0.isPolicyFixed) }
        guard last.text != policy.text else { return false }
        let now = IngestOptions.wallClock()
        // Only the last one by time stays in force, and a clock that was set back must not undo a change.
        let time = last.from.map { max(now, $0.advanced(by: 1)) } ?? now
        if let from = last.from, time > now {
            logger.warning(
                """
                the log's last billing policy is in force from \(CalendarTime.text(from.rawValue)) on, which this \
                machine's clock has not reached: the new one follows it. Check the clock
                """)
        }
        try append([LedgerEntry.policy(policy.text, at: time)]) { [wanted, logger] isDurable in
            guard isDurable else {
                wanted.put(back: policy)
                return
            }
            logger.notice(
                """
                from \(CalendarTime.text(time.rawValue)) on calls are billed by \(policy.policy.citation), and the \
                log says so
                """)
            guard isFixed else { return }
            logger.warning(
                """
                the read model bills all calls by the one policy of `tollbook rebuild --policy`: a rebuild without \
                it goes by the log again
                """)
        }
        return true
    }

    /// - Parameter done: is told on another thread whether the entries are on disk.
    private func append(
        _ entries: [[UInt8]], done: @escaping @Sendable (Bool) -> Void = { _ in }
    ) throws {
        guard let ingest else { return done(false) }
        appending.state.store(Appending.underWay, ordering: .releasing)
        do throws(IngestError) {
            try ingest.append(entries) { [appending, log, logger] error in
                done(error == nil)
                if let error {
                    Self.say(error, to: logger)
                    // Looked at again the next time.
                    appending.state.store(Appending.none, ordering: .releasing)
                } else {
                    appending.state.store(log.durable.next.rawValue, ordering: .releasing)
                }
            }
        } catch {
            done(false)
            Self.say(error, to: logger)
            appending.state.store(Appending.none, ordering: .releasing)
        }
    }

    /// At the end of the service intake goes first, which is no news.
    private static func say(_ error: IngestError, to logger: Logger) {
        guard error.code != .stopped else { return }
        logger.warning("the watchdog's conclusions are not in the log: \(error)")
    }
}

/// Entries of the ledger's own, as JSON.
enum LedgerEntry {
    static func tick(at time: Timestamp) -> [UInt8] {
        Array(#"{"type":"ledger.tick","time":\#(time.rawValue)}"#.utf8)
    }

    static func expired(_ dialog: OverdueDialog, at time: Timestamp) -> [UInt8] {
        var bytes = Array(#"{"type":"ledger.expired","time":\#(time.rawValue),"callid":"#.utf8)
        JSONText.appendQuoted(dialog.callID, to: &bytes)
        bytes.append(contentsOf: #","from_tag":"#.utf8)
        JSONText.appendQuoted(dialog.fromTag, to: &bytes)
        if let toTag = dialog.toTag {
            bytes.append(contentsOf: #","to_tag":"#.utf8)
            JSONText.appendQuoted(toTag, to: &bytes)
        }
        bytes.append(contentsOf: #","deadline":\#(dialog.deadline.rawValue)}"#.utf8)
        return bytes
    }

    static func policy(_ text: String, at time: Timestamp) -> [UInt8] {
        var bytes = Array(#"{"type":"ledger.policy","time":\#(time.rawValue),"policy":"#.utf8)
        JSONText.appendQuoted(text.utf8, to: &bytes)
        bytes.append(UInt8(ascii: "}"))
        return bytes
    }
}
