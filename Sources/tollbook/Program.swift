import ArgumentParser
import EventLog
import Glibc
import Ingest
import ReadModel
import Simulation

/// Where the program begins, and where everything that went wrong ends: as words on the standard error and an
/// exit status.
@main
enum Program {
    @MainActor
    static func main() async {
        // A reader that goes away is an error of `write`, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
        unblockSignals()
        ReadModelDatabase.useNoMemoryAccount()
        do {
            var command = try Tollbook.parseAsRoot()
            if var waiting = command as? any AsyncParsableCommand {
                try await waiting.run()
            } else {
                try command.run()
            }
        } catch {
            exit(report(error))
        }
    }

    /// Whoever starts this process may have done so from a thread that blocks signals, and a child inherits
    /// that: it could not be asked to end.
    private static func unblockSignals() {
        var signals = sigset_t()
        // Safety: both calls take the one set that was made here.
        unsafe sigemptyset(&signals)
        for signal in [SIGINT, SIGTERM, SIGHUP, SIGQUIT] { unsafe sigaddset(&signals, signal) }
        unsafe pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    }

    /// Says what went wrong.
    ///
    /// - Returns: the exit status.
    private static func report(_ error: any Error) -> Int32 {
        switch error {
        case is OutputClosed:
            return 0
        case let failure as CommandFailure:
            if !failure.message.isEmpty { StandardError.writeLine("tollbook: \(failure.message)") }
            return failure.status.rawValue
        case let failure as LogError:
            StandardError.writeLine("tollbook: \(failure)")
            return failure.code == .invalidOption ? 2 : 3
        case is ReadModelError, is IngestError, is TrafficFileError:
            StandardError.writeLine("tollbook: \(error)")
            return 3
        default:
            return reportUsage(error)
        }
    }

    /// What ArgumentParser has to say: help and version, or what is wrong with the call.
    private static func reportUsage(_ error: any Error) -> Int32 {
        let status = Tollbook.exitCode(for: error)
        let message = Tollbook.fullMessage(for: error)
        if status == .success {
            let output = StandardOutput()
            if !message.isEmpty {
                try? output.writeLine(message)
                try? output.flush()
            }
            return 0
        }
        if !message.isEmpty { StandardError.writeLine(message) }
        let meaning: CommandFailure.Status = status == .validationFailure ? .usage : .environment
        return meaning.rawValue
    }
}
