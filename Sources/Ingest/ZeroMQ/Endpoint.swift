/// Where a socket listens, judged before libzmq sees it.
package struct Endpoint: Sendable, CustomStringConvertible {
    package let text: String

    package var description: String { text }

    /// Takes an endpoint to listen at.
    ///
    /// Without CURVE anybody who can reach the port could write into the ledger, so that an address that
    /// others can reach is refused (fail closed). A name that needs a resolver is refused too: what it means
    /// tomorrow is not known today.
    package init(listening text: String) throws(IngestError) {
        self.text = text
        if text.hasPrefix("ipc://") || text.hasPrefix("inproc://") { return }
        guard text.hasPrefix("tcp://"), let colon = text.lastIndex(of: ":") else {
            throw IngestError(
                .endpointInvalid,
                "\(text) is no endpoint: write tcp://127.0.0.1:5599, ipc:///path or inproc://name")
        }
        let host = text[
            text.index(text.startIndex, offsetBy: 6)..<max(colon, text.index(text.startIndex, offsetBy: 6))]
        let port = text[text.index(after: colon)...]
        guard !host.isEmpty, port == "*" || UInt16(port) != nil else {
            throw IngestError(
                .endpointInvalid,
                "\(text) is no endpoint: tcp:// wants an address and a port, as in tcp://127.0.0.1:5599")
        }
        guard Self.isLoopback(host) else {
            throw IngestError(
                .endpointNotLoopback,
                "\(text) can be reached from outside, and would take events from anybody: "
                    + "listen at 127.0.0.1, ::1 or ipc://")
        }
    }

    private static func isLoopback(_ host: Substring) -> Bool {
        if host == "localhost" || host == "lo" || host == "[::1]" || host == "::1" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }
}
