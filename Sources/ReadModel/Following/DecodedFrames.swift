internal import EventLog
internal import Events

/// Some frames of the log with their events decoded, and the keys of the calls that these are about.
final class DecodedFrames: @unchecked Sendable {
    // Safety: one thread at a time has it: whoever decodes hands it over, and gets it back.

    struct Part {
        let frame: LogFrame
        /// Its events among `views`.
        let events: Range<Int>
        /// Where in the log an event stands that can't be decoded, and why: the one behind `events`.
        let fault: ReadModelError?
    }

    private(set) var parts: [Part] = []
    private(set) var views = EventList()
    /// Of each event; of no meaning where it is no call's.
    private(set) var keys: [CallKey] = []
    /// What reading ended with, behind the last part.
    private(set) var failure: ReadModelError?

    /// Fills it with the next frames.
    ///
    /// - Returns: false where there is nothing more to read for now.
    func fill(_ reader: inout LogReader, _ decoder: inout EventDecoder, seed: UInt64) -> Bool {
        parts.removeAll(keepingCapacity: true)
        views.removeAll()
        keys.removeAll(keepingCapacity: true)
        failure = nil
        do throws(LogError) {
            while views.count < ReadModelLimits.decodedEventsMin,
                parts.count < ReadModelLimits.decodedPartsMax, let frame = try reader.next()
            {
                let part = Self.decode(frame, &decoder, seed, into: &views, &keys)
                parts.append(part)
                if part.fault != nil { break }
            }
        } catch {
            failure = ReadModelError(error)
        }
        return failure != nil || !parts.isEmpty
    }

    /// - Parameters:
    ///   - views: grows by the frame's events.
    ///   - keys: grows by those of their calls.
    private static func decode(
        _ frame: LogFrame, _ decoder: inout EventDecoder, _ seed: UInt64, into views: inout EventList,
        _ keys: inout [CallKey]
    ) -> Part {
        let speaker: EventDecoder.Speaker = frame.header.source.source.isLedger ? .ledger : .proxy
        let first = views.count
        decoder.begin(frame.payload)
        while true {
            let line: EventDecoder.Line? = views.append { view in
                let line = decoder.next(into: &view, from: speaker)
                if case .event? = line { return (true, line) }
                return (false, line)
            }
            switch line {
            case .event?:
                let last = views.count - 1
                keys.append(
                    views[last].type.belongsToCall
                        ? CallKey(views[last], in: frame.payload, seed: seed) : CallKey(low: 0, high: 0))
            case .fault(let found)?:
                let fault = ReadModelError(
                    .undecodable, at: frame.header.position.advanced(by: views.count - first),
                    "an event of the log breaks the rules it was taken by: \(found)")
                return Part(frame: frame, events: first..<views.count, fault: fault)
            case nil: return Part(frame: frame, events: first..<views.count, fault: nil)
            }
        }
    }
}
