import ArgumentParser
import EventLog
import Events
import Foundation
import Projections
import ReadModel

/// `tollbook rebuild`
struct RebuildCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rebuild",
        abstract: "Throws the read model away and makes it again from the log.",
        discussion: """
            The settings that records depend on are kept, unless others are given here. With --check nothing is
            changed: a second read model is made beside the first and compared with it, also while a service runs.

            With --policy FILE all calls are billed by that one policy, whatever the log says. Add --diff to see first
            what that would change: each record that would be billed otherwise, then the sums by termination, by
            basis, and over all. Nothing is written into the data directory; the log is read anew into a temporary
            file (TMPDIR says where), also while a service runs.

            EXAMPLES
              tollbook rebuild
              tollbook rebuild --check
              tollbook rebuild --policy strict.json --diff
              tollbook rebuild --policy strict.json --diff --format csv > difference.csv
              tollbook rebuild --policy strict.json
              tollbook rebuild --tolerance 5
            """)

    @OptionGroup var data: DataOptions
    @OptionGroup var format: FormatOptions
    @OptionGroup var settings: SettingsOptions

    @Flag(help: "Compare with what is there, change nothing; exit status 1 if they differ.")
    var check = false
    @Option(help: "Bill all calls by this policy, whatever the log says.")
    var policy: String?
    @Flag(help: "Say what the policy of --policy would change, by call and in sums; change nothing.")
    var diff = false

    func validate() throws {
        if diff {
            guard !check else {
                throw ValidationError(
                    "--diff and --check are two questions: --diff says what another policy would change, --check "
                        + "whether the read model is what the log makes. Ask one at a time")
            }
            guard policy != nil else {
                throw ValidationError(
                    "--diff says what another policy would change: name its file with --policy. To compare the read "
                        + "model with the log, use --check")
            }
            guard settings.isEmpty else {
                throw ValidationError(
                    "--diff compares policies under the settings that records are made by now: leave out --lifetime, "
                        + "--unanswered, --grace and --tolerance")
            }
        }
        if check, policy != nil || !settings.isEmpty {
            throw ValidationError("--check compares with what is there: leave out --policy and the settings")
        }
    }

    func run() throws {
        if check {
            try CheckReport(data.directory).write(format)
            return
        }
        let directory = data.directory
        let policy = try policy.map { path throws(CommandFailure) in try PolicyText(contentsOf: path) }
        if diff, let policy {
            try PolicyDifferenceReport(directory: directory, policy: policy).write(format)
            return
        }
        // Who names the wrong directory is not to find a new ledger in it.
        _ = try directory.openLogForReading()
        var recipe = Rebuild.Recipe(ofReadModelAt: directory.readModelPath)
        recipe.settings = settings.applied(to: recipe.settings)
        recipe.fixedPolicy = policy?.text
        guard let log = try directory.openLogIfFree() else {
            throw CommandFailure(
                .environment,
                "another process has the ledger in \(directory.path): stop it before a rebuild, or compare only, "
                    + "with --check")
        }
        defer { log.close() }
        let next = try ReadModelUpkeep(directory: directory).make(log, recipe: recipe)
        StandardError.writeLine(
            "rebuilt \(directory.readModelPath) from \(HumanCount.grouped(next.rawValue - 1)) events")
    }
}

/// Settings that records depend on, on the command line.
struct SettingsOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "How long a leg without session timer and stated lifetime may last.", valueName: "seconds"))
    var lifetime: Int64?
    @Option(help: ArgumentHelp("How long a call may stay unanswered.", valueName: "seconds"))
    var unanswered: Int64?
    @Option(help: ArgumentHelp("How long after a deadline the end is presumed.", valueName: "seconds"))
    var grace: Int64?
    @Option(
        help: ArgumentHelp(
            "How much later than half its interval a refresh is still on time.", valueName: "seconds"))
    var tolerance: Int64?

    var isEmpty: Bool { lifetime == nil && unanswered == nil && grace == nil && tolerance == nil }

    func validate() throws {
        for (name, value) in [
            ("lifetime", lifetime), ("unanswered", unanswered), ("grace", grace), ("tolerance", tolerance),
        ] {
            guard let value else { continue }
            guard SettingRange.of(name).contains(value) else {
                throw ValidationError("--\(name) is \(SettingRange.text(name)) seconds, not \(value)")
            }
        }
    }

    func applied(to settings: Settings) -> Settings {
        var settings = settings
        settings.lifetimeSeconds = lifetime ?? settings.lifetimeSeconds
        settings.unansweredSeconds = unanswered ?? settings.unansweredSeconds
        settings.graceSeconds = grace ?? settings.graceSeconds
        settings.toleranceSeconds = tolerance ?? settings.toleranceSeconds
        return settings
    }
}

/// What the settings of records may be, in seconds.
enum SettingRange {
    static func of(_ name: String) -> ClosedRange<Int64> {
        name == "lifetime" || name == "unanswered" ? 1...4_294_967_295 : 0...86_400
    }

    static func text(_ name: String) -> String {
        let range = of(name)
        return "\(range.lowerBound) to \(range.upperBound)"
    }
}
