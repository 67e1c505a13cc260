package import Events

/// What the log has of every epoch of every source.
///
/// A value: the one that `LogDirectory` gives is as of opening; ingest keeps its copy up to date with
/// `record` as it lays frames.
package struct SourceTable: Equatable, Sendable {
    private var places: [SourceEpoch: Int] = [:]
    private var keys: [SourceEpoch] = []
    private var states: [SourceState] = []
    /// Batches of one source tend to follow one another.
    private var recent = 0

    package init() {}

    package static func == (left: SourceTable, right: SourceTable) -> Bool {
        left.keys.count == right.keys.count
            && left.keys.allSatisfy { key in left.state(of: key) == right.state(of: key) }
    }

    /// Takes note of a frame.
    package mutating func record(
        _ kind: FrameKind, from source: SourceEpoch, first: SequenceNumber, count: Int,
        about subject: FrameSubject?
    ) {
        precondition(count >= 1 && first.rawValue <= .max - Int64(count), "numbers of a frame")
        let place = makePlace(of: source)
        states[place].addPresent(first.rawValue...first.rawValue + Int64(count) - 1)
        guard let subject, !subject.isConflict else { return }
        let other = makePlace(of: subject.source)
        let numbers = subject.first.rawValue...subject.last.rawValue
        if kind == .gap { states[other].addDeclared(numbers) } else { states[other].addPresent(numbers) }
    }

    package mutating func record(_ header: FrameHeader) {
        record(
            header.kind, from: header.source, first: header.firstSequence, count: header.count,
            about: header.subject)
    }

    /// What is there of an epoch; empty where nothing is.
    package func state(of source: SourceEpoch) -> SourceState {
        place(of: source).map { states[$0] } ?? SourceState()
    }

    /// Whether the log has this event, or its rejection.
    package func contains(_ source: SourceEpoch, _ sequence: SequenceNumber) -> Bool {
        place(of: source).map { states[$0].present.contains(sequence.rawValue) } ?? false
    }

    /// How many of the `count` numbers from `first` on are there already.
    package func presentCount(_ source: SourceEpoch, first: SequenceNumber, count: Int) -> Int {
        guard count > 0, let place = place(of: source) else { return 0 }
        return Int(states[place].present.count(in: first.rawValue...first.rawValue + Int64(count) - 1))
    }

    /// The next number that is neither there nor declared missing; what `welcome.next_seq` says.
    package func next(of source: SourceEpoch) -> SequenceNumber {
        place(of: source).map { states[$0].next } ?? SequenceNumber(rawValue: 1)
    }

    /// Every epoch of every source, in order.
    package var sources: [SourceEpoch] { keys.sorted() }

    /// Takes over what a summary says of an epoch.
    mutating func restore(_ state: SourceState, of source: SourceEpoch) {
        let place = makePlace(of: source)
        states[place] = state
    }

    private func place(of source: SourceEpoch) -> Int? {
        if recent < keys.count, keys[recent] == source { return recent }
        return places[source]
    }

    private mutating func makePlace(of source: SourceEpoch) -> Int {
        if let place = place(of: source) {
            recent = place
            return place
        }
        places[source] = keys.count
        keys.append(source)
        states.append(SourceState())
        recent = keys.count - 1
        return recent
    }
}
