import Configuration
import Foundation

/// The configuration's file: a JSON object with the names of the settings.
struct ConfigurationFile {
    let path: String
    private(set) var values: [Setting: ConfigContent] = [:]
    /// What is wrong with it: names that are no settings, values of another kind.
    private(set) var complaints: [String] = []

    init(_ path: String) throws {
        self.path = path
        guard let data = FileManager.default.contents(atPath: path) else {
            throw CommandFailure(
                .environment,
                "the configuration \(path) can't be read: check that it is there and may be read by this user"
            )
        }
        guard data.count <= CommandLimits.configurationBytesMax,
            let object = try? JSONSerialization.jsonObject(with: data) as? [String: Any]
        else {
            throw CommandFailure(
                .usage, #"the configuration \#(path) is no JSON object, such as {"data":"/var/lib/tollbook"}"#
            )
        }
        for (name, value) in object.sorted(by: { $0.key < $1.key }) {
            guard let setting = Setting(rawValue: name) else {
                let names = Setting.allCases.map(\.name).joined(separator: ", ")
                complaints.append("“\(name)” in \(path) is no setting; there are \(names)")
                continue
            }
            if let content = Self.content(value, setting.kind) {
                values[setting] = content
            } else {
                complaints.append("“\(name)” in \(path) is \(setting.meaning), and this is none")
            }
        }
    }

    private static func content(_ value: Any, _ kind: Setting.Kind) -> ConfigContent? {
        switch kind {
        case .text: return (value as? String).map { .string($0) }
        case .texts:
            if let list = value as? [String] { return .stringArray(list) }
            return (value as? String).map { .stringArray([$0]) }
        case .number:
            // To Foundation a boolean is a number, and so is a fraction.
            guard let number = value as? NSNumber, !(value is Bool),
                let whole = Int(exactly: number.doubleValue)
            else { return nil }
            return .int(whole)
        }
    }
}
