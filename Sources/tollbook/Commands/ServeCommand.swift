import ArgumentParser
import Configuration
import Foundation

/// `tollbook serve`
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "The service: takes events over ZeroMQ, appends, projects, watches deadlines.",
        discussion: """
            Every setting is taken from its flag, else from the environment (--gap-timeout is TOLLBOOK_GAP_TIMEOUT
            there), else from the file of --config (gap_timeout), else from what is standard. The file is a JSON
            object:
              {"data":"/var/lib/tollbook","router":["tcp://127.0.0.1:5590"],"policy":"/etc/tollbook/policy.json"}

            SIGTERM and SIGINT end it in good order. SIGHUP reads the file of --policy again: where its text has
            changed, calls that end from then on are billed by it, once the log says so; a file that is no policy
            is logged as an error, and changes nothing. Other settings are read at the start alone.

            EXAMPLES
              tollbook serve
              tollbook serve --data /var/lib/tollbook --config /etc/tollbook/tollbook.json
              tollbook serve --router tcp://127.0.0.1:* --pull none --sub none
              TOLLBOOK_LOG_LEVEL=debug tollbook serve
            """)

    @Option(help: ArgumentHelp("Take settings from this file.", valueName: "file"))
    var config: String?
    @Option(help: ArgumentHelp("The ledger's data directory (standard: ./tollbook-data).", valueName: "dir"))
    var data: String?
    @Option(
        help: ArgumentHelp(
            "Where sources that want acknowledgements connect (tcp://127.0.0.1:5590); may be repeated; `*` as port "
                + "takes a free one; `none` for nowhere.", valueName: "endpoint"))
    var router: [String] = []
    @Option(help: ArgumentHelp("Where PUSH sockets connect (tcp://127.0.0.1:5591).", valueName: "endpoint"))
    var pull: [String] = []
    @Option(help: ArgumentHelp("Where PUB sockets connect (tcp://127.0.0.1:5592).", valueName: "endpoint"))
    var sub: [String] = []
    @Option(
        help: ArgumentHelp(
            "Bill by this policy from now on; it becomes an event of the log.", valueName: "file"))
    var policy: String?
    @OptionGroup var settings: SettingsOptions
    @Option(
        help: ArgumentHelp(
            "How long unacknowledged events may be missing before that is stated (5).", valueName: "seconds"))
    var gapTimeout: Int?
    @Option(
        help: ArgumentHelp("How many events a source may have unacknowledged (32768).", valueName: "events"))
    var credit: Int?
    @Option(help: ArgumentHelp("Size of new segments of the log (67108864).", valueName: "bytes"))
    var segmentBytes: Int?
    @Option(
        help: ArgumentHelp(
            "How hard full segments of the log are compressed, in the background: 1 to 19, and 0 not at all (6). "
                + "Those that were filled fast are compressed at 1.",
            valueName: "level"))
    var compressionLevel: Int?
    @Option(
        help: ArgumentHelp(
            "What is logged to the standard error: trace, debug, info, notice, warning, error.",
            valueName: "level"))
    var logLevel: String?

    func run() async throws {
        let configuration = try ServiceConfiguration.load(
            flags: flags, environment: ProcessInfo.processInfo.environment, file: config)
        try await LedgerService(configuration).run()
    }

    /// What was given on the command line.
    private var flags: [Setting: ConfigContent] {
        var flags: [Setting: ConfigContent] = [:]
        func text(_ setting: Setting, _ value: String?) { if let value { flags[setting] = .string(value) } }
        func texts(_ setting: Setting, _ value: [String]) {
            if !value.isEmpty { flags[setting] = .stringArray(value) }
        }
        func number(_ setting: Setting, _ value: Int?) { if let value { flags[setting] = .int(value) } }
        text(.data, data)
        texts(.router, router)
        texts(.pull, pull)
        texts(.sub, sub)
        text(.policy, policy)
        number(.lifetime, settings.lifetime.map { Int($0) })
        number(.unanswered, settings.unanswered.map { Int($0) })
        number(.grace, settings.grace.map { Int($0) })
        number(.tolerance, settings.tolerance.map { Int($0) })
        number(.gapTimeout, gapTimeout)
        number(.credit, credit)
        number(.segmentBytes, segmentBytes)
        number(.compressionLevel, compressionLevel)
        text(.logLevel, logLevel)
        return flags
    }
}
