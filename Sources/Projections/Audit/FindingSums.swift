/// How many findings settled calls have gained, by the caller's user agent and the code: what a summary of
/// the audit is read from, however many calls there are. What they lose again is counted where it is deleted.
package struct FindingSums: Sendable {
    package struct Sum: Sendable {
        package var findings: Int64 = 0
        /// Calls with at least one of them.
        package var calls: Int64 = 0
    }

    package struct UserAgent: Sendable {
        package let name: [UInt8]
        /// Calls with any finding.
        package fileprivate(set) var calls: Int64 = 0
        /// By the code's place in `FindingCode.allCases`.
        fileprivate var sums = InlineArray<32, Sum>(repeating: Sum())

        package func sum(_ code: FindingCode) -> Sum { sums[code.place] }
    }

    package private(set) var userAgents: [UserAgent] = []
    private var places = NamePlaces()

    package init() {}

    /// Counts all findings of one call.
    package mutating func add(_ findings: [Finding], userAgent: ArraySlice<UInt8>) {
        if findings.isEmpty { return }
        let place = place(of: userAgent)
        userAgents[place].calls += 1
        var seen: UInt64 = 0
        for finding in findings {
            let code = finding.code.place
            userAgents[place].sums[code].findings += 1
            if seen & 1 << UInt64(code) == 0 { userAgents[place].sums[code].calls += 1 }
            seen |= 1 << UInt64(code)
        }
    }

    /// Adds what others have counted.
    mutating func merge(_ other: FindingSums) {
        for userAgent in other.userAgents {
            let place = place(of: userAgent.name[...])
            userAgents[place].calls += userAgent.calls
            for code in 0..<FindingCode.allCases.count {
                userAgents[place].sums[code].findings += userAgent.sums[code].findings
                userAgents[place].sums[code].calls += userAgent.sums[code].calls
            }
        }
    }

    private mutating func place(of name: ArraySlice<UInt8>) -> Int {
        let place = places.index(of: name) { name.isSame(as: userAgents[$0].name) }
        if place == userAgents.count { userAgents.append(UserAgent(name: Array(name))) }
        return place
    }
}

extension FindingCode {
    fileprivate var place: Int { Self.places[self] ?? 0 }

    private static let places = Dictionary(
        uniqueKeysWithValues: allCases.enumerated().map { ($0.element, $0.offset) })
}
