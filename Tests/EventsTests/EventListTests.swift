import Testing

@testable import Events

/// A list holds the events that were made, in their order, and nothing of what was tried in vain: over
/// growth, and after it was emptied.
struct EventListTests {
    @Test func whatWasNoEventLeavesNothing() {
        var list = EventList()
        for _ in 0..<2 {
            list.removeAll()
            var expected: [Int64] = []
            for number in Int64(0)..<2_000 {
                let isEvent = number % 7 != 3
                let outcome = list.append { view in
                    view.type = .dialogTrying
                    view.present = [.cseq, .callID]
                    view.setNumber(at: Int(Field.cseq.rawValue), number)
                    view.setText(at: 0, TextRange(start: Int(number), end: Int(number) + 3, isEscaped: false))
                    return (isEvent, number * 2)
                }
                #expect(outcome == number * 2)
                if isEvent { expected.append(number) }
            }
            #expect(list.count == expected.count)
            for (index, number) in expected.enumerated() where index < list.count {
                #expect(list[index].number(.cseq) == number && list[index].number(.sipCode) == nil)
                #expect(list[index].text(.callID)?.start == UInt32(number))
            }
        }
    }

    @Test func aCopySaysTheSameAndKeepsSayingIt() {
        var view = EventView()
        view.type = .dialogConfirmed
        view.present = [.sipCode, .toTag]
        view.setNumber(at: Int(Field.sipCode.rawValue), 200)
        view.setText(at: Int(Field.toTag.rawValue), TextRange(start: 5, end: 9, isEscaped: true))
        let copy = view.copied()
        view.setNumber(at: Int(Field.sipCode.rawValue), 299)
        view.present = []
        #expect(copy.type == .dialogConfirmed && copy.number(.sipCode) == 200)
        #expect(copy.text(.toTag) == TextRange(start: 5, end: 9, isEscaped: true))
    }
}
