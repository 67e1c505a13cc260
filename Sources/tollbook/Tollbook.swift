import ArgumentParser

@main
struct Tollbook: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tollbook",
        abstract: "An event-sourced accounting and dialog ledger for SIP.")
}
