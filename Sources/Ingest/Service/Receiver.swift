internal import EventLog
internal import Events
internal import Glibc
internal import Logging
internal import Synchronization

/// The receiving thread's work: takes messages from the sockets, lays what they hold into the group being
/// filled, and sends the answers once they are true.
///
/// Made by whoever starts the service, so that a port that is in use is that one's error; from then on it
/// belongs to its thread.
final class Receiver: @unchecked Sendable {
    // Safety: used by the thread that makes it until the receiving thread starts, and by that one from then
    // on. What others touch (`isStopping`, `published`, `toReceiver`, `inbox`, `failure`) is made for it.

    let router: ZeroMQSocket
    let pull: ZeroMQSocket
    let subscriber: ZeroMQSocket
    private(set) var endpoints = Endpoints()
    private var poller = Poller()

    let options: IngestOptions
    let log: LogDirectory
    let pipe: GroupPipe
    let inbox: Inbox
    var layer: FrameLayer
    var machine: ProtocolMachine
    var watch: GapWatch
    var statistics = IngestStatistics()

    // Places for frames, taken once.
    let first = ZeroMQMessage()
    let second = ZeroMQMessage()
    let third = ZeroMQMessage()
    let surplus = ZeroMQMessage()
    var header = JSONBuffer()
    private(set) var headers = BatchHeaderMemo()
    let logID: [UInt8]

    /// Answers that found no room on their way to a peer.
    var owed: [(answer: Answer, peer: PeerIdentity)] = []
    private var inFlight: [(group: GroupNumber, entries: [Inbox.Entry])] = []
    private var groupsBegun: [(group: GroupNumber, at: UInt64)] = []
    /// Whether anything has come by the SUB.
    private var hearsPublisher = false
    private var intakeChecked: UInt64 = 0
    private var gapsChecked: UInt64 = 0
    private var turnPause = TurnPause(nanosecondsMin: Limits.turnNanosecondsMin)
    private var announced = GroupNumber(rawValue: 0)

    /// The epoch in which the ledger speaks.
    let ledger: SourceEpoch
    let isStopping = Atomic<Bool>(false)
    let toReceiver: EventSignal
    let published = Mutex(IngestStatistics())
    let failure = Mutex<IngestError?>(nil)

    struct Endpoints: Sendable {
        var router: [String] = []
        var pull: [String] = []
        var subscriber: [String] = []
    }

    init(log: LogDirectory, options: IngestOptions) throws(IngestError) {
        self.options = options
        self.log = log
        let context = try ZeroMQContext()
        router = try ZeroMQSocket(.router, in: context)
        pull = try ZeroMQSocket(.pull, in: context)
        subscriber = try ZeroMQSocket(.subscriber, in: context)
        inbox = try Inbox()
        toReceiver = try EventSignal()
        machine = ProtocolMachine(table: log.sources, creditEvents: options.creditEvents)
        watch = GapWatch(patienceMicroseconds: options.gapMicroseconds)
        logID = Array(log.id.description.utf8)
        pipe = try GroupPipe(log: log, groupBytes: options.groupBytes)
        let voice = LedgerVoice(epoch: Self.nextEpoch(log.sources, options.clock()))
        ledger = voice.origin
        layer = FrameLayer(pipe: pipe, log: log, voice: voice)
        do throws(IngestError) {
            try bind()
        } catch {
            pipe.stop()
            throw error
        }
        _ = poller.add(router)
        _ = poller.add(pull)
        _ = poller.add(subscriber)
        _ = poller.add(pipe.toFiller)
        _ = poller.add(toReceiver)
        _ = inbox.addSignal(to: &poller)
    }

    /// The ledger's epoch: its start time, and above every epoch it has had, also where the clock was set
    /// back. Where an imported entry has the last epoch there is, one that it has not had.
    static func nextEpoch(_ table: SourceTable, _ now: Timestamp) -> Epoch {
        let had = table.sources.filter(\.source.isLedger).map(\.epoch.rawValue)
        guard had.last == Int64.max else { return Epoch(rawValue: max(now.rawValue, (had.last ?? 0) + 1)) }
        let taken = Set(had)
        var epoch = now.rawValue
        while taken.contains(epoch) { epoch += 1 }
        return Epoch(rawValue: epoch)
    }

    private func bind() throws(IngestError) {
        let checked = try (options.routerEndpoints + options.pullEndpoints + options.subscriberEndpoints)
            .map { text throws(IngestError) in try Endpoint(listening: text) }
        guard !checked.isEmpty else {
            throw IngestError(.endpointInvalid, "no endpoint is set: nothing could ever arrive")
        }
        endpoints.router = try options.routerEndpoints.map { text throws(IngestError) in try router.bind(text)
        }
        endpoints.pull = try options.pullEndpoints.map { text throws(IngestError) in try pull.bind(text) }
        endpoints.subscriber = try options.subscriberEndpoints.map { text throws(IngestError) in
            try subscriber.bind(text)
        }
    }

    // MARK: The thread

    func run() {
        do throws(IngestError) {
            while !isStopping.load(ordering: .acquiring) {
                try turn()
            }
            try finish()
        } catch {
            fail(error)
        }
        pipe.stop()
        for entry in inbox.close() { entry.whenDurable(IngestError(.stopped, "intake has stopped")) }
        for group in inFlight {
            for entry in group.entries { entry.whenDurable(IngestError(.stopped, "intake has stopped")) }
        }
        publish()
    }

    private func turn() throws(IngestError) {
        var didWork = try drainRouter()
        if try drainUnasked(pull, hasTopics: false) { didWork = true }
        if try drainUnasked(subscriber, hasTopics: true) {
            didWork = true
            hearsPublisher = true
        }
        if try drainInbox() { didWork = true }
        try checkOnTime()
        try announce()
        if try writesLittle(), pipe.commitLittle() { try announce() } else { pipe.submit() }
        publish()
        guard !didWork else { return }
        try poller.wait(milliseconds: Limits.intakeCheckMilliseconds)
        rest()
        pipe.toFiller.take()
        toReceiver.take()
        inbox.takeSignal()
    }

    /// Leaves the processors to the read model for a moment, where that is behind and nobody drops what is
    /// not taken, as a PUB does.
    private func rest() {
        guard !hearsPublisher else { return }
        let nanoseconds = turnPause.next(at: Self.monotonic(), options.readModelProgress())
        guard nanoseconds > 0 else { return }
        statistics.pausedNanoseconds += nanoseconds
        // What was laid while the writer was busy need not wait as well.
        pipe.submit()
        usleep(UInt32((nanoseconds + 999) / 1_000))
    }

    /// Whether this thread may write what little there is: no message waits to be taken, and nobody drops any
    /// while it waits for the disk, as a PUB does.
    private func writesLittle() throws(IngestError) -> Bool {
        guard pipe.hasLittle, !hearsPublisher else { return false }
        if try router.hasMessage() { return false }
        return try !pull.hasMessage()
    }

    /// Takes no more, makes durable what was taken, and says so.
    private func finish() throws(IngestError) {
        for endpoint in endpoints.router { router.unbind(endpoint) }
        for endpoint in endpoints.pull { pull.unbind(endpoint) }
        for endpoint in endpoints.subscriber { subscriber.unbind(endpoint) }
        _ = try drainInbox()
        do throws(IngestError) {
            try flush()
            try stateGaps(all: true)
            try flush()
        } catch {
            guard error.code == .diskFull else { throw error }
            options.logger.warning("\(error.message); what was not acknowledged is left to its sources")
        }
        try announce()
    }

    private func fail(_ error: IngestError) {
        failure.withLock { $0 = error }
        options.logger.critical("intake has failed: \(error.message)")
        options.onFailure(error)
    }

    /// Makes durable everything that was laid, and lets the machine know.
    func flush() throws(IngestError) {
        try pipe.flush()
        try announce()
    }

    /// Tells the machine, the sources and the inbox's callers what has become durable.
    func announce() throws(IngestError) {
        if let error = pipe.error { throw IngestError(.log, number: error.errno, error.description) }
        let durable = pipe.durable
        if durable > announced {
            statistics.groups += durable.rawValue - announced.rawValue
            announced = durable
            machine.groupDurable(durable)
            try sendAnswers(to: nil)
            let now = Self.monotonic()
            while let begun = groupsBegun.first, begun.group <= durable {
                statistics.ackLatency.note(nanoseconds: now - begun.at)
                groupsBegun.removeFirst()
            }
            while let group = inFlight.first, group.group <= durable {
                inFlight.removeFirst()
                for entry in group.entries { entry.whenDurable(nil) }
            }
        }
        if !owed.isEmpty { try sendOwed() }
    }

    /// Notes that the group being filled holds a message that was taken not before `time`, for the latency of
    /// its acknowledgement.
    ///
    /// - Parameter time: null where the group that was filled then had one already.
    func noteBegun(at time: UInt64?) {
        guard !isBegun else { return }
        groupsBegun.append((pipe.filling, time ?? Self.monotonic()))
    }

    /// Whether the first message of the group being filled was noted.
    var isBegun: Bool { groupsBegun.last?.group == pipe.filling }

    /// Reads the header of a message of the ROUTER's.
    func readHeader(_ bytes: borrowing Span<UInt8>) throws(Refusal) -> Request { try headers.read(bytes) }

    private func drainInbox() throws(IngestError) -> Bool {
        guard machine.intake != .closed else { return false }
        let entries = inbox.takeAll()
        for (place, entry) in entries.enumerated() {
            do throws(IngestError) {
                if machine.intake == .closed {
                    throw IngestError(.diskFull, "the disk is full: nothing is taken until there is space")
                }
                try layer.layOwn(entry.lines.span, count: entry.count, at: options.clock())
                note(entry)
            } catch {
                entry.whenDurable(error)
                switch error.code {
                case .refused: continue
                case .diskFull: machine.setIntake(.closed)
                default:
                    for left in entries[(place + 1)...] { left.whenDurable(error) }
                    throw error
                }
            }
        }
        return !entries.isEmpty
    }

    /// Keeps an entry until the group that it was laid into is durable.
    private func note(_ entry: Inbox.Entry) {
        if inFlight.last?.group == pipe.filling {
            inFlight[inFlight.count - 1].entries.append(entry)
        } else {
            inFlight.append((pipe.filling, [entry]))
        }
    }

    // MARK: Now and then

    private func checkOnTime() throws(IngestError) {
        let now = Self.monotonic()
        guard now - intakeChecked >= UInt64(Limits.intakeCheckMilliseconds) * 1_000_000 else { return }
        intakeChecked = now
        let before = machine.intake
        machine.setIntake(currentIntake())
        if machine.intake != before {
            if machine.intake == .closed, case .closed(let error) = log.intake {
                options.logger.warning("intake was \(before), is closed: \(error)")
            } else {
                options.logger.notice("intake was \(before), is \(machine.intake)")
            }
        }
        try sendAnswers(to: nil)
        if machine.intake != .closed { try stateGaps(all: false) }
    }

    private func currentIntake() -> IntakeState {
        if pipe.isFull { return .closed }
        if case .closed = log.intake { return .closed }
        return options.readModelProgress() == .farBehind ? .paused : .open
    }

    private func publish() {
        let now = statistics
        published.withLock { $0 = now }
    }

    static func monotonic() -> UInt64 {
        var time = timespec()
        // Safety: writes the one struct that it is given.
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
