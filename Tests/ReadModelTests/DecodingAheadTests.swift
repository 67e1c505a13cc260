import Foundation
import Testing

@testable import EventLog
@testable import Events
@testable import ReadModel

/// What is read and decoded ahead of whoever folds, in a log that grows meanwhile.
struct DecodingAheadTests {
    /// The end that the thread came to while nobody asked is no answer to a question that is put later.
    @Test func anEndThatWasFoundBeforeIsLookedForAgain() throws {
        let place = try TestPlace()
        try place.call(0)
        let rebuild = try Rebuild(place.log, at: place.readModel + ".check", recipe: Rebuild.Recipe())
        try rebuild.advance(to: place.log.durable.next)
        for call in 1...3 {
            // Time for the thread to come to the end: with none of it the test shows less, and fails no more.
            Thread.sleep(forTimeInterval: 0.1)
            try place.call(call)
            let limit = place.log.durable.next
            try rebuild.advance(to: limit)
            #expect(rebuild.next == limit, "call \(call)")
        }
        try rebuild.finish()
    }
}

extension TestPlace {
    /// A call of three events, durable.
    fileprivate func call(_ number: Int) throws {
        writing.begin(at: try #require(log.files.end))
        isWriting = true
        try state(PolicyOverTimeTests.call(number))
        try finish()
    }
}
