import Configuration
import EventLog
import Ingest
import Logging
import Projections

/// How the service runs: everything that a file, the environment and flags may say, checked.
struct ServiceConfiguration: Sendable {
    var data = DataDirectory.standardPath
    var routerEndpoints = ["tcp://127.0.0.1:5590"]
    var pullEndpoints = ["tcp://127.0.0.1:5591"]
    var subscriberEndpoints = ["tcp://127.0.0.1:5592"]
    /// Path of a billing policy's file; without one what the log says goes on.
    var policyPath: String?
    var settings = Settings()
    var gapMicroseconds = Ingest.Limits.gapMicrosecondsDefault
    var creditEvents = Ingest.Limits.creditEventsDefault
    var segmentBytes = LogLimits.segmentBytesDefault
    /// Of zstd; 0 leaves sealed segments plain.
    var compressionLevel = LogLimits.compressionLevelDefault
    var logLevel = Logger.Level.notice

    /// Takes each setting from the flags, else from the environment, else from the file, else from the
    /// standard.
    ///
    /// - Parameters:
    ///   - flags: what was given on the command line.
    ///   - file: the configuration's file; null for none.
    /// - Throws: one failure that names every value that is wrong.
    static func load(
        flags: [Setting: ConfigContent], environment: [String: String], file: String?
    ) throws -> ServiceConfiguration {
        var reading = try ConfigurationReading(flags: flags, environment: environment, file: file)
        var configuration = ServiceConfiguration()
        configuration.data = reading.text(.data) ?? configuration.data
        configuration.routerEndpoints = reading.endpoints(.router) ?? configuration.routerEndpoints
        configuration.pullEndpoints = reading.endpoints(.pull) ?? configuration.pullEndpoints
        configuration.subscriberEndpoints = reading.endpoints(.sub) ?? configuration.subscriberEndpoints
        let endpoints =
            configuration.routerEndpoints + configuration.pullEndpoints + configuration.subscriberEndpoints
        if endpoints.isEmpty {
            reading.complain(of: .router, "is none, like pull and sub: nothing could ever arrive")
        }
        configuration.policyPath = reading.text(.policy)
        var settings = configuration.settings
        settings.lifetimeSeconds = reading.number(.lifetime) ?? settings.lifetimeSeconds
        settings.unansweredSeconds = reading.number(.unanswered) ?? settings.unansweredSeconds
        settings.graceSeconds = reading.number(.grace) ?? settings.graceSeconds
        settings.toleranceSeconds = reading.number(.tolerance) ?? settings.toleranceSeconds
        configuration.settings = settings
        if let seconds = reading.number(.gapTimeout) { configuration.gapMicroseconds = seconds * 1_000_000 }
        if let credit = reading.number(.credit) { configuration.creditEvents = Int(credit) }
        if let bytes = reading.number(.segmentBytes) {
            if !bytes.isMultiple(of: 4096) { reading.complain(of: .segmentBytes, "is no multiple of 4096") }
            configuration.segmentBytes = Int(bytes)
        }
        if let level = reading.number(.compressionLevel) { configuration.compressionLevel = Int(level) }
        if let word = reading.text(.logLevel) {
            if let level = Logger.Level(rawValue: word) {
                configuration.logLevel = level
            } else {
                let levels = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
                reading.complain(of: .logLevel, "is “\(word)”: it is one of \(levels)")
            }
        }
        try reading.finish()
        return configuration
    }
}

/// The values of all places, and what is wrong with them.
private struct ConfigurationReading {
    private let flags: [Setting: ConfigContent]
    /// What is set in the environment, by the names of the settings in capitals.
    private let variables: [String: String]
    private let file: ConfigurationFile?
    private let reader: ConfigReader
    private var complaints: [String]

    init(flags: [Setting: ConfigContent], environment: [String: String], file: String?) throws {
        self.flags = flags
        var variables: [String: String] = [:]
        for setting in Setting.allCases {
            // An empty variable is how a shell leaves one unset.
            if let value = environment[setting.environmentName], !value.isEmpty {
                variables[setting.name.uppercased()] = value
            }
        }
        self.variables = variables
        self.file = try file.map { try ConfigurationFile($0) }
        complaints = self.file?.complaints ?? []
        reader = ConfigReader(providers: [
            InMemoryProvider(name: "flags", values: Self.keyed(flags)),
            EnvironmentVariablesProvider(environmentVariables: variables),
            InMemoryProvider(name: "file", values: Self.keyed(self.file?.values ?? [:])),
        ])
    }

    private static func keyed(_ values: [Setting: ConfigContent]) -> [AbsoluteConfigKey: ConfigValue] {
        var keyed: [AbsoluteConfigKey: ConfigValue] = [:]
        for (setting, content) in values {
            keyed[AbsoluteConfigKey([setting.name])] = ConfigValue(content, isSecret: false)
        }
        return keyed
    }

    mutating func text(_ setting: Setting) -> String? {
        read(setting) { [reader] in try reader.requiredString(forKey: ConfigKey([setting.name])) }
    }

    mutating func number(_ setting: Setting) -> Int64? {
        let found = read(setting) { [reader] in try reader.requiredInt(forKey: ConfigKey([setting.name])) }
        guard let number = found else { return nil }
        guard case .number(let range) = setting.kind, range.contains(number) else {
            complain(of: setting, "is \(number): it is \(setting.meaning)")
            return nil
        }
        return Int64(number)
    }

    /// Endpoints to listen at; “none” is for listening nowhere.
    mutating func endpoints(_ setting: Setting) -> [String]? {
        let found = read(setting) { [reader] in
            try reader.requiredStringArray(forKey: ConfigKey([setting.name]))
        }
        guard let endpoints = found?.filter({ $0 != "none" }) else { return nil }
        for text in endpoints {
            do throws(IngestError) {
                _ = try Endpoint(listening: text)
            } catch {
                complain(of: setting, "is wrong: \(error.message)")
            }
        }
        return endpoints
    }

    private mutating func read<Value>(_ setting: Setting, _ body: () throws -> Value) -> Value? {
        guard place(of: setting) != nil else { return nil }
        do {
            return try body()
        } catch {
            complain(of: setting, "is \(setting.meaning), and this is none")
            return nil
        }
    }

    /// Where the value comes from that counts, as people would call it.
    private func place(of setting: Setting) -> String? {
        if flags[setting] != nil { return setting.flag }
        if variables[setting.name.uppercased()] != nil { return setting.environmentName }
        if let file, file.values[setting] != nil { return "“\(setting.name)” in \(file.path)" }
        return nil
    }

    mutating func complain(of setting: Setting, _ complaint: String) {
        complaints.append("\(place(of: setting) ?? setting.name) \(complaint)")
    }

    func finish() throws {
        guard !complaints.isEmpty else { return }
        let list = complaints.map { "  \($0)" }.joined(separator: "\n")
        throw CommandFailure(.usage, "the configuration is wrong, nothing was started:\n\(list)")
    }
}
