import Testing

@testable import Events
@testable import Projections
@testable import Simulation

/// A settled call keeps no history of its records as long as they can be told again from its facts. What
/// comes of it is what comes of a book that keeps all histories: each record, revision and finding, whatever
/// changes between the call's end and its next event.
struct ToldLaterTests {
    @Test(arguments: [0, 2, 100_000])
    func revisionsAreThoseOfABookThatKeepsHistories(settledMax: Int) throws {
        var toldLater = 0
        var superseded = 0
        for seed in UInt64(0)..<150 {
            var calls = CollidingCalls(seed: seed)
            let events = calls.events(count: 30).shuffled(using: &calls.random)
            var twins = Twins(events, settledMax: settledMax)
            for event in events {
                try twins.take(event)
                switch Int.random(in: 0..<12, using: &calls.random) {
                case 0: try twins.openGap(of: event)
                case 1...4: try twins.closeGap()
                case 5: try twins.adopt(at: event, &calls.random)
                case 6...8: try twins.cut()
                default: break
                }
                toldLater += twins.lazy.book.settledWithoutHistory
                #expect(twins.eager.book.settledWithoutHistory == 0)
            }
            try twins.cut()
            let (lazy, eager) = (twins.lazy.rows, twins.eager.rows)
            guard lazy.standing == eager.standing, lazy.superseded == eager.superseded,
                lazy.findings == eager.findings
            else {
                Issue.record("seed \(seed): the twins differ")
                return
            }
            superseded += lazy.superseded.count
        }
        #expect(toldLater > 300 || settledMax == 0, "\(toldLater) histories are meant to be done without")
        #expect(superseded > 1_000, "records are meant to change")
    }

    /// Histories are made for what settled last, and no others, wherever the list of settled calls has been
    /// cut short in between: what comes again under another policy makes a revision.
    @Test func aPolicyFindsWhatSettledAroundACut() throws {
        let (calls, late) = (1_600, 60)
        let order = Array(0..<calls) + Array(calls - late..<calls)
        let events = order.enumerated().flatMap { place, call in
            place < calls ? Self.call(call, at: place) : [Self.answer(call, at: 2 * calls + place + 1)]
        }
        var twins = Twins(events, settledMax: 50)
        var random = RandomStream(seed: 1)
        for (index, event) in events.enumerated() {
            if index == 3 * 700 || index == 3 * calls {
                try twins.adopt(at: events[0], &random, isJudgedAgain: false)
            }
            try twins.take(event)
            if index % 300 == 299 { try twins.cut() }
        }
        try twins.cut()
        #expect(twins.lazy.rows.superseded.count == late)
        #expect(twins.lazy.rows.standing == twins.eager.rows.standing)
        #expect(twins.lazy.rows.superseded == twins.eager.rows.superseded)
    }

    private static func call(_ number: Int, at place: Int) -> [StatedEvent] {
        [
            event(3 * place + 1, "dialog.trying", number, 0, #","cseq":1"#),
            answer(number, at: 3 * place + 2),
            event(3 * place + 3, "timeout.no_ack", number, 5, #","to_tag":"t""#),
        ]
    }

    private static func answer(_ number: Int, at position: Int) -> StatedEvent {
        event(position, "dialog.confirmed", number, 1, #","to_tag":"t","cseq":1,"sip_code":200"#)
    }

    private static func event(
        _ position: Int, _ type: String, _ call: Int, _ seconds: Int, _ more: String
    ) -> StatedEvent {
        let time = 1_700_000_000_000_000 + seconds * 1_000_000
        return StatedEvent(
            position: UInt64(position), source: "a", epoch: 1, seq: Int64(position),
            json: #"{"type":"\#(type)","time":\#(time),"callid":"c\#(call)","from_tag":"f"\#(more)}"#)
    }
}

/// The same events for two books, one of which always has a gap of a source that no call knows, and so keeps
/// all histories.
private struct Twins: ~Copyable {
    let events: [StatedEvent]
    var lazy: Feed
    var eager: Feed
    private var gaps: [Gap] = []
    private var policies = PolicyHistory()
    private var changes: Int64 = 0

    init(_ events: [StatedEvent], settledMax: Int) {
        self.events = events
        lazy = Feed(events, settledMax: settledMax)
        eager = Feed(events, settledMax: settledMax)
        useGaps()
    }

    mutating func take(_ event: StatedEvent) throws {
        try lazy.take(event)
        try eager.take(event)
    }

    mutating func cut() throws {
        try lazy.cut()
        try eager.cut()
    }

    /// Opens a gap of the event's source that touches all of its calls.
    mutating func openGap(of event: StatedEvent) throws {
        changes += 1
        guard let name = SourceName(event.source), !name.isLedger else { return }
        gaps.append(Self.gap(name, changes))
        useGaps()
        try revisitAll()
    }

    mutating func closeGap() throws {
        guard !gaps.isEmpty else { return }
        gaps.removeFirst()
        useGaps()
        try revisitAll()
    }

    /// Another policy for what ends from the event's time on.
    ///
    /// - Parameter isJudgedAgain: whether what has ended is judged by it before something comes.
    mutating func adopt(
        at event: StatedEvent, _ random: inout RandomStream, isJudgedAgain: Bool = true
    ) throws {
        changes += 1
        var time: Timestamp?
        Feed.decode(event) { view, _, _ in time = view.time }
        let option = BillingPolicy.HungCall.allCases[Int.random(in: 0..<4, using: &random)]
        policies.insert(
            BillingPolicy(id: "p\(changes)", hash: "0", hungCall: option),
            PolicyHistory.Entry(
                time: try #require(time), epoch: Epoch(rawValue: 1), seq: SequenceNumber(rawValue: changes)))
        lazy.book.use(policies)
        eager.book.use(policies)
        if isJudgedAgain { try revisitAll() }
    }

    private mutating func useGaps() {
        var open = OpenGaps()
        for gap in gaps { open.insert(gap) }
        lazy.book.use(open)
        if let stranger = SourceName("stranger") { open.insert(Self.gap(stranger, 0)) }
        eager.book.use(open)
    }

    private static func gap(_ source: SourceName, _ number: Int64) -> Gap {
        Gap(
            sourceEpoch: SourceEpoch(source: source, epoch: Epoch(rawValue: 1)), numbers: 1...1, after: nil,
            before: nil, time: Timestamp(rawValue: 0), position: Position(rawValue: UInt64(number)))
    }

    /// Judges each call again that has a record.
    private mutating func revisitAll() throws {
        lazy.rows.write(&lazy.book.rows)
        eager.rows.write(&eager.book.rows)
        let cause = Position(rawValue: 1_000_000 + UInt64(changes))
        let calls = Set(lazy.rows.standing.keys.map { Array($0.prefix(2)) })
        for call in calls.sorted(by: { $0.map(\.bytes).description < $1.map(\.bytes).description }) {
            try lazy.book.revisit(callID: call[0].bytes, fromTag: call[1].bytes, because: cause)
            try eager.book.revisit(callID: call[0].bytes, fromTag: call[1].bytes, because: cause)
        }
    }
}

extension CallBook {
    fileprivate var settledWithoutHistory: Int {
        entries.indices.count {
            entries[$0].chain.count > 0 && entries[$0].marks.contains(.settled) && entries[$0].history == nil
        }
    }
}
