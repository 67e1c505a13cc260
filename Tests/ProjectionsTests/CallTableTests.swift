import Testing

@testable import Events
@testable import Projections

/// A call is found by its key and by no other, whatever bits keys share, and however often others come and
/// go: tried with keys that belong into the same few places, over several times that the table grows.
struct CallTableTests {
    @Test(arguments: [UInt64(1), 7, 1 << 20, 1 << 32])
    func keysThatShareTheirLowestBitsAreToldApart(spread: UInt64) {
        var entries = CallEntries()
        var table = CallTable()
        let keys = (0..<6_000).map { number in
            // Half of each key is that of many others.
            CallKey(low: UInt64(number) % spread | UInt64(number / 3) << 32, high: UInt64(number % 3))
        }
        for (slot, key) in keys.enumerated() {
            #expect(table.find(key, in: entries) == nil)
            entries.append(CallBook.Entry(key: key))
            table.insert(key, slot: slot)
        }
        for (slot, key) in keys.enumerated() { #expect(table.find(key, in: entries) == slot) }
        for (slot, key) in keys.enumerated() where slot % 2 == 0 { table.remove(key, slot: slot) }
        #expect(table.count == keys.count / 2)
        for (slot, key) in keys.enumerated() {
            #expect(table.find(key, in: entries) == (slot % 2 == 0 ? nil : slot))
        }
        for (slot, key) in keys.enumerated() where slot % 2 == 0 { table.insert(key, slot: slot) }
        for (slot, key) in keys.enumerated() { #expect(table.find(key, in: entries) == slot) }
    }
}
