import Foundation
import Glibc

/// What is known of the terminal behind the standard output.
struct Terminal {
    /// Cells in a row.
    let columns: Int
    /// Whether letters may be bold.
    let hasStyles: Bool

    /// Finds it out; `COLUMNS` says how wide a table is to be also where there is no terminal.
    init(isTerminal: Bool) {
        let environment = ProcessInfo.processInfo.environment
        var size = winsize()
        // Safety: the call fills the one struct that it is given.
        let status = unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size)
        let isKnown = isTerminal && status == 0 && size.ws_col > 0
        let stated = environment["COLUMNS"].flatMap(Int.init).flatMap { $0 >= 20 ? $0 : nil }
        columns = isKnown ? Int(size.ws_col) : stated ?? CommandLimits.columnsElsewhere
        hasStyles = isTerminal && environment["NO_COLOR"] == nil && environment["TERM"] != "dumb"
    }

    func bold(_ text: String) -> String { hasStyles ? "\u{1B}[1m\(text)\u{1B}[0m" : text }
    func dim(_ text: String) -> String { hasStyles ? "\u{1B}[2m\(text)\u{1B}[0m" : text }
}
