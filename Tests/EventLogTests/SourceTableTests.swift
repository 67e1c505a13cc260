import EventLog
import Events
import Testing

@Suite("Table of sources")
struct SourceTableTests {
    private let source = Ledger.source("p")
    private let own = Ledger.source("ledger", 3)

    private func number(_ number: Int64) -> SequenceNumber { SequenceNumber(rawValue: number) }

    @Test("The next number passes over what is there, what was rejected, and what was declared missing")
    func next() {
        var table = SourceTable()
        #expect(table.next(of: source).rawValue == 1)
        table.record(.events, from: source, first: number(1), count: 3, about: nil)
        #expect(table.next(of: source).rawValue == 4)
        table.record(.events, from: source, first: number(6), count: 2, about: nil)
        #expect(table.next(of: source).rawValue == 4)
        table.record(
            .rejected, from: own, first: number(1), count: 1,
            about: FrameSubject(source: source, first: number(4), last: number(4)))
        #expect(table.next(of: source).rawValue == 5)
        table.record(
            .gap, from: own, first: number(2), count: 1,
            about: FrameSubject(source: source, first: number(5), last: number(5)))
        #expect(table.next(of: source).rawValue == 8)
        #expect(!table.contains(source, number(5)) && table.contains(source, number(4)))
        // What was given up comes after all.
        table.record(.events, from: source, first: number(5), count: 1, about: nil)
        #expect(table.contains(source, number(5)) && table.next(of: source).rawValue == 8)
        #expect(table.next(of: own).rawValue == 3)
        #expect(table.presentCount(source, first: number(1), count: 10) == 7)
        #expect(table.sources == [own, source])
    }

    @Test("A conflict doesn't stand for the number that it is about")
    func conflicts() {
        var table = SourceTable()
        table.record(
            .rejected, from: own, first: number(1), count: 1,
            about: FrameSubject(source: source, first: number(1), last: number(1), isConflict: true))
        #expect(!table.contains(source, number(1)) && table.next(of: source).rawValue == 1)
    }

    @Test("Tables are the same in whatever order they were filled")
    func equality() {
        var left = SourceTable()
        var right = SourceTable()
        let others = (1...5).map { Ledger.source("s\($0)") }
        for other in others { left.record(.events, from: other, first: number(1), count: 2, about: nil) }
        for other in others.reversed() {
            right.record(.events, from: other, first: number(2), count: 1, about: nil)
            #expect(left != right)
            right.record(.events, from: other, first: number(1), count: 1, about: nil)
        }
        #expect(left == right)
    }
}
