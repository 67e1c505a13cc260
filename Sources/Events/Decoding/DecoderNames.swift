/// What a decoder looks names up in, made once for each.
final class DecoderNames: Sendable {
    let plain = PlainNames.all
    let fields = NameTable.fields
    let types = NameTable.types
    let sides = NameTable.sides
    let refreshers = NameTable.refreshers
    /// What each field may hold, by its raw value.
    let shapes = Field.allCases.map(\.shape)
    /// The fields that each type requires, by its raw value.
    let required = (0..<EventType.allCases.count).map { EventType(rawValue: UInt8($0))?.required ?? [] }
}
