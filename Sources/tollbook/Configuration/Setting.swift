/// A setting of the service: one name, spelt three ways. `gap_timeout` in the file, `TOLLBOOK_GAP_TIMEOUT` in
/// the environment, `--gap-timeout` as a flag.
enum Setting: String, CaseIterable {
    case data, router, pull, sub, policy
    case lifetime, unanswered, grace, tolerance
    case gapTimeout = "gap_timeout"
    case credit
    case segmentBytes = "segment_bytes"
    case compressionLevel = "compression_level"
    case logLevel = "log_level"

    enum Kind {
        case text
        /// A list of texts: in the file a list or one text, in the environment separated by commas, as flags
        /// repeated.
        case texts
        case number(ClosedRange<Int>)
    }

    static let environmentPrefix = "TOLLBOOK_"

    var name: String { rawValue }
    var environmentName: String { Self.environmentPrefix + rawValue.uppercased() }
    var flag: String { "--" + rawValue.replacing("_", with: "-") }

    var kind: Kind {
        switch self {
        case .data, .policy, .logLevel: .text
        case .router, .pull, .sub: .texts
        case .lifetime, .unanswered, .grace, .tolerance:
            .number(Int(SettingRange.of(name).lowerBound)...Int(SettingRange.of(name).upperBound))
        case .gapTimeout: .number(0...86_400)
        case .credit: .number(1...16_777_216)
        case .segmentBytes: .number(65_536...2_147_483_648)
        case .compressionLevel: .number(0...19)
        }
    }

    /// What the setting may be, for people.
    var meaning: String {
        switch kind {
        case .text: "a text"
        case .texts: "an endpoint, or a list of them"
        case .number(let range): "a whole number from \(range.lowerBound) to \(range.upperBound)"
        }
    }
}
