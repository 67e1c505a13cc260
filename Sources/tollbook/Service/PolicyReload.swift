import Logging
import Projections
import ServiceLifecycle
import UnixSignals

/// Reads the policy's file again on each SIGHUP. What it finds is in force once the log states it; a file
/// that can't be read, or that is no policy, changes nothing.
struct PolicyReload: Service {
    /// Null where none is configured.
    let path: String?
    let wanted: WantedPolicy
    let hangups: UnixSignalsSequence
    let logger: Logger

    func run() async {
        for await _ in hangups.cancelOnGracefulShutdown() { read() }
    }

    private func read() {
        guard let path else {
            logger.notice(
                """
                SIGHUP: there is no file to read again, since no policy is configured (--policy, TOLLBOOK_POLICY, or \
                “policy” in the file of --config)
                """)
            return
        }
        do throws(CommandFailure) {
            let policy = try PolicyText(contentsOf: path)
            wanted.put(policy)
            logger.notice("SIGHUP: read \(path), the billing policy \(policy.policy.citation)")
        } catch {
            logger.error("SIGHUP: the billing policy stays what it was: \(error.message)")
        }
    }
}
