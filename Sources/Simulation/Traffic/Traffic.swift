package import Events

/// Realistic traffic as proxies state it, made up from a seed in virtual time.
///
/// An iterator with two faces over the same calls: event by event in the order of virtual time, or in
/// batches of one source each, as the wire carries them. Use one of them only on one value: they differ in
/// what is held back. Memory follows the calls that are open; nothing is allocated for an event once that
/// number has settled.
package struct Traffic: ~Copyable {
    package let settings: TrafficSettings
    /// Calls begun so far.
    package internal(set) var callsBegun = 0
    /// Calls not begun because `TrafficLimits.openCallsMax` were open.
    package internal(set) var callsTurnedAway = 0
    /// Events stated so far, repetitions included.
    package internal(set) var eventsStated = 0
    /// Virtual time: nothing that comes later is due before.
    package var now: Timestamp { Timestamp(rawValue: clock) }

    var clock: Int64

    var random: RandomStream
    var faultRandom: RandomStream
    var agenda: Agenda
    var calls = Slab<OpenCall>()
    var held = Slab<Statement>()
    var sources: [TrafficSource]
    let agents: [UserAgent]
    /// User agents by weight: a subscriber's is found with one look.
    let agentBySubscriber: [UInt8]
    let until: Int64
    let callsMax: Int
    let meanGapMicroseconds: Double
    var outboxes: [Outbox] = []
    /// Did not fit to its source's outbox, and is the first of the next batch.
    var carried: Statement?
    /// Source whose outbox has waited long enough.
    var flushDue: Int?
    var repeatsLast = false
    var lastPayload = EventBytes()

    package init(_ settings: TrafficSettings) {
        precondition((1...TrafficLimits.sourcesMax).contains(settings.sources), "sources out of range")
        precondition((1...TrafficLimits.batchEventsMax).contains(settings.batchEvents), "batch out of range")
        precondition(settings.callsPerSecond > 0 && settings.subscribers > 1)
        self.settings = settings
        clock = settings.start.rawValue
        random = RandomStream(seed: settings.seed)
        faultRandom = RandomStream(seed: ~settings.seed)
        agenda = Agenda(start: settings.start.rawValue)
        until = settings.until?.rawValue ?? .max
        callsMax = settings.calls ?? .max
        meanGapMicroseconds = 1_000_000 / settings.callsPerSecond
        agents = settings.preset == .plain ? [.plain] : UserAgent.all + [.scanner]
        agentBySubscriber = Self.agentsByWeight(agents)
        sources = []
        for index in 0..<settings.sources {
            let skewMax = settings.faults.clockSkewMicroseconds
            let skew = skewMax == 0 ? 0 : faultRandom.between(-skewMax, skewMax)
            let epoch = settings.start.rawValue - 1_000_000 + Int64(index)
            sources.append(TrafficSource(index: index, epoch: epoch, skew: skew))
        }
        if settings.preset == .realistic {
            for index in sources.indices {
                agenda.insert(.started, UInt32(index), at: settings.start.rawValue + Int64(index))
            }
        }
        if callsMax > 0 { agenda.insert(.arrival, 0, at: settings.start.rawValue + 1_000) }
    }

    package var sourceCount: Int { sources.count }

    /// Calls that are open now.
    package var openCalls: Int { calls.count }

    package func sourceName(_ index: Int) -> SourceName { sources[index].name }

    private static func agentsByWeight(_ agents: [UserAgent]) -> [UInt8] {
        var table: [UInt8] = []
        for (index, agent) in agents.enumerated() {
            table.append(contentsOf: repeatElement(UInt8(index), count: agent.weight))
        }
        return table
    }

    @inline(__always)
    func agent(of subscriber: UInt32) -> UInt8 {
        let place = RandomStream.mixed(UInt64(subscriber) &+ 0x5EED) >> 32
        return agentBySubscriber[Int((place &* UInt64(agentBySubscriber.count)) >> 32)]
    }
}

/// Which event was appended: its identity, and when its source saw it.
package struct TrafficEvent: Sendable {
    /// Index of its source, for `Traffic.sourceName`.
    package let source: Int
    package let epoch: Epoch
    package let sequence: SequenceNumber
    package let time: Timestamp
}

extension Traffic {
    /// Appends the JSON of the next event to `buffer`, without a line end; null when the traffic is over.
    ///
    /// Events come in the order of virtual time, but for what the faults ask for. Where they ask for
    /// duplicates, the same event comes again under the same identity.
    package mutating func next(into buffer: inout EventBytes) -> TrafficEvent? {
        guard let statement = advance(repeating: true) else { return nil }
        append(statement, to: &buffer)
        return TrafficEvent(
            source: Int(statement.source), epoch: Epoch(rawValue: statement.epoch),
            sequence: SequenceNumber(rawValue: statement.sequence), time: Timestamp(rawValue: statement.time))
    }

    /// Appends the next event as a line that `import` takes, with its identity; false when the traffic is
    /// over.
    package mutating func nextLine(into buffer: inout EventBytes) -> Bool {
        guard let statement = advance(repeating: true) else { return false }
        buffer.reserve(TrafficLimits.eventBytesReserved)
        buffer.append("{\"source\":\"")
        buffer.append(name: sources[Int(statement.source)].name)
        buffer.append("\",\"epoch\":")
        buffer.append(decimal: UInt64(statement.epoch))
        buffer.append(",\"seq\":")
        buffer.append(decimal: UInt64(statement.sequence))
        buffer.append(",\"event\":")
        append(statement, to: &buffer)
        buffer.append("}\n")
        return true
    }

    @inline(__always)
    func append(_ statement: borrowing Statement, to buffer: inout EventBytes) {
        if statement.damage == .none {
            buffer.append(statement, agents: agents)
        } else {
            buffer.appendDamaged(statement, agents: agents)
        }
    }

    /// The next statement with its identity; null at the end.
    mutating func advance(repeating: Bool) -> Statement? {
        while let entry = takeDue() {
            guard var statement = perform(entry) else {
                if flushDue != nil { return nil }
                continue
            }
            if statement.stage != .repeated {
                if settings.faults.touchEvents && befalls(&statement) { continue }
                identify(&statement)
                let duplicated = settings.faults.duplicated
                if repeating && duplicated > 0 && faultRandom.chance(duplicated) {
                    var copy = statement
                    copy.stage = .repeated
                    agenda.insert(.held, held.insert(copy), at: clock + faultRandom.between(1, 500_000))
                }
            }
            eventsStated += 1
            return statement
        }
        return nil
    }

    /// What is due next, unless the end has come.
    private mutating func takeDue() -> Agenda.Entry? {
        guard let entry = agenda.takeFirst(warming: calls), entry.time <= until else { return nil }
        clock = entry.time
        return entry
    }

    /// Gives the statement the next number of its source, and the time of its source's clock.
    @inline(__always)
    private mutating func identify(_ statement: inout Statement) {
        let index = Int(statement.source)
        sources[index].sequence += 1
        if settings.preset == .realistic && sources[index].habits.statesWorker {
            statement.parts.insert(.worker)
        }
        statement.epoch = sources[index].epoch
        statement.sequence = sources[index].sequence
        statement.time += sources[index].skew
    }

    /// Lets faults befall a statement; true if it doesn't come now.
    private mutating func befalls(_ statement: inout Statement) -> Bool {
        let faults = settings.faults
        if statement.stage == .fresh && statement.type.rawValue < Statement.Kind.sourceStarted.rawValue {
            var delayMax: Int64 = 0
            if faultRandom.chance(faults.late) { delayMax = faults.lateMicroseconds }
            if faultRandom.chance(faults.outOfOrder) { delayMax = faults.outOfOrderMicroseconds }
            if delayMax > 0 {
                statement.stage = .delayed
                let due = clock + faultRandom.between(1, delayMax)
                agenda.insert(.held, held.insert(statement), at: due)
                return true
            }
        }
        if faultRandom.chance(faults.lost) {
            sources[Int(statement.source)].sequence += 1
            return true
        }
        if faultRandom.chance(faults.invalid) {
            let kinds = faults.invalidAsObjects ? Damage.objects : Damage.count
            statement.damage = Damage(rawValue: UInt8(1 + faultRandom.below(kinds))) ?? .noJSON
        }
        return false
    }
}
