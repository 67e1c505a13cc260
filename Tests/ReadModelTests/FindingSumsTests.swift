import Testing

@testable import EventLog
@testable import Events
@testable import Projections
@testable import ReadModel
@testable import Simulation

/// The audit's summary is read from sums that findings are added to and, where a late event changes a call,
/// taken from again. It must be what counting the findings one by one gives; tried on traffic with faults,
/// folded in rounds of random size with so few calls in memory that most corrections look calls up.
struct FindingSumsTests {
    @Test(arguments: [21, 22, 23] as [UInt64])
    func sumsAreWhatCountingGives(seed: UInt64) throws {
        let place = try TestPlace()
        try place.fill(seed: seed, calls: 400)
        let database = try ReadModelDatabase(path: place.readModel, logID: place.log.id, use: .live)
        var random = RandomStream(seed: seed)
        try follow(database, place.log, &random)
        try database.close()
        try ReadModelReader(path: place.readModel).read { snapshot in
            let asOf = snapshot.asOf
            // A time before everything leaves out nothing, and can't be answered from the sums.
            for codes in [[], ["hung_call", "refresh_late"]] {
                for userAgent in [nil, "sipp"] as [String?] {
                    var sums = FindingFilter()
                    sums.codes = codes
                    sums.userAgent = userAgent
                    var counted = sums
                    counted.since = Timestamp(rawValue: 0)
                    let byCode = try snapshot.findingsByCode(sums, asOf: asOf)
                    #expect(try byCode == snapshot.findingsByCode(counted, asOf: asOf))
                    #expect(
                        try snapshot.findingsByUserAgent(sums, asOf: asOf)
                            == snapshot.findingsByUserAgent(counted, asOf: asOf))
                    if userAgent == nil { #expect(!byCode.isEmpty) }
                }
            }
        }
    }

    private func follow(
        _ database: ReadModelDatabase, _ log: LogDirectory, _ random: inout RandomStream
    ) throws {
        let projector = try Projector(database, log: log, settledMax: 5)
        while try projector.advance(round: Int(random.next() % 300) + 1) {}
    }
}
