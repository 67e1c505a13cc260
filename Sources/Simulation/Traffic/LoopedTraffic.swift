import Events

/// Calls that were made up beforehand, stated round after round as new ones: for whoever measures what takes
/// the traffic, on processors that the two share.
///
/// What the calls of `settings` state lies in memory, put in order by the time of a round, which lasts as
/// long as these calls take to begin. In each round they begin anew, with Call-IDs and times of that round;
/// what a call states after the end of its round comes in the rounds behind it, among calls that began later.
/// So as many are open as with `Traffic` of the same settings, and of each the same is stated.
package struct LoopedTraffic: ~Copyable {
    /// An event of the first round.
    private struct Place {
        /// Microseconds since the epoch.
        var time: Int64
        /// How many rounds after the one that its call begins in it comes.
        var delay: Int64
        var bytes: Range<Int>
        /// Where its time stands, and where the rest begins, behind what differs of the Call-ID from round to
        /// round.
        var timeStart: Int
        var rest: Int
        /// What that is in the first round.
        var name: UInt32
    }

    private let source: SourceName
    private let batchEvents: Int
    private let roundMicroseconds: Int64
    private var events = EventBytes()
    private var places: [Place] = []
    private var next = 0
    /// Rounds that are over.
    private var rounds: Int64 = 0

    /// - Parameter settings: of one source and the plain preset, whose Call-IDs begin with a number; their
    ///   calls are those of a round.
    package init(_ settings: TrafficSettings) {
        guard let calls = settings.calls, calls > 0, settings.preset == .plain, settings.sources == 1 else {
            preconditionFailure("a round is so many plain calls of one source")
        }
        batchEvents = settings.batchEvents
        roundMicroseconds = max(1, Int64(Double(calls) * 1_000_000 / settings.callsPerSecond))
        var traffic = Traffic(settings)
        source = traffic.sourceName(0)
        while true {
            let start = events.count
            guard let event = traffic.next(into: &events) else { break }
            events.reserve(8)
            events.append(byte: UInt8(ascii: "\n"))
            let delay = (event.time.rawValue - settings.start.rawValue) / roundMicroseconds
            places.append(
                Self.place(start..<events.count, of: events, time: event.time.rawValue, delay: delay))
        }
        let round = roundMicroseconds
        // An order of its own for each two: what comes at the same time comes in the same order in every run.
        places.sort {
            ($0.time - $0.delay * round, $0.bytes.lowerBound)
                < ($1.time - $1.delay * round, $1.bytes.lowerBound)
        }
    }

    /// Puts the next events into `batch`, whose memory is used again. They never end. What numbers they get
    /// is left to whoever sends them.
    package mutating func next(into batch: inout TrafficBatch) {
        batch.source = source
        batch.count = 0
        batch.payload.removeAll()
        while batch.count < batchEvents {
            if next == places.count {
                next = 0
                rounds += 1
            }
            let place = places[next]
            next += 1
            // In the first rounds what is missing are calls that would have begun before them.
            guard place.delay <= rounds else { continue }
            state(place, of: rounds - place.delay, into: &batch.payload)
            batch.count += 1
        }
    }

    @inline(__always)
    private func state(_ place: Place, of round: Int64, into payload: inout EventBytes) {
        payload.reserve(TrafficLimits.eventBytesReserved)
        payload.append(place.bytes.lowerBound..<place.timeStart, of: events)
        payload.append(decimal: UInt64(place.time + round * roundMicroseconds))
        payload.append(Self.between)
        payload.append(hex: place.name &+ UInt32(truncatingIfNeeded: round) &* Self.nameStep)
        payload.append(place.rest..<place.bytes.upperBound, of: events)
    }

    private static let nameDigits = 8
    /// An odd number: the names of a call are different ones for 2^32 rounds.
    private static let nameStep: UInt32 = 0x9E37_79B1
    /// What stands between the time and the Call-ID.
    private static let between: StaticString = ",\"callid\":\""

    /// Finds what differs from round to round in the event that lies in `range`.
    private static func place(
        _ range: Range<Int>, of events: borrowing EventBytes, time: Int64, delay: Int64
    ) -> Place {
        // Safety: copied during the call.
        let line = events.withBytes { bytes in unsafe bytes.withUnsafeBytes { unsafe Array($0[range]) } }
        // The time is the second value, and the Call-ID the third.
        let colons = line.indices.lazy.filter { line[$0] == UInt8(ascii: ":") }
        let timeStart = (colons.dropFirst().first ?? 0) + 1
        let timeEnd = timeStart + String(time).utf8.count
        let callStart = timeEnd + between.utf8CodeUnitCount
        let rest = callStart + nameDigits
        guard rest <= line.count, line[timeStart..<timeEnd].elementsEqual(String(time).utf8),
            line[timeEnd..<callStart].elementsEqual("\(between)".utf8),
            let name = UInt32(String(decoding: line[callStart..<rest], as: UTF8.self), radix: 16)
        else { preconditionFailure("an event has its time, and a Call-ID that begins with a number") }
        return Place(
            time: time, delay: delay, bytes: range, timeStart: range.lowerBound + timeStart,
            rest: range.lowerBound + rest, name: name)
    }
}
