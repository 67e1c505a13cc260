/// What a decoder looks names and rules up in: plain tables, made once for the process.
@safe
struct DecoderNames: @unchecked Sendable {
    // Safety: both are filled before anybody sees them, never changed, never freed.
    private let shapeTable: UnsafePointer<Field.Shape>
    private let ruleTable: UnsafePointer<TypeRule>

    let plain = PlainNames.all
    let fields = NameTable.fields
    let types = NameTable.types
    let sides = NameTable.sides
    let refreshers = NameTable.refreshers

    /// What an event of a type must hold.
    struct TypeRule {
        /// The fields that it requires.
        let required: FieldSet
        /// The status codes that it may hold.
        let sipCodes: (lower: Int64, upper: Int64)
    }

    static let all = DecoderNames()

    private init() {
        // Safety: initialised throughout.
        let shapes = UnsafeMutablePointer<Field.Shape>.allocate(capacity: Field.allCases.count)
        for (place, field) in Field.allCases.enumerated() {
            precondition(place == Int(field.rawValue), "fields are numbered without holes")
            unsafe (shapes + place).initialize(to: field.shape)
        }
        unsafe shapeTable = UnsafePointer(shapes)
        let rules = UnsafeMutablePointer<TypeRule>.allocate(capacity: EventType.allCases.count)
        for (place, type) in EventType.allCases.enumerated() {
            precondition(place == Int(type.rawValue), "types are numbered without holes")
            let codes = type.sipCodes ?? .min ... .max
            unsafe (rules + place).initialize(
                to: TypeRule(required: type.required, sipCodes: (codes.lowerBound, codes.upperBound)))
        }
        unsafe ruleTable = UnsafePointer(rules)
    }

    /// What a field may hold.
    @inline(__always)
    func shape(of field: Field) -> Field.Shape {
        // Safety: there is one for each field.
        unsafe shapeTable[Int(field.rawValue)]
    }

    @inline(__always)
    func rule(of type: EventType) -> TypeRule {
        // Safety: there is one for each type.
        unsafe ruleTable[Int(type.rawValue)]
    }
}
