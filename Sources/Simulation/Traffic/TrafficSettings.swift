package import Events

/// What traffic is wanted. Start from a preset and change what matters.
package struct TrafficSettings: Sendable {
    /// Same seed and settings, same bytes.
    package var seed: UInt64
    /// Virtual time of the first event. Epochs follow from it.
    package var start: Timestamp
    package var preset: Preset
    /// Calls to begin; null goes on until `until`.
    package var calls: Int?
    /// No event after this time, whatever is still open then; null lets every call end.
    package var until: Timestamp?
    /// Calls begin at random (Poisson) at this mean rate.
    package var callsPerSecond: Double
    /// Proxies, or workers of them, up to `TrafficLimits.sourcesMax`.
    package var sources: Int
    /// How many subscribers call each other; each has one user agent.
    package var subscribers: Int
    package var durations: Durations
    package var mix: CallMix
    /// 0 for none.
    package var heartbeatSeconds: Int64
    /// Mean time between two restarts of a source; 0 for none.
    package var restartMeanSeconds: Int64
    package var faults: Faults
    /// A batch is given out when it holds this many events,
    package var batchEvents: Int
    /// or when this much virtual time has passed since its first one.
    package var batchLingerMicroseconds: Int64

    package enum Preset: Sendable {
        /// Everything that `CallMix` says, with many user agents and their habits.
        case realistic
        /// Exactly four events a call and nothing else: trying, confirmed with a session timer, acked (or,
        /// where the call is long enough, its refresh), terminated. For benchmarks.
        case plain
    }

    /// Everything that proxies see.
    package static func realistic(
        seed: UInt64, start: Timestamp, calls: Int? = nil, callsPerSecond: Double = 50, sources: Int = 4
    ) -> TrafficSettings {
        TrafficSettings(
            seed: seed, start: start, preset: .realistic, calls: calls, callsPerSecond: callsPerSecond,
            sources: sources, subscribers: 20_000, durations: Durations(), mix: CallMix(),
            heartbeatSeconds: 30, restartMeanSeconds: 4 * 3_600, faults: .none,
            batchEvents: 64, batchLingerMicroseconds: 200_000)
    }

    /// Four events a call, of about 280 bytes on average.
    package static func plain(
        seed: UInt64, start: Timestamp, calls: Int? = nil, callsPerSecond: Double = 1_000, sources: Int = 4
    ) -> TrafficSettings {
        TrafficSettings(
            seed: seed, start: start, preset: .plain, calls: calls, callsPerSecond: callsPerSecond,
            sources: sources, subscribers: 20_000,
            durations: Durations(exponentialShare: 1, exponentialMean: 120), mix: CallMix(),
            heartbeatSeconds: 0, restartMeanSeconds: 0, faults: .none, batchEvents: 256,
            batchLingerMicroseconds: 1_000_000)
    }
}

/// How long answered calls last: some are over soon (announcements, machines), the others are log-normal.
package struct Durations: Sendable {
    package var exponentialShare: Double
    package var exponentialMeanSeconds: Double
    package var logNormalMedianSeconds: Double
    package var logNormalSigma: Double
    package var secondsMax: Double

    package init(
        exponentialShare: Double = 0.3, exponentialMean: Double = 20, logNormalMedian: Double = 85,
        logNormalSigma: Double = 1.25, secondsMax: Double = 14_400
    ) {
        self.exponentialShare = exponentialShare
        self.exponentialMeanSeconds = exponentialMean
        self.logNormalMedianSeconds = logNormalMedian
        self.logNormalSigma = logNormalSigma
        self.secondsMax = secondsMax
    }

    func drawn(_ random: inout RandomStream) -> Int64 {
        let seconds =
            random.chance(exponentialShare)
            ? random.exponential(mean: exponentialMeanSeconds)
            : random.logNormal(median: logNormalMedianSeconds, sigma: logNormalSigma)
        return Int64(min(max(seconds, 0.4), secondsMax) * 1_000_000)
    }
}

/// How calls go, as shares of all calls unless said otherwise.
package struct CallMix: Sendable {
    // How they end before they are answered; the rest is answered. A call may come out differently: a 422
    // that its caller can't deal with ends what would have been an answer.
    package var busy = 0.06
    package var cancelled = 0.10
    package var noAnswer = 0.08
    package var rejected = 0.03
    package var notFound = 0.04
    package var redirected = 0.015
    package var congestion = 0.015
    package var failed = 0.015
    /// No source ever states an end.
    package var abandoned = 0.005

    /// Refused with 401 or 407 first, then tried again.
    package var challenged = 0.45
    /// Redirected, the new address followed with a new attempt.
    package var redirectFollowed = 0.01
    /// Rings at several places.
    package var forked = 0.05
    /// Of the forked and answered: answered twice, one of the answers hung up at once.
    package var answeredTwice = 0.08
    /// Passes two proxies, both stating it.
    package var twoProxies = 0.06
    /// On a path that loses packets: a third of its messages comes twice.
    package var lossy = 0.03
    /// Of the answered: a re-INVITE in between (hold, T.38).
    package var reinvited = 0.05
    /// Of the answered: the ACK never comes.
    package var unacknowledged = 0.008
    /// Of the answered: the end is lost, with the proxy's timeouts or nothing at all after it.
    package var hung = 0.02
    /// Of the hung: nothing at all.
    package var hungSilently = 0.15
    /// Of the answered: ended by the operator, by the proxy (no credit).
    package var endedByAdmin = 0.001
    package var endedByProxy = 0.004
    /// Of the refreshes: they fail.
    package var refreshFails = 0.02
    /// Of the accepted refreshes: the proxy's own timer misses them, and cuts a session that lives.
    package var refreshMissed = 0.005
    /// Of the messages with session fields: the proxy changes them where it must not.
    package var proxyMeddles = 0.003

    package init() {}
}
