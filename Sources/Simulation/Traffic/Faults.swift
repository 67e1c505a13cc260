/// What goes wrong on the way from a source to the ledger. Nothing does unless asked for.
///
/// Faults draw from a random stream of their own: the calls stay the same, whatever befalls their events.
package struct Faults: Sendable {
    /// Share of the batches (event by event: of the events) that are delivered a second time with the same
    /// identities.
    package var duplicated = 0.0
    /// Share of the events that are stated up to `outOfOrderMicroseconds` late, so that later ones overtake
    /// them.
    package var outOfOrder = 0.0
    package var outOfOrderMicroseconds: Int64 = 50_000
    /// Share of the events that are stated up to `lateMicroseconds` late.
    package var late = 0.0
    package var lateMicroseconds: Int64 = 3_600_000_000
    /// Share of the sequence numbers that are given out and never delivered.
    package var lost = 0.0
    /// Share of the lines that are no valid events.
    package var invalid = 0.0
    /// Whether invalid lines are at least JSON objects, so that they can stand inside another one: what a
    /// file needs.
    package var invalidAsObjects = false
    /// Each source's clock is off by up to this much, either way, for the whole run.
    package var clockSkewMicroseconds: Int64 = 0

    package static let none = Faults()

    /// A little of everything.
    package static let some = Faults(
        duplicated: 0.01, outOfOrder: 0.02, late: 0.000_5, lost: 0.000_2, invalid: 0.000_2,
        clockSkewMicroseconds: 250_000)

    package init(
        duplicated: Double = 0, outOfOrder: Double = 0, late: Double = 0, lost: Double = 0,
        invalid: Double = 0, clockSkewMicroseconds: Int64 = 0
    ) {
        self.duplicated = duplicated
        self.outOfOrder = outOfOrder
        self.late = late
        self.lost = lost
        self.invalid = invalid
        self.clockSkewMicroseconds = clockSkewMicroseconds
    }

    var touchEvents: Bool { outOfOrder + late + lost + invalid > 0 }
}

/// How a line was spoilt. The first ones are JSON objects all the same.
enum Damage: UInt8 {
    case none
    case wrongType, missingField, outOfRange, duplicateKey, unknownParty, loneSurrogate, future, tooLong
    case noJSON, cutOff, invalidUTF8, twoObjects, empty

    static let objects = 8
    static let count = 13
}
