import ArgumentParser

/// `tollbook`: the root of all commands.
struct Tollbook: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tollbook",
        abstract: "An event-sourced accounting and dialog ledger for SIP.",
        discussion: """
            Proxies state what they see; Tollbook keeps it, and makes records from it that can be made again.

            EXAMPLES
              tollbook serve                         take events from proxies
              tollbook simulate --calls 100          play some, against that
              tollbook cdrs                          what became of the calls
              tollbook audit                         which of them hung, and whose fault it was

            EXIT STATUS
              0 done · 1 the answer is no (verification failed, findings at or above --fail-on) · 2 usage ·
              3 the environment (disk, network, another process)
            """,
        version: "0.1.0",
        subcommands: [
            ServeCommand.self, ImportCommand.self, SimulateCommand.self, EventsCommand.self,
            CallRecordsCommand.self,
            DialogsCommand.self, TimersCommand.self, AuditCommand.self, ExplainCommand.self,
            StatusCommand.self,
            VerifyCommand.self, RebuildCommand.self, SchemaCommand.self, BenchCommand.self,
        ])
}
