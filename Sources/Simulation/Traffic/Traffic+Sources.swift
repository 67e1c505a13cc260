/// Sources begin, live, and start over.
extension Traffic {
    /// Does what is due; null if nobody states anything by it.
    @inline(__always)
    mutating func perform(_ entry: Agenda.Entry) -> Statement? {
        switch entry.kind {
        case .arrival: return arrive()
        case .call: return step(entry.slot)
        case .held: return release(entry.slot)
        case .started: return start(Int(entry.slot))
        case .heartbeat: return heartbeat(Int(entry.slot))
        case .restart: return restart(Int(entry.slot))
        case .flush:
            flushDue = Int(entry.slot)
            return nil
        }
    }

    /// No call is open and none will come.
    var isOver: Bool { callsBegun + callsTurnedAway >= callsMax && calls.count == 0 }

    private mutating func release(_ slot: UInt32) -> Statement? {
        let statement = held[slot]
        held.remove(slot)
        // What a source has made already it will state, even late; what would have reached it while it was
        // down, never.
        if statement.stage == .fresh && !sources[Int(statement.source)].isUp { return nil }
        return statement
    }

    private mutating func start(_ index: Int) -> Statement? {
        let first = sources[index].life == 0
        sources[index].life += 1
        sources[index].isUp = true
        if !first {
            sources[index].epoch = clock
            sources[index].sequence = 0
            if !sources[index].habits.keepsDialogs { sources[index].active = 0 }
        }
        if first && settings.heartbeatSeconds > 0 {
            agenda.insert(.heartbeat, UInt32(index), at: clock + random.between(1, heartbeatGap))
        }
        scheduleRestart(index)
        return statement(.sourceStarted, of: index)
    }

    private var heartbeatGap: Int64 { settings.heartbeatSeconds * 1_000_000 }

    private mutating func heartbeat(_ index: Int) -> Statement? {
        if isOver {
            return sources[index].isUp ? statement(.sourceStopped, of: index) : nil
        }
        agenda.insert(.heartbeat, UInt32(index), at: clock + heartbeatGap)
        return sources[index].isUp ? statement(.sourceHeartbeat, of: index) : nil
    }

    private mutating func scheduleRestart(_ index: Int) {
        guard settings.restartMeanSeconds > 0 else { return }
        let gap = random.exponential(mean: Double(settings.restartMeanSeconds) * 1_000_000)
        agenda.insert(.restart, UInt32(index), at: clock + 1_000_000 + Int64(gap))
    }

    /// Half of them end in good order, the others without a word.
    private mutating func restart(_ index: Int) -> Statement? {
        if isOver { return nil }
        sources[index].isUp = false
        let downMicroseconds = random.between(2_000_000, 9_000_000)
        agenda.insert(.started, UInt32(index), at: clock + downMicroseconds)
        return random.chance(0.5) ? statement(.sourceStopped, of: index) : nil
    }

    private func statement(_ type: Statement.Kind, of index: Int) -> Statement {
        var statement = Statement()
        statement.type = type
        statement.time = clock
        statement.source = UInt16(index)
        statement.number = UInt32(max(0, sources[index].active))
        return statement
    }
}
