internal import EventLog
internal import Events
internal import Foundation
internal import Synchronization

/// Reads and decodes the log for whoever folds it, ahead on a thread of its own: one core decodes while
/// another folds.
///
/// One thread asks.
final class DecodingAhead: @unchecked Sendable {
    // Safety: `reader` and `decoder` belong to the thread that decodes; what both touch is in `desk`.
    private var reader: LogReader
    private var decoder = EventDecoder()
    private let seed: UInt64

    /// How far the thread is from the end of what is durable.
    private enum End {
        case ahead
        /// It has found nothing more, has said so, and waits to be asked again.
        case found
        /// Whoever asks has heard it.
        case told
    }

    private struct Desk {
        var ready: [DecodedFrames] = []
        var spare: [DecodedFrames] = []
        var end = End.ahead
        var isRunning = false
        var isOver = false
    }

    private let desk = Mutex(Desk())
    /// Batches that are ready, or the news that there are none.
    private let filled = DispatchSemaphore(value: 0)
    /// Batches that may be filled.
    // Begins at 0: one that ends below where it began is taken for a bug by the system.
    private let room = DispatchSemaphore(value: 0)
    /// Questions after the end was reached.
    private let asked = DispatchSemaphore(value: 0)
    private let ended = DispatchSemaphore(value: 0)

    init(_ reader: consuming LogReader, seed: UInt64) {
        self.reader = reader
        self.seed = seed
        for _ in 0..<ReadModelLimits.decodedFramesMax { room.signal() }
    }

    /// The next frames; null where everything durable was handed out. Ask again when there is more.
    ///
    /// - Parameter done: what was handed out before, to be filled again.
    func next(_ done: DecodedFrames?) -> DecodedFrames? {
        let (starts, end) = desk.withLock { desk in
            defer { desk.isRunning = true }
            if let done { desk.spare.append(done) }
            guard desk.ready.isEmpty else { return (false, End.ahead) }
            defer { desk.end = .ahead }
            return (!desk.isRunning, desk.end)
        }
        if done != nil { room.signal() }
        if starts { start() }
        if end != .ahead {
            // The end was found before this question: since then more may have come.
            if end == .found { filled.wait() }
            asked.signal()
        }
        // An end that the thread was about to find when the question came is looked for once more as well.
        var isFresh = starts || end != .ahead
        while true {
            filled.wait()
            let frames = desk.withLock { desk in
                if !desk.ready.isEmpty { return desk.ready.removeFirst() as DecodedFrames? }
                desk.end = isFresh ? .told : .ahead
                return nil
            }
            if isFresh || frames != nil { return frames }
            isFresh = true
            asked.signal()
        }
    }

    /// Ends the thread, at the latest when the batch is done that it is at.
    func stop() {
        let isRunning = desk.withLock { desk in
            desk.isOver = true
            return desk.isRunning
        }
        guard isRunning else { return }
        room.signal()
        asked.signal()
        ended.wait()
    }

    private func start() {
        let thread = Thread { self.run() }
        thread.name = "decode"
        thread.start()
    }

    private func run() {
        while true {
            room.wait()
            let frames = desk.withLock { $0.isOver ? nil : $0.spare.popLast() ?? DecodedFrames() }
            guard let frames else { break }
            if frames.fill(&reader, &decoder, seed: seed) {
                desk.withLock { $0.ready.append(frames) }
                filled.signal()
            } else {
                desk.withLock { desk in
                    desk.spare.append(frames)
                    desk.end = .found
                }
                room.signal()
                filled.signal()
                asked.wait()
            }
        }
        ended.signal()
    }
}
