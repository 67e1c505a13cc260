/// What became of imported files.
package struct ImportReport: Hashable, Sendable {
    /// A line that could not be taken as it stands, for the operator.
    package struct Fault: Hashable, Sendable, CustomStringConvertible {
        /// The file and the line, or the file and the event's identity.
        package let place: String
        package let reason: String

        package var description: String { "\(place): \(reason)" }
    }

    /// Lines that held something, blank ones left out.
    package var lines: UInt64 = 0
    /// Events that were added.
    package var events: UInt64 = 0
    /// Invalid events that were added as `ledger.rejected` under their identity.
    package var rejected: UInt64 = 0
    /// Events that were there already.
    package var duplicates: UInt64 = 0
    /// Events whose number had been taken by other bytes, added as `ledger.rejected`.
    package var conflicts: UInt64 = 0
    /// Lines that are too long to be kept even as rejected: nothing was added for them.
    package var unreadable: UInt64 = 0
    /// The first of the lines that were rejected, in conflict or unreadable.
    package var faults: [Fault] = []

    package init() {}

    mutating func note(_ file: String, _ line: Int64, _ reason: String) {
        note("\(file):\(line)", reason)
    }

    mutating func note(_ place: String, _ reason: String) {
        guard faults.count < Limits.importFaultsNamedMax else { return }
        faults.append(Fault(place: place, reason: reason))
    }
}
