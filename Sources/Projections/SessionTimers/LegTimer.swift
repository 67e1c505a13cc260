package import Events

/// A leg's session timer as one row: its marks with their verdicts, and what came of it.
package struct LegTimer: Sendable {
    /// A list of `{"time","interval","refresher","verdict"}` as JSON text.
    package var marks: [UInt8] = []
    package var expiresAt: Timestamp?
    package var isHung = false
    package var overrun: Int64 = 0
    package var unproven: Int64 = 0
    /// Until when the leg should have ended: its session expiry, else its answer and its lifetime.
    package var deadline = Timestamp(rawValue: 0)
    /// Where the log has the last proof of life.
    package var lastProofPosition = Position(rawValue: 0)
    package var lastProofType = EventType.unknown

    package init() {}

    /// The columns that a row has besides its key.
    package static let columns: [RecordColumn] = [
        RecordColumn("marks", .json, null: true), RecordColumn("expires_at", .integer, null: true),
        RecordColumn("hung", .integer, null: true), RecordColumn("overrun_us", .integer, null: true),
        RecordColumn("unproven_us", .integer, null: true), RecordColumn("deadline", .integer, null: true),
        RecordColumn("last_proof_position", .integer, null: true),
        RecordColumn("last_proof_type", .text, null: true),
    ]
}

extension CallFold {
    /// Fills a row anew, keeping its storage.
    package func fill(_ timer: inout LegTimer, of leg: Leg, asOf: Timestamp) {
        timer.marks.removeAll(keepingCapacity: true)
        timer.marks.write(upTo: 2 + leg.marks.count * Self.markTextMax) { text in
            text.append(UInt8(ascii: "["))
            for index in leg.marks {
                if index > leg.marks.lowerBound { text.append(UInt8(ascii: ",")) }
                text.append(#"{"time":"#)
                text.append(decimal: UInt64(marks[index].time.rawValue))
                text.append(#","interval":"#)
                text.append(decimal: UInt64(marks[index].interval))
                text.append(#","refresher":"#)
                text.append(quoted: marks[index].refresher?.name)
                text.append(#","verdict":"#)
                text.append(quoted: verdict(onMark: index, of: leg, asOf: asOf)?.name)
                text.append(UInt8(ascii: "}"))
            }
            text.append(UInt8(ascii: "]"))
        }
        timer.expiresAt = expiry(of: leg)
        timer.isHung = isHung(leg, asOf: asOf)
        timer.overrun = overrun(of: leg, asOf: asOf)
        timer.unproven = unproven(of: leg, asOf: asOf)
        timer.deadline = deadline(of: leg)
        timer.lastProofPosition = facts[leg.lastProof].position
        timer.lastProofType = facts[leg.lastProof].type
    }

    /// More than a mark takes as text: four names, two numbers and two words.
    private static let markTextMax = 128
}
